-- The audit trail (append-only), the outbox and the in-app inbox.
CREATE TABLE audit_entries (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_user_id uuid,
    actor_role text,
    subject_user_id uuid,
    action text NOT NULL,
    resource text NOT NULL,
    resource_id uuid,
    company_id uuid,
    ip text CHECK (length(ip) <= 64),
    request_id text NOT NULL CHECK (length(request_id) <= 64),
    outcome text NOT NULL CHECK (outcome IN ('SUCCESS', 'REFUSED'))
);
CREATE INDEX audit_entries_subject ON audit_entries (subject_user_id, at);
CREATE INDEX audit_entries_resource ON audit_entries (resource_id) WHERE resource_id IS NOT NULL;

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    recipient_user_id uuid NOT NULL REFERENCES users (id),
    letter text NOT NULL,
    arguments jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    given_up boolean NOT NULL DEFAULT false
);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE sent_at IS NULL AND NOT given_up;

CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    type text NOT NULL,
    data jsonb NOT NULL,
    read_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX notifications_inbox ON notifications (user_id, created_at DESC, id DESC);
CREATE INDEX notifications_unread ON notifications (user_id) WHERE read_at IS NULL;

ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications FORCE ROW LEVEL SECURITY;

-- No grant allows UPDATE, DELETE or TRUNCATE of the trail; the trigger stops its owner too.
GRANT SELECT, INSERT ON audit_entries TO huntzen_app;
GRANT SELECT, INSERT, UPDATE ON outbox TO huntzen_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON notifications TO huntzen_app;
GRANT INSERT ON outbox, notifications TO huntzen_internal;

CREATE POLICY audit_entries_append ON audit_entries FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) IS NOT NULL);
CREATE POLICY audit_entries_audit ON audit_entries FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:audit');
CREATE POLICY outbox_write ON outbox FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_user()) IS NOT NULL OR (SELECT scope_role()) LIKE 'worker:%');
CREATE POLICY outbox_read ON outbox FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:outbox');
CREATE POLICY outbox_send ON outbox FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:outbox') WITH CHECK ((SELECT scope_role()) = 'worker:outbox');
CREATE POLICY outbox_internal ON outbox FOR INSERT TO huntzen_internal WITH CHECK (true);
CREATE POLICY notifications_own ON notifications TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));
CREATE POLICY notifications_internal ON notifications FOR INSERT TO huntzen_internal WITH CHECK (true);

CREATE FUNCTION audit_entries_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse_change();
