ALTER TABLE outbox DROP CONSTRAINT outbox_arguments_or_about;
ALTER TABLE outbox RENAME COLUMN arguments TO arguments_sealed;
ALTER TABLE outbox ADD COLUMN arguments jsonb;
ALTER TABLE reviews RENAME COLUMN comment TO comment_sealed;
ALTER TABLE reviews ADD COLUMN comment text CHECK (length(comment) <= 2000);
GRANT SELECT (comment) ON reviews TO huntzen_app;
ALTER TABLE consultations RENAME COLUMN cancel_reason TO cancel_reason_sealed;
ALTER TABLE consultations RENAME COLUMN reason TO reason_sealed;
ALTER TABLE consultations ADD COLUMN reason text CHECK (length(reason) <= 2000),
    ADD COLUMN cancel_reason text CHECK (length(cancel_reason) <= 2000);

CREATE POLICY consultations_sealing ON consultations TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY reviews_sealing ON reviews TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY outbox_sealing ON outbox TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY data_keys_sealing ON keys.data_keys TO CURRENT_USER USING (true) WITH CHECK (true);
