-- Usage counters, a row a day, written in the transaction that ends a consultation.
CREATE TABLE practitioner_activity_daily (
    practitioner_id uuid NOT NULL REFERENCES practitioners (id),
    practitioner_user_id uuid NOT NULL,
    day date NOT NULL,
    consult_count integer NOT NULL,
    total_duration_seconds bigint NOT NULL,
    total_duration_minutes bigint NOT NULL,
    CONSTRAINT practitioner_activity_daily_pkey PRIMARY KEY (practitioner_id, day)
);
CREATE TABLE employee_activity_daily (
    employee_id uuid NOT NULL,
    company_id uuid NOT NULL,
    day date NOT NULL,
    consult_count integer NOT NULL,
    total_duration_seconds bigint NOT NULL,
    CONSTRAINT employee_activity_daily_pkey PRIMARY KEY (employee_id, day),
    CONSTRAINT employee_activity_daily_employee_fkey
        FOREIGN KEY (company_id, employee_id) REFERENCES employees (company_id, id)
);
CREATE INDEX employee_activity_daily_company ON employee_activity_daily (company_id, day);
CREATE TABLE company_activity_daily (
    company_id uuid NOT NULL REFERENCES companies (id),
    day date NOT NULL,
    consult_count integer NOT NULL,
    total_duration_seconds bigint NOT NULL,
    active_users_count integer NOT NULL,
    CONSTRAINT company_activity_daily_pkey PRIMARY KEY (company_id, day)
);

ALTER TABLE practitioner_activity_daily ENABLE ROW LEVEL SECURITY;
ALTER TABLE practitioner_activity_daily FORCE ROW LEVEL SECURITY;
ALTER TABLE employee_activity_daily ENABLE ROW LEVEL SECURITY;
ALTER TABLE employee_activity_daily FORCE ROW LEVEL SECURITY;
ALTER TABLE company_activity_daily ENABLE ROW LEVEL SECURITY;
ALTER TABLE company_activity_daily FORCE ROW LEVEL SECURITY;

GRANT SELECT ON practitioner_activity_daily, employee_activity_daily, company_activity_daily TO huntzen_app;
GRANT SELECT, INSERT, UPDATE ON practitioner_activity_daily, employee_activity_daily, company_activity_daily
    TO huntzen_internal;

CREATE POLICY practitioner_activity_daily_own ON practitioner_activity_daily FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()));
CREATE POLICY practitioner_activity_daily_administrators ON practitioner_activity_daily FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
-- A person's and a company's counters reach nobody but the audit of the counters themselves.
CREATE POLICY employee_activity_daily_audit ON employee_activity_daily FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:audit');
CREATE POLICY company_activity_daily_audit ON company_activity_daily FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:audit');
CREATE POLICY practitioner_activity_daily_internal ON practitioner_activity_daily TO huntzen_internal
    USING (true) WITH CHECK (true);
CREATE POLICY employee_activity_daily_internal ON employee_activity_daily TO huntzen_internal
    USING (true) WITH CHECK (true);
CREATE POLICY company_activity_daily_internal ON company_activity_daily TO huntzen_internal
    USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- Adds an ended consultation to its day, always practitioner, employee, company in this order, so
-- that two endings never wait for each other in a circle.
CREATE FUNCTION consultations_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    first_of_day boolean;
BEGIN
    INSERT INTO practitioner_activity_daily AS d
        (practitioner_id, practitioner_user_id, day, consult_count, total_duration_seconds, total_duration_minutes)
    VALUES (NEW.practitioner_id, NEW.practitioner_user_id, NEW.service_day, 1, NEW.duration_seconds,
            NEW.actual_duration)
    ON CONFLICT ON CONSTRAINT practitioner_activity_daily_pkey DO UPDATE
        SET consult_count = d.consult_count + 1,
            total_duration_seconds = d.total_duration_seconds + EXCLUDED.total_duration_seconds,
            total_duration_minutes = d.total_duration_minutes + EXCLUDED.total_duration_minutes;
    INSERT INTO employee_activity_daily AS d (employee_id, company_id, day, consult_count, total_duration_seconds)
    VALUES (NEW.employee_id, NEW.company_id, NEW.service_day, 1, NEW.duration_seconds)
    ON CONFLICT ON CONSTRAINT employee_activity_daily_pkey DO UPDATE
        SET consult_count = d.consult_count + 1,
            total_duration_seconds = d.total_duration_seconds + EXCLUDED.total_duration_seconds
    RETURNING d.consult_count = 1 INTO first_of_day;
    INSERT INTO company_activity_daily AS d
        (company_id, day, consult_count, total_duration_seconds, active_users_count)
    VALUES (NEW.company_id, NEW.service_day, 1, NEW.duration_seconds, first_of_day::integer)
    ON CONFLICT ON CONSTRAINT company_activity_daily_pkey DO UPDATE
        SET consult_count = d.consult_count + 1,
            total_duration_seconds = d.total_duration_seconds + EXCLUDED.total_duration_seconds,
            active_users_count = d.active_users_count + EXCLUDED.active_users_count;
    RETURN NULL;
END $$;
ALTER FUNCTION consultations_count() OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION consultations_count() FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER consultations_counted AFTER UPDATE ON consultations FOR EACH ROW
    WHEN (NEW.status = 'COMPLETED' AND OLD.status <> 'COMPLETED')
    EXECUTE FUNCTION consultations_count();
