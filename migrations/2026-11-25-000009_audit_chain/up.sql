-- Chains over the trail: one for each company and one, the nil UUID, for what belongs to none. A link
-- holds the hash of the one before it and of all that stands in its entry.
CREATE TABLE audit_links (
    chain uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 1),
    entry_id uuid NOT NULL CONSTRAINT audit_links_entry_key UNIQUE,
    prev_hash bytea NOT NULL CHECK (length(prev_hash) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    CONSTRAINT audit_links_pkey PRIMARY KEY (chain, seq)
);
-- Entries that wait for the linker. They commit out of the order of their ids: what is linked next is
-- told by this queue and by nothing else.
CREATE TABLE audit_unlinked (
    entry_id uuid PRIMARY KEY
);
CREATE INDEX audit_entries_at ON audit_entries (at, id);

-- What was written before there were chains waits too. Row security binds the owner as well.
ALTER TABLE audit_entries NO FORCE ROW LEVEL SECURITY;
INSERT INTO audit_unlinked (entry_id) SELECT id FROM audit_entries;
ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;

ALTER TABLE audit_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_links FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_unlinked ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_unlinked FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON audit_links TO huntzen_app;
GRANT SELECT, DELETE ON audit_unlinked TO huntzen_app;
GRANT INSERT ON audit_unlinked TO huntzen_internal;
GRANT SELECT ON audit_entries TO huntzen_internal;

CREATE POLICY audit_links_read ON audit_links FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:audit');
CREATE POLICY audit_links_append ON audit_links FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:audit');
CREATE POLICY audit_unlinked_read ON audit_unlinked FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:audit');
CREATE POLICY audit_unlinked_done ON audit_unlinked FOR DELETE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:audit');
CREATE POLICY audit_unlinked_internal ON audit_unlinked FOR INSERT TO huntzen_internal WITH CHECK (true);
CREATE POLICY audit_entries_internal ON audit_entries FOR SELECT TO huntzen_internal USING (true);

CREATE TRIGGER audit_links_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_links
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse_change();

GRANT CREATE ON SCHEMA public TO huntzen_internal;
CREATE FUNCTION audit_entries_wait() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO audit_unlinked (entry_id) SELECT id FROM added;
    RETURN NULL;
END $$;

-- Whoever reads a consultation without its employee cannot say whose data that touches; the person
-- has to be told all the same.
CREATE FUNCTION audit_entries_know_subject() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    SELECT c.employee_user_id INTO NEW.subject_user_id FROM consultations c WHERE c.id = NEW.resource_id;
    RETURN NEW;
END $$;

-- What was done to the data of whoever asks: practitioners and oneself by name, others by role.
CREATE FUNCTION own_access_log(before timestamptz, before_id uuid, most integer)
    RETURNS TABLE (id uuid, at timestamptz, actor_role text, first_name text, last_name text, action text,
                   resource text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
BEGIN ATOMIC
    SELECT e.id, e.at, e.actor_role, coalesce(p.first_name, m.first_name), coalesce(p.last_name, m.last_name),
           e.action, e.resource
    FROM audit_entries e
    LEFT JOIN practitioners p ON p.user_id = e.actor_user_id
    LEFT JOIN employees m ON m.user_id = e.actor_user_id AND e.actor_user_id = scope_user()
    WHERE e.subject_user_id = scope_user() AND (e.at, e.id) < (before, before_id)
    ORDER BY e.at DESC, e.id DESC LIMIT most;
END;

ALTER FUNCTION audit_entries_wait() OWNER TO huntzen_internal;
ALTER FUNCTION audit_entries_know_subject() OWNER TO huntzen_internal;
ALTER FUNCTION own_access_log(timestamptz, uuid, integer) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION audit_entries_wait(), audit_entries_know_subject(),
    own_access_log(timestamptz, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION own_access_log(timestamptz, uuid, integer) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER audit_entries_queued AFTER INSERT ON audit_entries REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_wait();
CREATE TRIGGER audit_entries_subject BEFORE INSERT ON audit_entries FOR EACH ROW
    WHEN (NEW.resource = 'CONSULTATION' AND NEW.subject_user_id IS NULL AND NEW.resource_id IS NOT NULL
          AND NEW.actor_role IN ('ADMIN_HUNTZEN', 'SUPER_ADMIN'))
    EXECUTE FUNCTION audit_entries_know_subject();
