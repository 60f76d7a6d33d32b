-- Whether the usage counters still are what the consultations say: one row, that of the last time.
CREATE TABLE reconciliation (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    at timestamptz NOT NULL,
    checked bigint NOT NULL CHECK (checked >= 0),
    differing bigint NOT NULL CHECK (differing BETWEEN 0 AND checked)
);
-- The days that differed and were not seen to agree since. Whose they are is nobody's to read.
CREATE TABLE counter_differences (
    kind text NOT NULL CHECK (kind IN ('PRACTITIONER', 'EMPLOYEE', 'COMPANY')),
    owner_id uuid NOT NULL,
    day date NOT NULL,
    CONSTRAINT counter_differences_pkey PRIMARY KEY (kind, owner_id, day)
);
ALTER TABLE reconciliation ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconciliation FORCE ROW LEVEL SECURITY;
ALTER TABLE counter_differences ENABLE ROW LEVEL SECURITY;
ALTER TABLE counter_differences FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON reconciliation TO huntzen_app;
-- No policy shows the program a row of it.
GRANT SELECT ON counter_differences TO huntzen_app;
GRANT SELECT, INSERT, DELETE ON counter_differences TO huntzen_internal;
CREATE POLICY reconciliation_job ON reconciliation TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:reconcile') WITH CHECK ((SELECT scope_role()) = 'worker:reconcile');
CREATE POLICY counter_differences_internal ON counter_differences TO huntzen_internal
    USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- Compares days of each kind of counter with a recount of the completed consultations: days of
-- consultations drawn by chance (their ids are random), so that a lost count is found, and days that
-- have a counter, drawn by chance as well, so that an invented one is; and the days that differed before,
-- until they agree. Says no more than how many.
CREATE FUNCTION compare_counters(sample bigint)
    RETURNS TABLE (kind text, checked bigint, differing bigint)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    start CONSTANT uuid := gen_random_uuid();
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:reconcile' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH drawn AS MATERIALIZED (
        (SELECT practitioner_id, employee_id, company_id, service_day AS day FROM consultations
         WHERE status = 'COMPLETED' AND id >= start ORDER BY id LIMIT sample)
        UNION ALL
        (SELECT practitioner_id, employee_id, company_id, service_day FROM consultations
         WHERE status = 'COMPLETED' AND id < start ORDER BY id DESC LIMIT sample)),
    of_practitioners AS (
        SELECT k.practitioner_id, k.day, count(c.id) AS n, coalesce(sum(c.duration_seconds), 0) AS seconds,
            coalesce(sum(c.actual_duration), 0) AS minutes
        FROM (SELECT practitioner_id, day FROM drawn
              UNION (SELECT practitioner_id, day FROM practitioner_activity_daily ORDER BY random() LIMIT sample)
              UNION SELECT owner_id, day FROM counter_differences WHERE kind = 'PRACTITIONER') AS k
        LEFT JOIN consultations c
            ON c.practitioner_id = k.practitioner_id AND c.service_day = k.day AND c.status = 'COMPLETED'
        GROUP BY k.practitioner_id, k.day),
    of_employees AS (
        SELECT k.employee_id, k.day, count(c.id) AS n, coalesce(sum(c.duration_seconds), 0) AS seconds
        FROM (SELECT company_id, employee_id, day FROM drawn
              UNION (SELECT company_id, employee_id, day FROM employee_activity_daily ORDER BY random() LIMIT sample)
              UNION SELECT e.company_id, e.id, x.day FROM counter_differences x JOIN employees e ON e.id = x.owner_id
                    WHERE x.kind = 'EMPLOYEE') AS k
        LEFT JOIN consultations c ON c.company_id = k.company_id AND c.service_day = k.day
            AND c.employee_id = k.employee_id AND c.status = 'COMPLETED'
        GROUP BY k.employee_id, k.day),
    of_companies AS (
        SELECT k.company_id, k.day, count(c.id) AS n, coalesce(sum(c.duration_seconds), 0) AS seconds,
            count(DISTINCT c.employee_id) AS people
        FROM (SELECT company_id, day FROM drawn
              UNION (SELECT company_id, day FROM company_activity_daily ORDER BY random() LIMIT sample)
              UNION SELECT owner_id, day FROM counter_differences WHERE kind = 'COMPANY') AS k
        LEFT JOIN consultations c
            ON c.company_id = k.company_id AND c.service_day = k.day AND c.status = 'COMPLETED'
        GROUP BY k.company_id, k.day),
    compared AS MATERIALIZED (
        SELECT 'PRACTITIONER' AS kind, o.practitioner_id AS owner_id, o.day,
            (d.consult_count, d.total_duration_seconds, d.total_duration_minutes)
                IS DISTINCT FROM (o.n::integer, o.seconds::bigint, o.minutes::bigint) AS differs
        FROM of_practitioners o
        LEFT JOIN practitioner_activity_daily d ON d.practitioner_id = o.practitioner_id AND d.day = o.day
        WHERE o.n > 0 OR d.day IS NOT NULL
        UNION ALL
        SELECT 'EMPLOYEE', o.employee_id, o.day,
            (d.consult_count, d.total_duration_seconds) IS DISTINCT FROM (o.n::integer, o.seconds::bigint)
        FROM of_employees o
        LEFT JOIN employee_activity_daily d ON d.employee_id = o.employee_id AND d.day = o.day
        WHERE o.n > 0 OR d.day IS NOT NULL
        UNION ALL
        SELECT 'COMPANY', o.company_id, o.day,
            (d.consult_count, d.total_duration_seconds, d.active_users_count)
                IS DISTINCT FROM (o.n::integer, o.seconds::bigint, o.people::integer)
        FROM of_companies o
        LEFT JOIN company_activity_daily d ON d.company_id = o.company_id AND d.day = o.day
        WHERE o.n > 0 OR d.day IS NOT NULL),
    agreed AS (
        DELETE FROM counter_differences x
        WHERE NOT EXISTS (SELECT FROM compared c
                          WHERE c.kind = x.kind AND c.owner_id = x.owner_id AND c.day = x.day AND c.differs)),
    found AS (
        INSERT INTO counter_differences (kind, owner_id, day)
        SELECT kind, owner_id, day FROM compared WHERE differs
        ON CONFLICT ON CONSTRAINT counter_differences_pkey DO NOTHING)
    SELECT kind, count(*), count(*) FILTER (WHERE differs) FROM compared GROUP BY kind;
END $$;
ALTER FUNCTION compare_counters(bigint) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION compare_counters(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compare_counters(bigint) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
