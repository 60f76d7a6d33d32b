-- Sessions with their families of refresh tokens, mailed one-time tokens, invitations.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    user_agent text CHECK (length(user_agent) <= 256),
    ip text CHECK (length(ip) <= 64)
);
CREATE INDEX sessions_user ON sessions (user_id, created_at);

-- Every token of a family stays until its session ends, so that a stolen one is recognised.
CREATE TABLE refresh_tokens (
    sha256 bytea CONSTRAINT refresh_tokens_pkey PRIMARY KEY CHECK (length(sha256) = 32),
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id),
    issued_at timestamptz NOT NULL,
    rotated_at timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE one_time_tokens (
    sha256 bytea CONSTRAINT one_time_tokens_pkey PRIMARY KEY CHECK (length(sha256) = 32),
    user_id uuid NOT NULL REFERENCES users (id),
    purpose text NOT NULL CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, purpose);

CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    company_id uuid,
    sha256 bytea NOT NULL CONSTRAINT invitations_sha256_key UNIQUE CHECK (length(sha256) = 32),
    invited_by uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    CONSTRAINT invitations_company_user_fkey FOREIGN KEY (company_id, user_id) REFERENCES users (company_id, id)
);
CREATE INDEX invitations_user ON invitations (user_id);
CREATE INDEX invitations_company ON invitations (company_id) WHERE accepted_at IS NULL;

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE refresh_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE refresh_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE one_time_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE one_time_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitations FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON sessions, refresh_tokens, one_time_tokens TO huntzen_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO huntzen_app;
GRANT SELECT ON refresh_tokens, one_time_tokens, invitations TO huntzen_internal;

CREATE POLICY sessions_own ON sessions TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));
CREATE POLICY refresh_tokens_own ON refresh_tokens TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));
CREATE POLICY one_time_tokens_own ON one_time_tokens TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));
CREATE POLICY invitations_own ON invitations TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));
CREATE POLICY invitations_hr ON invitations TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()))
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()));
CREATE POLICY invitations_administrators ON invitations TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN') WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY invitations_operators ON invitations TO huntzen_app
    USING ((SELECT scope_role()) = 'SUPER_ADMIN' AND company_id IS NULL)
    WITH CHECK ((SELECT scope_role()) = 'SUPER_ADMIN' AND company_id IS NULL);
CREATE POLICY refresh_tokens_internal ON refresh_tokens FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY one_time_tokens_internal ON one_time_tokens FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY invitations_internal ON invitations FOR SELECT TO huntzen_internal USING (true);

GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- Whom a token belongs to, before its tenant is known. It answers only for the token that the
-- transaction's scope names.
CREATE FUNCTION token_owner(wanted bytea)
    RETURNS TABLE (user_id uuid, company_id uuid, role text, session_id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT u.id, u.company_id, u.role, t.session_id
        FROM (SELECT r.user_id, r.session_id FROM refresh_tokens r WHERE r.sha256 = wanted
              UNION ALL SELECT o.user_id, NULL::uuid FROM one_time_tokens o WHERE o.sha256 = wanted
              UNION ALL SELECT i.user_id, NULL::uuid FROM invitations i WHERE i.sha256 = wanted) t
        JOIN users u ON u.id = t.user_id
        WHERE encode(wanted, 'hex') = scope_token()
        LIMIT 1;
END $$;
ALTER FUNCTION token_owner(bytea) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION token_owner(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION token_owner(bytea) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
