-- What HR is told of a company's months, decided once for each and never changed.
CREATE TABLE usage_releases (
    company_id uuid NOT NULL REFERENCES companies (id),
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    closed_at timestamptz NOT NULL,
    CONSTRAINT usage_releases_pkey PRIMARY KEY (company_id, month)
);
-- The cells of a month; a month without any says nothing, and nobody sees whether it is closed.
CREATE TABLE usage_release_cells (
    company_id uuid NOT NULL,
    month date NOT NULL,
    position integer NOT NULL CHECK (position >= 0),
    department text CHECK (length(department) BETWEEN 1 AND 120),
    users bigint NOT NULL CHECK (users >= 10 AND users % 5 = 0),
    consultations bigint NOT NULL CHECK (consultations >= users AND consultations % 5 = 0),
    minutes bigint NOT NULL CHECK (minutes >= 0 AND minutes % 30 = 0),
    CONSTRAINT usage_release_cells_pkey PRIMARY KEY (company_id, month, position),
    CONSTRAINT usage_release_cells_release_fkey
        FOREIGN KEY (company_id, month) REFERENCES usage_releases (company_id, month)
);
-- Who is named in a month: they agreed, and consulted.
CREATE TABLE usage_release_people (
    company_id uuid NOT NULL,
    month date NOT NULL,
    employee_id uuid NOT NULL,
    employee_user_id uuid NOT NULL,
    department text CHECK (length(department) BETWEEN 1 AND 120),
    consultations bigint NOT NULL CHECK (consultations > 0),
    total_duration_seconds bigint NOT NULL CHECK (total_duration_seconds >= 0),
    total_duration_minutes bigint NOT NULL CHECK (total_duration_minutes >= 0),
    CONSTRAINT usage_release_people_pkey PRIMARY KEY (company_id, month, employee_id),
    CONSTRAINT usage_release_people_release_fkey
        FOREIGN KEY (company_id, month) REFERENCES usage_releases (company_id, month),
    CONSTRAINT usage_release_people_employee_fkey
        FOREIGN KEY (company_id, employee_id) REFERENCES employees (company_id, id)
);
CREATE INDEX usage_release_people_user ON usage_release_people (employee_user_id);
-- The exact total that an administrator invoices, where enough people are in it. A table of its own:
-- row security hides rows, not columns.
CREATE TABLE usage_release_invoices (
    company_id uuid NOT NULL,
    month date NOT NULL,
    consultations bigint NOT NULL CHECK (consultations >= 10),
    total_duration_seconds bigint NOT NULL CHECK (total_duration_seconds >= 0),
    total_duration_minutes bigint NOT NULL CHECK (total_duration_minutes >= 0),
    CONSTRAINT usage_release_invoices_pkey PRIMARY KEY (company_id, month),
    CONSTRAINT usage_release_invoices_release_fkey
        FOREIGN KEY (company_id, month) REFERENCES usage_releases (company_id, month)
);

ALTER TABLE usage_releases ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_releases FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_release_cells ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_release_cells FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_release_people ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_release_people FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_release_invoices ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_release_invoices FORCE ROW LEVEL SECURITY;

-- Nobody changes one.
GRANT SELECT, INSERT ON usage_releases, usage_release_cells, usage_release_people, usage_release_invoices
    TO huntzen_app;
GRANT SELECT ON usage_releases TO huntzen_internal;
GRANT SELECT, DELETE ON usage_release_people TO huntzen_internal;

CREATE POLICY usage_releases_closing ON usage_releases FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:closing');
-- To notice that another node was faster.
CREATE POLICY usage_releases_closed ON usage_releases FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:closing');
CREATE POLICY usage_releases_internal ON usage_releases FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY usage_release_cells_closing ON usage_release_cells FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:closing');
CREATE POLICY usage_release_cells_administrators ON usage_release_cells FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
-- HR, and its people, who may see what HR sees.
CREATE POLICY usage_release_cells_members ON usage_release_cells FOR SELECT TO huntzen_app
    USING (company_id = (SELECT scope_company()));
