-- A program that does not know these purposes and letters could use and send none after them.
ALTER TABLE one_time_tokens NO FORCE ROW LEVEL SECURITY;
DELETE FROM one_time_tokens WHERE purpose = 'CHANGE_EMAIL';
ALTER TABLE one_time_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
DELETE FROM outbox WHERE letter IN ('CONFIRM_EMAIL', 'EMAIL_CHANGED', 'EMAIL_TAKEN', 'NEW_SIGN_IN');
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_email_by_purpose;
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_purpose_check;
ALTER TABLE one_time_tokens
    ADD CONSTRAINT one_time_tokens_purpose_check CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD'));
ALTER TABLE one_time_tokens DROP COLUMN email;
ALTER TABLE sessions DROP COLUMN stepped_up_at;
DROP TABLE backup_codes;
DROP TABLE second_factors;
ALTER TABLE users DROP COLUMN two_factor_enabled_at;
