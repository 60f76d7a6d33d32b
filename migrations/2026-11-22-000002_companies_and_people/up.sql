-- Companies, accounts, employees and the history of their employment.
CREATE TABLE companies (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    legal_name text NOT NULL CHECK (length(legal_name) BETWEEN 1 AND 200),
    siret text NOT NULL CONSTRAINT companies_siret_key UNIQUE CHECK (siret ~ '^[0-9]{14}$'),
    sector text CHECK (length(sector) <= 120),
    size integer CHECK (size BETWEEN 1 AND 10000000),
    timezone text NOT NULL CHECK (length(timezone) BETWEEN 1 AND 64),
    slug text NOT NULL CONSTRAINT companies_slug_key UNIQUE CHECK (length(slug) BETWEEN 1 AND 140),
    contact_name text CHECK (length(contact_name) <= 120),
    contact_email text CHECK (length(contact_email) <= 254),
    phone text CHECK (length(phone) <= 32),
    address text CHECK (length(address) <= 500),
    is_active boolean NOT NULL,
    validated_at timestamptz,
    validated_by uuid,
    hr_reporting text NOT NULL CHECK (hr_reporting IN ('AGGREGATED', 'NAMED')),
    search_text text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- The primary key is the domain itself: no two companies share one.
CREATE TABLE company_domains (
    domain text CONSTRAINT company_domains_pkey PRIMARY KEY CHECK (domain = lower(domain) AND length(domain) <= 253),
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    position integer NOT NULL
);
CREATE INDEX company_domains_company ON company_domains (company_id);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    company_id uuid REFERENCES companies (id),
    email text NOT NULL CONSTRAINT users_email_key UNIQUE CHECK (email = lower(email) AND length(email) <= 254),
    password_hash text,
    role text NOT NULL
        CHECK (role IN ('SUPER_ADMIN', 'ADMIN_HUNTZEN', 'ADMIN_RH', 'PRACTITIONER', 'EMPLOYEE')),
    first_name text NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name text NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
    is_active boolean NOT NULL,
    email_verified boolean NOT NULL,
    blocked_at timestamptz,
    signed_out_before timestamptz,
    last_login_at timestamptz,
    language text NOT NULL CHECK (language IN ('fr', 'en')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT users_company_id_key UNIQUE (company_id, id),
    CONSTRAINT users_company_by_role CHECK ((role IN ('ADMIN_RH', 'EMPLOYEE')) = (company_id IS NOT NULL))
);
ALTER TABLE companies
    ADD CONSTRAINT companies_validated_by_fkey FOREIGN KEY (validated_by) REFERENCES users (id);

CREATE TABLE employees (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies (id),
    user_id uuid NOT NULL CONSTRAINT employees_user_id_key UNIQUE,
    email text NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
    first_name text NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name text NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
    phone text CHECK (length(phone) <= 32),
    department text CHECK (length(department) BETWEEN 1 AND 120),
    position text CHECK (length(position) BETWEEN 1 AND 120),
    status text NOT NULL CHECK (status IN ('ELIGIBLE', 'ENDED')),
    search_text text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT employees_company_id_key UNIQUE (company_id, id),
    CONSTRAINT employees_account_key UNIQUE (company_id, id, user_id),
    CONSTRAINT employees_company_email_key UNIQUE (company_id, email),
    CONSTRAINT employees_user_fkey FOREIGN KEY (company_id, user_id) REFERENCES users (company_id, id)
);
CREATE INDEX employees_by_name ON employees (company_id, last_name, first_name, id);

-- Who was eligible in which department, day by day of the company's zone; written by trigger.
CREATE TABLE employment_periods (
    employee_id uuid NOT NULL,
    company_id uuid NOT NULL,
    department text,
    during daterange NOT NULL CHECK (NOT isempty(during)),
    CONSTRAINT employment_periods_employee_fkey
        FOREIGN KEY (company_id, employee_id) REFERENCES employees (company_id, id),
    CONSTRAINT employment_periods_no_overlap EXCLUDE USING gist (employee_id WITH =, during WITH &&)
);

ALTER TABLE companies ENABLE ROW LEVEL SECURITY;
ALTER TABLE companies FORCE ROW LEVEL SECURITY;
ALTER TABLE company_domains ENABLE ROW LEVEL SECURITY;
ALTER TABLE company_domains FORCE ROW LEVEL SECURITY;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
ALTER TABLE employees ENABLE ROW LEVEL SECURITY;
ALTER TABLE employees FORCE ROW LEVEL SECURITY;
ALTER TABLE employment_periods ENABLE ROW LEVEL SECURITY;
ALTER TABLE employment_periods FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON companies TO huntzen_app;
GRANT SELECT, INSERT, DELETE ON company_domains TO huntzen_app;
GRANT SELECT, INSERT, UPDATE ON users, employees TO huntzen_app;
GRANT SELECT ON employment_periods TO huntzen_app;
GRANT SELECT ON companies, company_domains, users, employees TO huntzen_internal;
GRANT UPDATE (first_name, last_name, updated_at) ON users TO huntzen_internal;
GRANT SELECT, INSERT, UPDATE, DELETE ON employment_periods TO huntzen_internal;

CREATE POLICY companies_administrators ON companies TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN') WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY companies_members ON companies FOR SELECT TO huntzen_app
    USING (id = (SELECT scope_company()));
CREATE POLICY companies_hr ON companies FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_RH' AND id = (SELECT scope_company()))
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_RH' AND id = (SELECT scope_company()));
CREATE POLICY companies_eligibility ON companies FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:eligibility');
CREATE POLICY companies_internal ON companies FOR SELECT TO huntzen_internal USING (true);

CREATE POLICY company_domains_administrators ON company_domains TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN') WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY company_domains_members ON company_domains FOR SELECT TO huntzen_app
    USING (company_id = (SELECT scope_company()));
CREATE POLICY company_domains_internal ON company_domains FOR SELECT TO huntzen_internal USING (true);

CREATE POLICY users_self ON users FOR SELECT TO huntzen_app
    USING (id = (SELECT scope_user()));
CREATE POLICY users_sign_in ON users FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'SIGN_IN' AND email = (SELECT scope_email()));
CREATE POLICY users_operators ON users FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'SUPER_ADMIN');
CREATE POLICY users_administrators ON users FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN' AND role IN ('ADMIN_RH', 'PRACTITIONER'));
CREATE POLICY users_letters ON users FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:outbox');
CREATE POLICY users_bootstrap ON users FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:bootstrap' AND role = 'SUPER_ADMIN');
CREATE POLICY users_register ON users FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'EMPLOYEE' AND role = 'EMPLOYEE' AND id = (SELECT scope_user())
        AND company_id = (SELECT scope_company()) AND NOT is_active AND NOT email_verified);