CREATE POLICY usage_release_people_closing ON usage_release_people FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:closing');
CREATE POLICY usage_release_people_hr ON usage_release_people FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()));
CREATE POLICY usage_release_people_own ON usage_release_people FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'EMPLOYEE' AND employee_user_id = (SELECT scope_user()));
CREATE POLICY usage_release_people_internal_read ON usage_release_people FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY usage_release_people_internal ON usage_release_people FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY usage_release_invoices_closing ON usage_release_invoices FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:closing');
CREATE POLICY usage_release_invoices_administrators ON usage_release_invoices FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN');

-- The month that a consultation counts in when it ended after its own was closed; null for all others.
ALTER TABLE consultations ADD COLUMN late_release date CHECK (extract(day FROM late_release) = 1);
CREATE INDEX consultations_released ON consultations (company_id, service_day) WHERE status = 'COMPLETED';
CREATE INDEX consultations_late_release ON consultations (company_id, late_release) WHERE late_release IS NOT NULL;
CREATE INDEX employment_periods_company ON employment_periods (company_id);

GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- Closing a month of a company waits for consultations of it that are ending, and they for it, but
-- not for each other.
CREATE FUNCTION hold_releases(company uuid) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('huntzen:releases:' || company, 0));
    RETURN true;
END $$;

-- Civil days are counted where a company is: a zone that this server does not know is refused, although
-- the program may know it.
CREATE FUNCTION companies_require_zone() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM now() AT TIME ZONE NEW.timezone;
    RETURN NEW;
EXCEPTION WHEN invalid_parameter_value THEN
    RAISE EXCEPTION 'unknown time zone' USING ERRCODE = 'check_violation', CONSTRAINT = 'companies_timezone_known';
END $$;

-- Fires after consultations_measured, which knows the day: triggers of one kind fire by name.
CREATE FUNCTION consultations_assign_release() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('huntzen:releases:' || NEW.company_id, 0));
    NEW.late_release := (SELECT (max(month) + interval '1 month')::date FROM usage_releases
        WHERE company_id = NEW.company_id AND month >= date_trunc('month', NEW.service_day)::date);
    RETURN NEW;
END $$;

-- The months that are to be closed at an instant, the oldest first: every month of a company since it
-- was made, or since the first day that counts, until the last that is over where the company is.
CREATE FUNCTION missing_releases(at timestamptz, close_day integer, up_to bigint)
    RETURNS TABLE (company_id uuid, month date)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:closing' THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT c.id, m.month::date
        FROM companies c
        CROSS JOIN LATERAL (SELECT (at AT TIME ZONE c.timezone)::date AS day) AS today
        CROSS JOIN LATERAL (
            SELECT min(d.day) AS day FROM company_activity_daily d WHERE d.company_id = c.id) AS active
        CROSS JOIN LATERAL generate_series(
            date_trunc('month', least((c.created_at AT TIME ZONE c.timezone)::date, active.day))::timestamp,
            date_trunc('month', today.day)::timestamp
                - CASE WHEN extract(day FROM today.day) >= close_day
                       THEN interval '1 month' ELSE interval '2 months' END,
            interval '1 month') AS m (month)
        WHERE NOT EXISTS (SELECT FROM usage_releases r WHERE r.company_id = c.id AND r.month = m.month::date)
        ORDER BY m.month, c.id
        LIMIT up_to;
END $$;

