DROP FUNCTION ended_sessions(uuid[], timestamptz);
REVOKE SELECT ON sessions FROM huntzen_internal;
DROP POLICY sessions_internal ON sessions;
DROP POLICY notifications_live ON notifications;