CREATE POLICY users_invited_by_hr ON users FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_RH' AND role IN ('EMPLOYEE', 'ADMIN_RH')
        AND company_id = (SELECT scope_company()) AND NOT is_active AND password_hash IS NULL);
CREATE POLICY users_invited_by_administrators ON users FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN' AND role IN ('ADMIN_RH', 'PRACTITIONER')
        AND NOT is_active AND password_hash IS NULL);
CREATE POLICY users_invited_by_operators ON users FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'SUPER_ADMIN' AND role IN ('SUPER_ADMIN', 'ADMIN_HUNTZEN')
        AND NOT is_active AND password_hash IS NULL);
CREATE POLICY users_first_operator ON users FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:bootstrap' AND role = 'SUPER_ADMIN');
CREATE POLICY users_change_self ON users FOR UPDATE TO huntzen_app
    USING (id = (SELECT scope_user())) WITH CHECK (id = (SELECT scope_user()));
CREATE POLICY users_block ON users FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'SUPER_ADMIN') WITH CHECK ((SELECT scope_role()) = 'SUPER_ADMIN');
CREATE POLICY users_sign_out_hr ON users FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN' AND role = 'ADMIN_RH')
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN' AND role = 'ADMIN_RH');
CREATE POLICY users_internal_read ON users FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY users_internal_names ON users FOR UPDATE TO huntzen_internal USING (true) WITH CHECK (true);

CREATE POLICY employees_hr ON employees TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()))
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()));
CREATE POLICY employees_self ON employees TO huntzen_app
    USING ((SELECT scope_role()) = 'EMPLOYEE' AND user_id = (SELECT scope_user()))
    WITH CHECK ((SELECT scope_role()) = 'EMPLOYEE' AND user_id = (SELECT scope_user())
        AND company_id = (SELECT scope_company()));
CREATE POLICY employees_eligibility ON employees FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:eligibility');
CREATE POLICY employees_internal ON employees FOR SELECT TO huntzen_internal USING (true);

CREATE POLICY employment_periods_audit ON employment_periods FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:audit');
CREATE POLICY employment_periods_internal ON employment_periods TO huntzen_internal
    USING (true) WITH CHECK (true);

-- Functions that see more than their caller belong to huntzen_internal. It may create in this
-- schema only while a migration hands a function over to it.
GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- The active company whose people have this domain: registration asks before any tenant is known.
CREATE FUNCTION company_for_domain(wanted text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT c.id FROM company_domains d JOIN companies c ON c.id = d.company_id
            WHERE d.domain = wanted AND c.is_active);

-- An employee's entry carries the names; the account follows.
CREATE FUNCTION employees_follow_names() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE users SET first_name = NEW.first_name, last_name = NEW.last_name, updated_at = NEW.updated_at
    WHERE id = NEW.user_id;
    RETURN NULL;
END $$;

-- Closes and opens employment periods on the civil day of the change in the company's zone.
CREATE FUNCTION employees_write_periods() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    today date := (NEW.updated_at AT TIME ZONE (SELECT timezone FROM companies WHERE id = NEW.company_id))::date;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM employment_periods
        WHERE employee_id = NEW.id AND upper_inf(during) AND lower(during) >= today;
        UPDATE employment_periods SET during = daterange(lower(during), today)
        WHERE employee_id = NEW.id AND upper_inf(during);
    END IF;
    -- A zone moved westwards can make today an earlier day than that of the last change.
    today := greatest(today, (SELECT max(upper(during)) FROM employment_periods WHERE employee_id = NEW.id));
    IF NEW.status = 'ELIGIBLE' THEN
        INSERT INTO employment_periods (employee_id, company_id, department, during)
        VALUES (NEW.id, NEW.company_id, NEW.department, daterange(today, NULL));
    END IF;
    RETURN NULL;
END $$;

ALTER FUNCTION company_for_domain(text) OWNER TO huntzen_internal;
ALTER FUNCTION employees_follow_names() OWNER TO huntzen_internal;
ALTER FUNCTION employees_write_periods() OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION company_for_domain(text), employees_follow_names(), employees_write_periods() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION company_for_domain(text) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER employees_names AFTER UPDATE ON employees FOR EACH ROW
    WHEN (OLD.first_name IS DISTINCT FROM NEW.first_name OR OLD.last_name IS DISTINCT FROM NEW.last_name)
    EXECUTE FUNCTION employees_follow_names();
CREATE TRIGGER employees_periods_open AFTER INSERT ON employees FOR EACH ROW
    EXECUTE FUNCTION employees_write_periods();
CREATE TRIGGER employees_periods_change AFTER UPDATE ON employees FOR EACH ROW
    WHEN (OLD.department IS DISTINCT FROM NEW.department OR OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION employees_write_periods();
