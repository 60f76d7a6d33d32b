DROP TRIGGER consultations_on_statement ON consultations;
CREATE TRIGGER consultations_on_statement BEFORE UPDATE ON consultations FOR EACH ROW
    WHEN (NEW.status = 'COMPLETED' AND OLD.status <> 'COMPLETED')
    EXECUTE FUNCTION consultations_assign_statement();
DROP TRIGGER consultations_measured_absence ON consultations;
DROP FUNCTION consultations_measure_absence();
DROP FUNCTION statement_lines(uuid, date);
GRANT CREATE ON SCHEMA public TO huntzen_internal;
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
ALTER FUNCTION statement_lines(uuid, date) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION statement_lines(uuid, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statement_lines(uuid, date) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
DROP INDEX consultations_absent;
