-- An absence that is billed is a line of no minutes in the practitioner's statement, and in no counter.
CREATE INDEX consultations_absent ON consultations (practitioner_id, service_day)
    WHERE status = 'NO_SHOW' AND billing_status = 'VALIDATED';
DROP FUNCTION statement_lines(uuid, date);

GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- The day of an absence that is billed: fixed once, as that of an ended consultation.
CREATE FUNCTION consultations_measure_absence() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.service_day := (NEW.scheduled_at AT TIME ZONE
        (SELECT timezone FROM companies WHERE id = NEW.company_id))::date;
    RETURN NEW;
END $$;

-- A practitioner's lines of a month, for itself and for closing. Nothing of an employee is among them.
CREATE FUNCTION statement_lines(practitioner uuid, of_month date)
    RETURNS TABLE (service_day date, company_id uuid, company_name text, minutes integer)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    last_day CONSTANT date := (of_month + interval '1 month - 1 day')::date;
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:closing' AND scope_role() IS DISTINCT FROM 'PRACTITIONER' THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH paid AS (
            SELECT * FROM consultations c
            WHERE c.practitioner_id = practitioner AND c.status = 'COMPLETED' AND c.billing_status = 'VALIDATED'
              AND ((c.late_month IS NULL AND c.service_day BETWEEN of_month AND last_day) OR c.late_month = of_month)
            UNION ALL
            SELECT * FROM consultations c
            WHERE c.practitioner_id = practitioner AND c.status = 'NO_SHOW' AND c.billing_status = 'VALIDATED'
              AND ((c.late_month IS NULL AND c.service_day BETWEEN of_month AND last_day) OR c.late_month = of_month))
        SELECT p.service_day, p.company_id, o.name, coalesce(p.actual_duration, 0)
        FROM paid p JOIN companies o ON o.id = p.company_id
        WHERE scope_role() = 'worker:closing' OR p.practitioner_user_id = scope_user()
        ORDER BY p.service_day, p.scheduled_at, p.id;
END $$;
ALTER FUNCTION consultations_measure_absence() OWNER TO huntzen_internal;
ALTER FUNCTION statement_lines(uuid, date) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION consultations_measure_absence(), statement_lines(uuid, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statement_lines(uuid, date) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

-- By its name it fires before consultations_on_statement, which needs the day.
CREATE TRIGGER consultations_measured_absence BEFORE UPDATE ON consultations FOR EACH ROW
    WHEN (NEW.status = 'NO_SHOW' AND OLD.status <> 'NO_SHOW' AND NEW.billing_status = 'VALIDATED')
    EXECUTE FUNCTION consultations_measure_absence();
DROP TRIGGER consultations_on_statement ON consultations;
CREATE TRIGGER consultations_on_statement BEFORE UPDATE ON consultations FOR EACH ROW
    WHEN ((NEW.status = 'COMPLETED' AND OLD.status <> 'COMPLETED')
        OR (NEW.status = 'NO_SHOW' AND OLD.status <> 'NO_SHOW' AND NEW.billing_status = 'VALIDATED'))
    EXECUTE FUNCTION consultations_assign_statement();
