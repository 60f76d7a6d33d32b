-- What the live worker sees: inboxes of connected people, and which of their sessions have ended.
CREATE POLICY notifications_live ON notifications FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:live');

-- The worker learns of a session whether it has ended, and nothing else of anybody: the rows stay
-- closed to it.
CREATE POLICY sessions_internal ON sessions FOR SELECT TO huntzen_internal USING (true);
GRANT SELECT ON sessions TO huntzen_internal;

GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- Those of `asked` that may not act any more at `now`, in the order asked.
CREATE FUNCTION ended_sessions(asked uuid[], now timestamptz) RETURNS TABLE (id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
BEGIN ATOMIC
    SELECT a.id
    FROM unnest(asked) WITH ORDINALITY AS a (id, place)
    LEFT JOIN sessions s ON s.id = a.id
    LEFT JOIN users u ON u.id = s.user_id
    LEFT JOIN companies c ON c.id = u.company_id
    WHERE scope_role() = 'worker:live'
        AND (s.revoked_at IS NULL
            AND s.expires_at > now
            AND u.is_active
            AND u.blocked_at IS NULL
            AND (u.signed_out_before IS NULL OR s.created_at >= u.signed_out_before)
            AND (u.role <> 'ADMIN_RH' OR c.is_active)) IS NOT TRUE
    ORDER BY a.place;
END;

ALTER FUNCTION ended_sessions(uuid[], timestamptz) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION ended_sessions(uuid[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ended_sessions(uuid[], timestamptz) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
