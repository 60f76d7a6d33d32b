-- Inviting people, many at once too: which addresses are somebody's already.
CREATE INDEX employees_by_email ON employees (email);
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

-- Whether an employee of any company has this work address: it stays theirs, whatever address their
-- account has by now. Whoever may invite would hear of an account at an address in the same way.
CREATE FUNCTION is_work_address(address text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF scope_role() IS NULL OR scope_role() NOT IN ('ADMIN_RH', 'ADMIN_HUNTZEN', 'SUPER_ADMIN') THEN
        RAISE EXCEPTION 'permission denied for function is_work_address' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN EXISTS (SELECT FROM employees e WHERE e.email = address);
END $$;
ALTER FUNCTION is_work_address(text) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION is_work_address(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_work_address(text) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
