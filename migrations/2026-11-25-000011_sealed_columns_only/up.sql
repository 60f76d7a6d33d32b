-- The clear columns go; what is sealed takes their names.
DO $$
BEGIN
    IF EXISTS (SELECT FROM consultations WHERE reason IS NOT NULL OR cancel_reason IS NOT NULL)
       OR EXISTS (SELECT FROM reviews WHERE comment IS NOT NULL)
       OR EXISTS (SELECT FROM outbox WHERE arguments IS NOT NULL) THEN
        RAISE EXCEPTION 'confidential values are left in clear: huntzen migrate seals them first';
    END IF;
END $$;

DROP POLICY data_keys_sealing ON keys.data_keys;
DROP POLICY outbox_sealing ON outbox;
DROP POLICY reviews_sealing ON reviews;
DROP POLICY consultations_sealing ON consultations;

ALTER TABLE consultations DROP COLUMN reason, DROP COLUMN cancel_reason;
ALTER TABLE consultations RENAME COLUMN reason_sealed TO reason;
ALTER TABLE consultations RENAME COLUMN cancel_reason_sealed TO cancel_reason;
ALTER TABLE reviews DROP COLUMN comment;
ALTER TABLE reviews RENAME COLUMN comment_sealed TO comment;
GRANT SELECT (comment) ON reviews TO huntzen_app;
ALTER TABLE outbox DROP COLUMN arguments;
ALTER TABLE outbox RENAME COLUMN arguments_sealed TO arguments;
ALTER TABLE outbox ADD CONSTRAINT outbox_arguments_or_about CHECK (num_nonnulls(arguments, about) = 1);
