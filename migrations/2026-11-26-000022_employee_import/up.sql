-- Listing many people at once: which addresses have an account.
GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- Those of `wanted` that have an account other than one of `own`. HR sees no account; adding one of
-- these would tell it the same of each. Whoever is not HR has nothing to ask.
CREATE FUNCTION taken_emails(wanted text[], own uuid[]) RETURNS TABLE (email text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    IF scope_role() IS DISTINCT FROM 'ADMIN_RH' THEN
        RAISE EXCEPTION 'permission denied for function taken_emails' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY SELECT u.email FROM users u WHERE u.email = ANY (wanted) AND u.id <> ALL (own);
END $$;
ALTER FUNCTION taken_emails(text[], uuid[]) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION taken_emails(text[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION taken_emails(text[], uuid[]) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