-- The people of a company who were eligible in a month, with their department on its first day (or on
-- their own first day in it), whether they agreed to be named before it was over, and what each of their consultations
-- that count in it lasted, the oldest first: seconds, and whole minutes.
CREATE FUNCTION release_people(company uuid, of_month date)
    RETURNS TABLE (employee_id uuid, employee_user_id uuid, department text, agrees boolean,
                   seconds integer[], minutes integer[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    following CONSTANT date := (of_month + interval '1 month')::date;
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:closing' THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT e.id, e.user_id, p.department,
            coalesce((f.sharing_since AT TIME ZONE (SELECT timezone FROM companies WHERE id = company))::date
                < following, false),
            coalesce(u.seconds, '{}'), coalesce(u.minutes, '{}')
        FROM (
            SELECT DISTINCT ON (q.employee_id) q.employee_id, q.department
            FROM employment_periods q
            WHERE q.company_id = company AND q.during && daterange(of_month, following)
            ORDER BY q.employee_id, q.during) AS p
        JOIN employees e ON e.id = p.employee_id
        LEFT JOIN preferences f ON f.user_id = e.user_id
        LEFT JOIN (
            SELECT c.employee_id,
                array_agg(c.duration_seconds ORDER BY c.scheduled_at, c.id) AS seconds,
                array_agg(c.actual_duration ORDER BY c.scheduled_at, c.id) AS minutes
            FROM consultations c
            WHERE c.company_id = company AND c.status = 'COMPLETED'
              AND ((c.late_release IS NULL AND c.service_day BETWEEN of_month AND following - 1)
                OR c.late_release = of_month)
            GROUP BY c.employee_id) AS u ON u.employee_id = e.id
        ORDER BY e.id;
END $$;

-- Everything that counts in a month of a company, whoever used it: people, consultations, seconds, and
-- the sum of whole minutes.
CREATE FUNCTION release_total(company uuid, of_month date)
    RETURNS TABLE (users bigint, consultations bigint, seconds bigint, minutes bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT count(DISTINCT c.employee_id), count(*), coalesce(sum(c.duration_seconds), 0)::bigint,
            coalesce(sum(c.actual_duration), 0)::bigint
        FROM consultations c
        WHERE scope_role() = 'worker:closing' AND c.company_id = company AND c.status = 'COMPLETED'
          AND ((c.late_release IS NULL
                AND c.service_day BETWEEN of_month AND (of_month + interval '1 month - 1 day')::date)
            OR c.late_release = of_month);
END $$;

-- Who no longer agrees is no longer named, in no month: also not in one that is closing right now, which
-- this waits for.
CREATE FUNCTION preferences_withdraw() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('huntzen:releases:' || company_id, 0))
    FROM users WHERE id = NEW.user_id AND company_id IS NOT NULL;
    DELETE FROM usage_release_people WHERE employee_user_id = NEW.user_id;
    RETURN NULL;
END $$;

ALTER FUNCTION consultations_assign_release() OWNER TO huntzen_internal;
ALTER FUNCTION missing_releases(timestamptz, integer, bigint) OWNER TO huntzen_internal;
ALTER FUNCTION release_people(uuid, date) OWNER TO huntzen_internal;
ALTER FUNCTION release_total(uuid, date) OWNER TO huntzen_internal;
ALTER FUNCTION preferences_withdraw() OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION consultations_assign_release(), missing_releases(timestamptz, integer, bigint),
    release_people(uuid, date), release_total(uuid, date), preferences_withdraw() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION missing_releases(timestamptz, integer, bigint), release_people(uuid, date),
    release_total(uuid, date) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER consultations_on_release BEFORE UPDATE ON consultations FOR EACH ROW
    WHEN (NEW.status = 'COMPLETED' AND OLD.status <> 'COMPLETED')
    EXECUTE FUNCTION consultations_assign_release();
CREATE TRIGGER companies_in_known_zone BEFORE INSERT OR UPDATE OF timezone ON companies FOR EACH ROW
    EXECUTE FUNCTION companies_require_zone();
CREATE TRIGGER preferences_withdrawn AFTER UPDATE ON preferences FOR EACH ROW
    WHEN (OLD.share_usage_with_employer AND NOT NEW.share_usage_with_employer)
    EXECUTE FUNCTION preferences_withdraw();
