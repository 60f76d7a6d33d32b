-- Room for what is sealed, beside what lies in clear: `huntzen migrate` seals the rows that are there
-- before the next migration takes the clear columns away.
ALTER TABLE consultations
    ADD COLUMN reason_sealed bytea CHECK (length(reason_sealed) BETWEEN 58 AND 8057),
    ADD COLUMN cancel_reason_sealed bytea CHECK (length(cancel_reason_sealed) BETWEEN 58 AND 8057);
ALTER TABLE reviews
    ADD COLUMN comment_sealed bytea CHECK (length(comment_sealed) BETWEEN 58 AND 8057);
-- A letter that a trigger writes has nothing sealed, since a trigger has no key: ids, instants and
-- zones alone, and the constraint says so.
ALTER TABLE outbox
    ADD COLUMN arguments_sealed bytea CHECK (length(arguments_sealed) BETWEEN 58 AND 65536),
    ADD COLUMN about jsonb CHECK (about - 'consultationId' - 'scheduledAt' - 'timezone' = '{}'::jsonb),
    ALTER COLUMN arguments DROP NOT NULL;

-- Row security binds the owner too, who seals what is there; these go with the clear columns.
CREATE POLICY consultations_sealing ON consultations TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY reviews_sealing ON reviews TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY outbox_sealing ON outbox TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY data_keys_sealing ON keys.data_keys TO CURRENT_USER USING (true) WITH CHECK (true);

CREATE OR REPLACE FUNCTION tell_participant(consultation uuid, recipient uuid, recipient_zone text, kind text,
                                            letter text, starts_at timestamptz, at timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    about CONSTANT jsonb := jsonb_build_object('consultationId', consultation, 'scheduledAt',
        to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
BEGIN
    IF kind IS NOT NULL THEN
        INSERT INTO notifications (id, user_id, type, data, created_at)
        VALUES (uuid_v7(at), recipient, kind, about, at);
    END IF;
    IF letter IS NOT NULL THEN
        INSERT INTO outbox (id, recipient_user_id, letter, about, created_at, next_attempt_at)
        VALUES (uuid_v7(at), recipient, tell_participant.letter,
                about || jsonb_build_object('timezone', recipient_zone), at, at);
    END IF;
END $$;
