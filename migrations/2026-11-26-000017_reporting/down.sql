DROP FUNCTION announce_reporting(uuid, text, date, timestamptz);
-- Letters that told of it stay.
ALTER TABLE outbox DROP CONSTRAINT outbox_about_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_about_check
    CHECK (about - 'consultationId' - 'scheduledAt' - 'timezone' = '{}'::jsonb) NOT VALID;
DROP TABLE preferences;
ALTER TABLE companies ADD COLUMN hr_reporting text NOT NULL DEFAULT 'AGGREGATED'
    CHECK (hr_reporting IN ('AGGREGATED', 'NAMED'));
ALTER TABLE companies ALTER COLUMN hr_reporting DROP DEFAULT;
DROP TABLE company_reporting;
