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
    -- Since when; it counts for no month that was over before.
    sharing_since timestamptz,
    updated_at timestamptz NOT NULL,
    CHECK (share_usage_with_employer = (sharing_since IS NOT NULL))
);

ALTER TABLE company_reporting ENABLE ROW LEVEL SECURITY;
ALTER TABLE company_reporting FORCE ROW LEVEL SECURITY;
ALTER TABLE preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE preferences FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON company_reporting TO huntzen_app;
GRANT SELECT, INSERT, UPDATE ON preferences TO huntzen_app;
GRANT SELECT ON preferences, company_reporting TO huntzen_internal;

CREATE POLICY company_reporting_administrators ON company_reporting TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN') WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY company_reporting_members ON company_reporting FOR SELECT TO huntzen_app
    USING (company_id = (SELECT scope_company()));
CREATE POLICY company_reporting_closing ON company_reporting FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:closing');
CREATE POLICY preferences_own ON preferences TO huntzen_app
    USING (user_id = (SELECT scope_user())) WITH CHECK (user_id = (SELECT scope_user()));
CREATE POLICY company_reporting_internal ON company_reporting FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY preferences_internal ON preferences FOR SELECT TO huntzen_internal USING (true);

-- What the store itself writes of a letter, in clear: ids, instants and zones, and how usage is reported.
ALTER TABLE outbox DROP CONSTRAINT outbox_about_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_about_check
    CHECK (about - 'consultationId' - 'scheduledAt' - 'timezone' - 'mode' - 'from' = '{}'::jsonb);

GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- Tells one person how their company's usage is reported: a line in the inbox and a letter.
CREATE FUNCTION tell_of_reporting(recipient uuid, mode text, starts_on date, at timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    told_of CONSTANT jsonb := jsonb_build_object('mode', mode, 'from', to_char(starts_on, 'YYYY-MM-DD'));
BEGIN
    INSERT INTO notifications (id, user_id, type, data, created_at)
    VALUES (uuid_v7(at), recipient, 'REPORTING_CHANGED', told_of, at);
    INSERT INTO outbox (id, recipient_user_id, letter, about, created_at, next_attempt_at)
    VALUES (uuid_v7(at), recipient, 'REPORTING_CHANGED', told_of, at, at);
END $$;

-- Whoever is listed in a company that is reported by name, or about to be, is told so.
CREATE FUNCTION employees_tell_of_reporting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM tell_of_reporting(NEW.user_id, r.mode, r.starts_on, NEW.created_at)
    FROM (SELECT mode, starts_on FROM company_reporting WHERE company_id = NEW.company_id
          ORDER BY starts_on DESC LIMIT 1) AS r
    WHERE r.mode = 'NAMED';
    RETURN NULL;
END $$;

-- Tells every employee of a company how its usage will be reported; answers how many there are.
-- Administrators decide it and see no employee.
CREATE FUNCTION announce_reporting(company uuid, mode text, starts_on date, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF scope_role() IS DISTINCT FROM 'ADMIN_HUNTZEN' THEN
        RETURN 0;
    END IF;
    PERFORM tell_of_reporting(user_id, mode, starts_on, at) FROM employees WHERE company_id = company;
    RETURN (SELECT count(*) FROM employees WHERE company_id = company);
END $$;
ALTER FUNCTION tell_of_reporting(uuid, text, date, timestamptz) OWNER TO huntzen_internal;
ALTER FUNCTION employees_tell_of_reporting() OWNER TO huntzen_internal;
ALTER FUNCTION announce_reporting(uuid, text, date, timestamptz) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION tell_of_reporting(uuid, text, date, timestamptz), employees_tell_of_reporting(),
    announce_reporting(uuid, text, date, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION announce_reporting(uuid, text, date, timestamptz) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER employees_told_of_reporting AFTER INSERT ON employees FOR EACH ROW
    EXECUTE FUNCTION employees_tell_of_reporting();
