GRANT CREATE ON SCHEMA public TO huntzen_internal;
CREATE OR REPLACE FUNCTION may_be_erased(person uuid, at timestamptz) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN NOT EXISTS (SELECT FROM consultations c WHERE c.employee_user_id = person
            AND (c.status = 'IN_PROGRESS' OR c.status IN ('SCHEDULED', 'CONFIRMED') AND c.scheduled_at > at))
        AND NOT EXISTS (SELECT FROM consultations c WHERE c.practitioner_user_id = person
            AND (c.status = 'IN_PROGRESS' OR c.status IN ('SCHEDULED', 'CONFIRMED') AND c.scheduled_at > at))
        AND NOT EXISTS (SELECT FROM users u WHERE u.id = person AND u.role = 'SUPER_ADMIN' AND NOT EXISTS (
            SELECT FROM users o
            WHERE o.role = 'SUPER_ADMIN' AND o.id <> person AND o.is_active AND o.blocked_at IS NULL));
END $$;

DROP FUNCTION take_due_erasure(timestamptz, uuid[]);
CREATE FUNCTION take_due_erasure(at timestamptz, passed_over uuid[])
    RETURNS TABLE (request_id uuid, user_id uuid, email text, language text, company_id uuid)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:erasure' THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT r.id, u.id, u.email, u.language, u.company_id
        FROM deletion_requests r JOIN users u ON u.id = r.user_id
        WHERE r.status = 'PENDING' AND r.deletion_date <= at AND r.id <> ALL (passed_over)
          AND may_be_erased(u.id, at)
        ORDER BY r.deletion_date, r.id LIMIT 1
        FOR UPDATE OF r SKIP LOCKED;
END $$;
ALTER FUNCTION take_due_erasure(timestamptz, uuid[]) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION take_due_erasure(timestamptz, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_due_erasure(timestamptz, uuid[]) TO huntzen_app;

CREATE OR REPLACE FUNCTION erase_person(request uuid, at timestamptz, certificate uuid, backups_gone date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    person uuid;
    touched bigint;
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:erasure' THEN
        RETURN 0;
    END IF;
    SELECT user_id INTO person FROM deletion_requests
    WHERE id = request AND status = 'PENDING' AND deletion_date <= at FOR UPDATE;
    IF person IS NULL THEN
        RETURN 0;
    END IF;
    -- Two operators never go at once; whoever books meanwhile waits for the entry, and is seen before.
    PERFORM pg_advisory_xact_lock(hashtextextended('huntzen:operators', 0))
    FROM users WHERE id = person AND role = 'SUPER_ADMIN';
    PERFORM FROM employees WHERE user_id = person FOR UPDATE;
    -- What this person is writing right now is written before; what comes later is refused.
    PERFORM FROM users WHERE id = person FOR UPDATE;
    IF NOT may_be_erased(person, at) THEN
        RETURN 0;
    END IF;
    touched := erase_confidences(person) + erase_traces(person) + erase_identity(person, at);
    PERFORM erase_keys_of_files(ARRAY[person] || ARRAY(
        SELECT DISTINCT c.practitioner_user_id FROM consultations c WHERE c.employee_user_id = person));
    UPDATE deletion_requests SET reason = NULL WHERE user_id = person;
    UPDATE deletion_requests
    SET status = 'COMPLETED', completed_at = at, certificate_id = certificate, keys_gone_on = backups_gone
    WHERE id = request;
    RETURN touched + 1;
END $$;

CREATE OR REPLACE FUNCTION discard_conversations(before timestamptz, most bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    chosen uuid[];
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:retention' THEN
        RETURN 0;
    END IF;
    chosen := ARRAY(SELECT c.id FROM keys.data_keys k JOIN consultations c ON c.id = k.subject_id
        WHERE k.kind = 'CONSULTATION' AND c.ends_at < before AND c.status <> 'IN_PROGRESS' LIMIT most);
    IF cardinality(chosen) = 0 THEN
        -- Those in which nothing was said, and something sent.
        chosen := ARRAY(SELECT DISTINCT c.id FROM files f JOIN consultations c ON c.id = f.related_id
            WHERE f.kind = 'ATTACHMENT' AND c.ends_at < before AND c.status <> 'IN_PROGRESS' LIMIT most);
    END IF;
    DELETE FROM messages WHERE consultation_id = ANY (chosen);
    DELETE FROM conversations WHERE consultation_id = ANY (chosen);
    UPDATE consultations SET reason = NULL, cancel_reason = NULL WHERE id = ANY (chosen);
    DELETE FROM files WHERE kind = 'ATTACHMENT' AND related_id = ANY (chosen);
    PERFORM erase_keys_of_files(ARRAY(SELECT c.practitioner_user_id FROM consultations c WHERE c.id = ANY (chosen)));
    DELETE FROM keys.data_keys k WHERE k.subject_id = ANY (chosen) AND k.kind = 'CONSULTATION';
    RETURN cardinality(chosen);
END $$;

CREATE OR REPLACE FUNCTION discard_notes(of_physicians timestamptz, of_others timestamptz, most bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    chosen record;
    pairs bigint := 0;
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:retention' THEN
        RETURN 0;
    END IF;
    FOR chosen IN
        SELECT k.id, k.author_id, k.subject_id
        FROM keys.data_keys k JOIN practitioners p ON p.user_id = k.author_id
        CROSS JOIN LATERAL (SELECT max(c.scheduled_at) AS at FROM consultations c
            WHERE c.employee_user_id = k.subject_id AND c.practitioner_user_id = k.author_id) AS last
        WHERE k.kind = 'NOTES' AND last.at < CASE WHEN p.profession IN ('PSYCHIATRIST', 'PHYSICIAN')
            THEN of_physicians ELSE of_others END
        LIMIT most
    LOOP
        DELETE FROM clinical_notes n USING consultations c
        WHERE n.consultation_id = c.id AND c.employee_user_id = chosen.subject_id
          AND c.practitioner_user_id = chosen.author_id;
        DELETE FROM keys.data_keys k WHERE k.id = chosen.id;
        pairs := pairs + 1;
    END LOOP;
    RETURN pairs;
END $$;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

DROP TABLE keys.erased;
DROP TABLE backups;
