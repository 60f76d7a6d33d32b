DROP TRIGGER employees_told_of_reporting ON employees;
DROP FUNCTION employees_tell_of_reporting();
DROP FUNCTION announce_reporting(uuid, text, date, timestamptz);
DROP FUNCTION tell_of_reporting(uuid, text, date, timestamptz);
-- A program that does not know this letter could send none after it.
ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
DELETE FROM outbox WHERE letter = 'REPORTING_CHANGED';
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox DROP CONSTRAINT outbox_about_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_about_check
    CHECK (about - 'consultationId' - 'scheduledAt' - 'timezone' = '{}'::jsonb);
DROP TABLE preferences;
ALTER TABLE companies ADD COLUMN hr_reporting text NOT NULL DEFAULT 'AGGREGATED'
    CHECK (hr_reporting IN ('AGGREGATED', 'NAMED'));
ALTER TABLE companies ALTER COLUMN hr_reporting DROP DEFAULT;
DROP TABLE company_reporting;
