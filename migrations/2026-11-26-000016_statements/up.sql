-- What practitioners are paid by: one file a practitioner and month, closed once.
CREATE TABLE practitioner_statements (
    practitioner_id uuid NOT NULL REFERENCES practitioners (id),
    practitioner_user_id uuid NOT NULL,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    bytes bytea NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    closed_at timestamptz NOT NULL,
    CONSTRAINT practitioner_statements_pkey PRIMARY KEY (practitioner_id, month)
);
ALTER TABLE practitioner_statements ENABLE ROW LEVEL SECURITY;
ALTER TABLE practitioner_statements FORCE ROW LEVEL SECURITY;
-- Nobody changes or deletes one.
GRANT SELECT, INSERT ON practitioner_statements TO huntzen_app;
GRANT SELECT ON practitioner_statements TO huntzen_internal;
CREATE POLICY practitioner_statements_own ON practitioner_statements FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()));
CREATE POLICY practitioner_statements_closing ON practitioner_statements FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:closing');
-- To notice that another node was faster.
CREATE POLICY practitioner_statements_closed ON practitioner_statements FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:closing');
CREATE POLICY practitioner_statements_internal ON practitioner_statements FOR SELECT TO huntzen_internal USING (true);

-- The statement that a consultation is a line of when it ended after the one of its own month was
-- closed; null for all others.
ALTER TABLE consultations ADD COLUMN late_month date CHECK (extract(day FROM late_month) = 1);
CREATE INDEX consultations_completed ON consultations (practitioner_id, service_day) WHERE status = 'COMPLETED';
CREATE INDEX consultations_late ON consultations (practitioner_id, late_month) WHERE late_month IS NOT NULL;

GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- Closing a statement and ending a consultation of the same practitioner come one after the other.
CREATE FUNCTION hold_statements(practitioner uuid) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('huntzen:statements:' || practitioner, 0));
    RETURN true;
END $$;

-- Fires after consultations_measured, which knows the day: triggers of one kind fire by name.
CREATE FUNCTION consultations_assign_statement() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM hold_statements(NEW.practitioner_id);
    NEW.late_month := (SELECT (max(month) + interval '1 month')::date FROM practitioner_statements
        WHERE practitioner_id = NEW.practitioner_id AND month >= date_trunc('month', NEW.service_day)::date);
    RETURN NEW;
END $$;

-- A practitioner's lines of a month, for itself and for closing. Nothing of an employee is among them.
CREATE FUNCTION statement_lines(practitioner uuid, of_month date)
    RETURNS TABLE (service_day date, company_id uuid, company_name text, minutes integer)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT c.service_day, c.company_id, o.name, c.actual_duration
        FROM consultations c JOIN companies o ON o.id = c.company_id
        WHERE c.practitioner_id = practitioner AND c.status = 'COMPLETED' AND c.billing_status = 'VALIDATED'
          AND ((c.late_month IS NULL AND c.service_day BETWEEN of_month AND (of_month + interval '1 month - 1 day')::date)
            OR c.late_month = of_month)
          AND (scope_role() = 'worker:closing'
            OR (scope_role() = 'PRACTITIONER' AND c.practitioner_user_id = scope_user()))
        ORDER BY c.service_day, c.scheduled_at, c.id;
END $$;

-- The statements that are to be closed up to a month, the oldest first: one for every month since a
-- practitioner came, or since the first day that counts.
CREATE FUNCTION missing_statements(last date, up_to bigint)
    RETURNS TABLE (practitioner_id uuid, user_id uuid, first_name text, last_name text, title text, month date)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:closing' THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT p.id, p.user_id, p.first_name, p.last_name, p.title, m.month::date
        FROM practitioners p
        CROSS JOIN LATERAL (
            SELECT min(d.day) AS day FROM practitioner_activity_daily d WHERE d.practitioner_id = p.id) AS active
        CROSS JOIN LATERAL generate_series(
            date_trunc('month', least((p.created_at AT TIME ZONE 'Europe/Paris')::date, active.day))::timestamp,
            last::timestamp, interval '1 month') AS m (month)
        WHERE NOT EXISTS (SELECT FROM practitioner_statements s
                          WHERE s.practitioner_id = p.id AND s.month = m.month::date)
        ORDER BY m.month, p.id
        LIMIT up_to;
END $$;

ALTER FUNCTION consultations_assign_statement() OWNER TO huntzen_internal;
ALTER FUNCTION statement_lines(uuid, date) OWNER TO huntzen_internal;
ALTER FUNCTION missing_statements(date, bigint) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION consultations_assign_statement(), statement_lines(uuid, date), missing_statements(date, bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statement_lines(uuid, date), missing_statements(date, bigint) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER consultations_on_statement BEFORE UPDATE ON consultations FOR EACH ROW
    WHEN (NEW.status = 'COMPLETED' AND OLD.status <> 'COMPLETED')
    EXECUTE FUNCTION consultations_assign_statement();
