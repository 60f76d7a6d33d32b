-- The second factor of an account: a sealed secret that both sides count codes from (RFC 6238), and
-- codes for whoever has lost the device.
ALTER TABLE users ADD COLUMN two_factor_enabled_at timestamptz;
CREATE TABLE second_factors (
    user_id uuid CONSTRAINT second_factors_pkey PRIMARY KEY REFERENCES users (id),
    secret bytea NOT NULL CHECK (length(secret) BETWEEN 58 AND 1024),
    -- The last step of thirty seconds whose code was accepted: no code is accepted twice.
    last_step bigint,
    -- Wrong codes in a row, and when the first of them came.
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failing_since timestamptz,
    created_at timestamptz NOT NULL
);
CREATE TABLE backup_codes (
    user_id uuid NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    used_at timestamptz,
    CONSTRAINT backup_codes_pkey PRIMARY KEY (user_id, sha256)
);
-- When the session's owner last proved to be there.
ALTER TABLE sessions ADD COLUMN stepped_up_at timestamptz;

ALTER TABLE second_factors ENABLE ROW LEVEL SECURITY;
ALTER TABLE second_factors FORCE ROW LEVEL SECURITY;
ALTER TABLE backup_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE backup_codes FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON second_factors, backup_codes TO huntzen_app;
CREATE POLICY second_factors_own ON second_factors TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));
CREATE POLICY backup_codes_own ON backup_codes TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));

-- The address that a token confirms when it changes one.
ALTER TABLE one_time_tokens ADD COLUMN email text CHECK (email = lower(email) AND length(email) <= 254);
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_purpose_check;
ALTER TABLE one_time_tokens
    ADD CONSTRAINT one_time_tokens_purpose_check
        CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD', 'CHANGE_EMAIL')),
    ADD CONSTRAINT one_time_tokens_email_by_purpose CHECK ((purpose = 'CHANGE_EMAIL') = (email IS NOT NULL));
