-- Backups, and what a restored one must not bring back.
--
-- One line a backup that was finished: when its snapshot was taken, and how large its dumps and files are.
CREATE TABLE backups (
    id uuid CONSTRAINT backups_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    bytes bigint NOT NULL CHECK (bytes >= 0)
);
CREATE INDEX backups_at ON backups (at);
ALTER TABLE backups ENABLE ROW LEVEL SECURITY;
ALTER TABLE backups FORCE ROW LEVEL SECURITY;
-- Nobody changes or removes a line.
GRANT SELECT, INSERT ON backups TO huntzen_app;
CREATE POLICY backups_job ON backups TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:backup') WITH CHECK ((SELECT scope_role()) = 'worker:backup');

-- Who was erased, beside the keys: the last backup of the keys says so of every earlier main backup. Of
-- the person it holds an id, which leads to nothing any more.
CREATE TABLE keys.erased (
    user_id uuid CONSTRAINT erased_pkey PRIMARY KEY,
    erased_at timestamptz NOT NULL,
    certificate_id uuid NOT NULL,
    keys_gone_on date NOT NULL
);
ALTER TABLE deletion_requests NO FORCE ROW LEVEL SECURITY;
INSERT INTO keys.erased (user_id, erased_at, certificate_id, keys_gone_on)
SELECT DISTINCT ON (user_id) user_id, completed_at, certificate_id, keys_gone_on FROM deletion_requests
WHERE status = 'COMPLETED' ORDER BY user_id, completed_at;
ALTER TABLE deletion_requests FORCE ROW LEVEL SECURITY;
ALTER TABLE keys.erased ENABLE ROW LEVEL SECURITY;
ALTER TABLE keys.erased FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON keys.erased TO huntzen_internal;
CREATE POLICY erased_internal ON keys.erased TO huntzen_internal USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- Whether somebody may go. Whoever is in a consultation, or still has one ahead, waits until that is
-- settled; the last who operates the platform waits for another. Who was erased before, and has come back
-- with a restored backup, waits for nothing.
CREATE OR REPLACE FUNCTION may_be_erased(person uuid, at timestamptz) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT FROM keys.erased e WHERE e.user_id = person) THEN
        RETURN true;
    END IF;
    RETURN NOT EXISTS (SELECT FROM consultations c WHERE c.employee_user_id = person
            AND (c.status = 'IN_PROGRESS' OR c.status IN ('SCHEDULED', 'CONFIRMED') AND c.scheduled_at > at))
        AND NOT EXISTS (SELECT FROM consultations c WHERE c.practitioner_user_id = person
            AND (c.status = 'IN_PROGRESS' OR c.status IN ('SCHEDULED', 'CONFIRMED') AND c.scheduled_at > at))
        AND NOT EXISTS (SELECT FROM users u WHERE u.id = person AND u.role = 'SUPER_ADMIN' AND NOT EXISTS (
            SELECT FROM users o
            WHERE o.role = 'SUPER_ADMIN' AND o.id <> person AND o.is_active AND o.blocked_at IS NULL));
END $$;

DROP FUNCTION take_due_erasure(timestamptz, uuid[]);
-- The request that has been due for longest, held against other nodes, with whom it is about, and with
-- what was certified when the same person was erased before.
CREATE FUNCTION take_due_erasure(at timestamptz, passed_over uuid[])
    RETURNS TABLE (request_id uuid, user_id uuid, email text, company_id uuid, erased_at timestamptz,
                   certificate_id uuid, keys_gone_on date)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:erasure' THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT r.id, u.id, u.email, u.company_id, e.erased_at, e.certificate_id, e.keys_gone_on
        FROM deletion_requests r JOIN users u ON u.id = r.user_id LEFT JOIN keys.erased e ON e.user_id = u.id
        WHERE r.status = 'PENDING' AND r.deletion_date <= at AND r.id <> ALL (passed_over)
          AND may_be_erased(u.id, at)
        ORDER BY r.deletion_date, r.id LIMIT 1
        FOR UPDATE OF r SKIP LOCKED;
END $$;

-- Erases whom a due request is about; answers how many rows that touched, none when the request is not
-- due or was settled before. All of it or nothing: it is one statement of one transaction.
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
    INSERT INTO keys.erased (user_id, erased_at, certificate_id, keys_gone_on)
    VALUES (person, at, certificate, backups_gone) ON CONFLICT (user_id) DO NOTHING;
    RETURN touched + 1;
END $$;

-- Discards what was said about up to `most` consultations that ended before `before`, with the keys: so
-- that no copy of it can be read. Answers how many consultations that were.
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
    IF cardinality(chosen) = 0 THEN
        -- Those of a restored backup whose keys were destroyed since.
        chosen := ARRAY(SELECT c.id FROM conversations v JOIN consultations c ON c.id = v.consultation_id
            WHERE c.ends_at < before AND c.status <> 'IN_PROGRESS' LIMIT most);
    END IF;
    IF cardinality(chosen) = 0 THEN
        chosen := ARRAY(SELECT c.id FROM consultations c
            WHERE c.ends_at < before AND c.status <> 'IN_PROGRESS'
              AND (c.reason IS NOT NULL OR c.cancel_reason IS NOT NULL) LIMIT most);
    END IF;
    DELETE FROM messages WHERE consultation_id = ANY (chosen);
    DELETE FROM conversations WHERE consultation_id = ANY (chosen);
    UPDATE consultations SET reason = NULL, cancel_reason = NULL WHERE id = ANY (chosen);
    DELETE FROM files WHERE kind = 'ATTACHMENT' AND related_id = ANY (chosen);
    PERFORM erase_keys_of_files(ARRAY(SELECT c.practitioner_user_id FROM consultations c WHERE c.id = ANY (chosen)));
    DELETE FROM keys.data_keys k WHERE k.subject_id = ANY (chosen) AND k.kind = 'CONSULTATION';
    RETURN cardinality(chosen);
END $$;

-- Discards the notes of up to `most` pairs of an author and a patient whose last consultation was before
-- the day until which the author's profession keeps them, with their keys. Answers how many pairs.
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
    IF pairs > 0 THEN
        RETURN pairs;
    END IF;
    -- Those of a restored backup whose keys were destroyed since.
    FOR chosen IN
        SELECT DISTINCT c.employee_user_id, c.practitioner_user_id
        FROM clinical_notes n JOIN consultations c ON c.id = n.consultation_id
        JOIN practitioners p ON p.user_id = c.practitioner_user_id
        CROSS JOIN LATERAL (SELECT max(o.scheduled_at) AS at FROM consultations o
            WHERE o.employee_user_id = c.employee_user_id
              AND o.practitioner_user_id = c.practitioner_user_id) AS last
        WHERE NOT EXISTS (SELECT FROM keys.data_keys k WHERE k.kind = 'NOTES' AND k.author_id = c.practitioner_user_id
                AND k.subject_id = c.employee_user_id)
          AND last.at < CASE WHEN p.profession IN ('PSYCHIATRIST', 'PHYSICIAN') THEN of_physicians ELSE of_others END
        LIMIT most
    LOOP
        DELETE FROM clinical_notes n USING consultations c
        WHERE n.consultation_id = c.id AND c.employee_user_id = chosen.employee_user_id
          AND c.practitioner_user_id = chosen.practitioner_user_id;
        pairs := pairs + 1;
    END LOOP;
    RETURN pairs;
END $$;

ALTER FUNCTION take_due_erasure(timestamptz, uuid[]) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION take_due_erasure(timestamptz, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_due_erasure(timestamptz, uuid[]) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
