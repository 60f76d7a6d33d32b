-- Requests that a client may send again, each kept in the transaction that did what it asked for. The id
-- stands for the user and the client's key; what was asked for is sealed together with the answer, since a
-- digest of a short text gives the text away.
CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL REFERENCES users (id),
    id uuid NOT NULL,
    -- Of a request of several transactions: who is at it, and until when nobody else takes it over.
    held_by uuid,
    held_until timestamptz,
    -- The longest is that to an import: 50,000 reasons why lines were not taken.
    answer bytea CHECK (length(answer) BETWEEN 58 AND 33554432),
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT idempotency_keys_state CHECK (
        num_nonnulls(held_by, held_until) = CASE WHEN answer IS NULL THEN 2 ELSE 0 END)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (held_by, held_until, answer), DELETE ON idempotency_keys TO huntzen_app;
CREATE POLICY idempotency_keys_own ON idempotency_keys TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));
-- The writer of messages keeps the answers to their senders, under keys that it does not see.
CREATE POLICY idempotency_keys_chat ON idempotency_keys FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:chat');
CREATE POLICY idempotency_keys_chat_add ON idempotency_keys FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:chat' AND answer IS NOT NULL);
CREATE POLICY idempotency_keys_retention ON idempotency_keys FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:retention');
CREATE POLICY idempotency_keys_retention_discard ON idempotency_keys FOR DELETE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:retention');

-- An answer goes with the key that opens it, and so with the person.
GRANT SELECT, DELETE ON idempotency_keys TO huntzen_internal;
CREATE POLICY idempotency_keys_internal ON idempotency_keys TO huntzen_internal USING (true);
GRANT CREATE ON SCHEMA public TO huntzen_internal;
CREATE FUNCTION data_keys_take_answers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM idempotency_keys WHERE user_id = OLD.subject_id;
    RETURN NULL;
END $$;
ALTER FUNCTION data_keys_take_answers() OWNER TO huntzen_internal;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
REVOKE EXECUTE ON FUNCTION data_keys_take_answers() FROM PUBLIC;
CREATE TRIGGER data_keys_answers AFTER DELETE ON keys.data_keys
    FOR EACH ROW WHEN (OLD.kind = 'PERSON') EXECUTE FUNCTION data_keys_take_answers();
