-- How each company's usage is reported, month by month, and who agreed to be named.
CREATE TABLE company_reporting (
    company_id uuid NOT NULL REFERENCES companies (id),
    starts_on date NOT NULL CHECK (extract(day FROM starts_on) = 1),
    mode text NOT NULL CHECK (mode IN ('AGGREGATED', 'NAMED')),
    CONSTRAINT company_reporting_pkey PRIMARY KEY (company_id, starts_on)
);
-- It could be set by nobody: every company was and is reported in aggregates until a month says else.
ALTER TABLE companies DROP COLUMN hr_reporting;

-- A row of its own, and not a column of employees, which HR reads and writes.
CREATE TABLE preferences (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    share_usage_with_employer boolean NOT NULL,
    updated_at timestamptz NOT NULL
);

ALTER TABLE company_reporting ENABLE ROW LEVEL SECURITY;
ALTER TABLE company_reporting FORCE ROW LEVEL SECURITY;
ALTER TABLE preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE preferences FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON company_reporting TO huntzen_app;
GRANT SELECT, INSERT, UPDATE ON preferences TO huntzen_app;
GRANT SELECT ON preferences TO huntzen_internal;

CREATE POLICY company_reporting_administrators ON company_reporting TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN') WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY company_reporting_members ON company_reporting FOR SELECT TO huntzen_app
    USING (company_id = (SELECT scope_company()));
CREATE POLICY company_reporting_closing ON company_reporting FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:closing');
CREATE POLICY preferences_own ON preferences TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));
CREATE POLICY preferences_internal ON preferences FOR SELECT TO huntzen_internal USING (true);

-- What the store itself writes of a letter, in clear: ids, instants and zones, and how usage is reported.
ALTER TABLE outbox DROP CONSTRAINT outbox_about_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_about_check
    CHECK (about - 'consultationId' - 'scheduledAt' - 'timezone' - 'mode' - 'from' = '{}'::jsonb);

GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- Tells every employee of a company how its usage will be reported; answers how many there are.
-- Administrators decide it and see no employee.
CREATE FUNCTION announce_reporting(company uuid, mode text, starts_on date, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    told_of CONSTANT jsonb := jsonb_build_object('mode', mode, 'from', to_char(starts_on, 'YYYY-MM-DD'));
    told bigint;
BEGIN
    IF scope_role() IS DISTINCT FROM 'ADMIN_HUNTZEN' THEN
        RETURN 0;
    END IF;
    INSERT INTO notifications (id, user_id, type, data, created_at)
    SELECT uuid_v7(at), user_id, 'REPORTING_CHANGED', told_of, at FROM employees WHERE company_id = company;
    INSERT INTO outbox (id, recipient_user_id, letter, about, created_at, next_attempt_at)
    SELECT uuid_v7(at), user_id, 'REPORTING_CHANGED', told_of, at, at
    FROM employees WHERE company_id = company;
    GET DIAGNOSTICS told = ROW_COUNT;
    RETURN told;
END $$;
ALTER FUNCTION announce_reporting(uuid, text, date, timestamptz) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION announce_reporting(uuid, text, date, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION announce_reporting(uuid, text, date, timestamptz) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
