-- Wrapped data keys, in a schema of their own: the main backup leaves it out and a second backup,
-- kept for 30 days at most, holds it, so that a destroyed key is gone from every copy by then.
CREATE SCHEMA keys;
GRANT USAGE ON SCHEMA keys TO huntzen_app, huntzen_internal;

-- A subject has one key. `subject_id` is a person, a consultation, the patient of notes, or nil for
-- the platform; `author_id` whose notes, else nil. The two readers say who may use it; those of a
-- consultation are its participants, which the trigger below knows and no caller.
CREATE TABLE keys.data_keys (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('PERSON', 'CONSULTATION', 'NOTES', 'PLATFORM')),
    subject_id uuid NOT NULL,
    author_id uuid NOT NULL,
    reader_user_id uuid,
    other_reader_user_id uuid,
    master_key_id bigint NOT NULL CHECK (master_key_id BETWEEN 1 AND 4294967295),
    wrapped bytea NOT NULL CHECK (length(wrapped) = 73),
    CONSTRAINT data_keys_subject_key UNIQUE (subject_id, kind, author_id)
);
CREATE INDEX data_keys_master ON keys.data_keys (master_key_id);

ALTER TABLE keys.data_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE keys.data_keys FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (master_key_id, wrapped) ON keys.data_keys TO huntzen_app;

CREATE POLICY data_keys_readers ON keys.data_keys FOR SELECT TO huntzen_app
    USING ((SELECT scope_user()) IN (reader_user_id, other_reader_user_id));
CREATE POLICY data_keys_platform ON keys.data_keys FOR SELECT TO huntzen_app
    USING (kind = 'PLATFORM' AND (SELECT scope_role()) IS NOT NULL);
CREATE POLICY data_keys_chat ON keys.data_keys FOR SELECT TO huntzen_app
    USING (kind = 'CONSULTATION' AND (SELECT scope_role()) = 'worker:chat');
CREATE POLICY data_keys_rotation ON keys.data_keys FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:keys');
CREATE POLICY data_keys_rewrap ON keys.data_keys FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:keys') WITH CHECK ((SELECT scope_role()) = 'worker:keys');
CREATE POLICY data_keys_add_own ON keys.data_keys FOR INSERT TO huntzen_app
    WITH CHECK (kind <> 'PLATFORM' AND (SELECT scope_user()) IN (reader_user_id, other_reader_user_id));
CREATE POLICY data_keys_add_platform ON keys.data_keys FOR INSERT TO huntzen_app
    WITH CHECK (kind = 'PLATFORM' AND (SELECT scope_role()) IS NOT NULL);
CREATE POLICY data_keys_add_chat ON keys.data_keys FOR INSERT TO huntzen_app
    WITH CHECK (kind = 'CONSULTATION' AND (SELECT scope_role()) = 'worker:chat');

GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- Says whose a new key is. Row security compares the scope with this, not with what a caller says.
CREATE FUNCTION data_keys_take_readers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.reader_user_id := NULL;
    NEW.other_reader_user_id := NULL;
    CASE NEW.kind
        WHEN 'PERSON' THEN
            NEW.reader_user_id := NEW.subject_id;
        WHEN 'NOTES' THEN
            SELECT c.practitioner_user_id INTO NEW.reader_user_id FROM consultations c
            WHERE c.practitioner_user_id = NEW.author_id AND c.employee_user_id = NEW.subject_id LIMIT 1;
        WHEN 'CONSULTATION' THEN
            SELECT c.employee_user_id, c.practitioner_user_id INTO NEW.reader_user_id, NEW.other_reader_user_id
            FROM consultations c WHERE c.id = NEW.subject_id;
        ELSE
            RETURN NEW;
    END CASE;
    IF NEW.reader_user_id IS NULL THEN
        RAISE EXCEPTION 'a data key without anybody who may use it'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'data_keys_readers';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION data_keys_take_readers() OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION data_keys_take_readers() FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER data_keys_readers BEFORE INSERT ON keys.data_keys FOR EACH ROW
    EXECUTE FUNCTION data_keys_take_readers();
