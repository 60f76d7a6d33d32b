-- What a person asks to be forgotten, how they are, and how long everything else is kept.
CREATE TABLE deletion_requests (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    status text NOT NULL CHECK (status IN ('PENDING', 'CANCELLED', 'COMPLETED')),
    -- In the person's words, under the person's key; it goes with the person.
    reason bytea CHECK (length(reason) BETWEEN 58 AND 8057),
    created_at timestamptz NOT NULL,
    deletion_date timestamptz NOT NULL,
    cancelled_at timestamptz,
    completed_at timestamptz,
    certificate_id uuid CONSTRAINT deletion_requests_certificate_key UNIQUE,
    -- From when on no backup holds the destroyed keys.
    keys_gone_on date,
    CONSTRAINT deletion_requests_times CHECK (deletion_date >= created_at + interval '30 days'),
    CONSTRAINT deletion_requests_cancelled CHECK ((status = 'CANCELLED') = (cancelled_at IS NOT NULL)),
    CONSTRAINT deletion_requests_completed CHECK (
        num_nonnulls(completed_at, certificate_id, keys_gone_on) = CASE status WHEN 'COMPLETED' THEN 3 ELSE 0 END
        AND (status <> 'COMPLETED' OR reason IS NULL))
);
CREATE UNIQUE INDEX deletion_requests_one_pending ON deletion_requests (user_id) WHERE status = 'PENDING';
CREATE INDEX deletion_requests_user ON deletion_requests (user_id);
CREATE INDEX deletion_requests_due ON deletion_requests (deletion_date) WHERE status = 'PENDING';

-- Since when nobody stands behind a row any more. Columns of their own: policies test them, and no
-- scope that they hide a row from writes them.
ALTER TABLE users ADD COLUMN erased_at timestamptz;
ALTER TABLE employees ADD COLUMN erased_at timestamptz;
ALTER TABLE practitioners ADD COLUMN erased_at timestamptz;
-- After a way back and forth.
ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
ALTER TABLE employees NO FORCE ROW LEVEL SECURITY;
ALTER TABLE practitioners NO FORCE ROW LEVEL SECURITY;
UPDATE users SET erased_at = updated_at WHERE email = 'deleted-' || id || '@huntzen.care';
UPDATE employees e SET erased_at = e.updated_at FROM users u WHERE u.id = e.user_id AND u.erased_at IS NOT NULL;
UPDATE practitioners p SET erased_at = p.updated_at FROM users u WHERE u.id = p.user_id AND u.erased_at IS NOT NULL;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
ALTER TABLE employees FORCE ROW LEVEL SECURITY;
ALTER TABLE practitioners FORCE ROW LEVEL SECURITY;

-- Retention looks for what is oldest, and the export for what was sent to one person.
CREATE INDEX notifications_created ON notifications (created_at);
CREATE INDEX outbox_sent ON outbox (sent_at);
CREATE INDEX outbox_recipient ON outbox (recipient_user_id, created_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);

ALTER TABLE deletion_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE deletion_requests FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (status, cancelled_at) ON deletion_requests TO huntzen_app;
CREATE POLICY deletion_requests_own ON deletion_requests TO huntzen_app
    USING (user_id = (SELECT scope_user()))
    WITH CHECK (user_id = (SELECT scope_user()) AND status <> 'COMPLETED');
-- What was settled stays settled.
CREATE POLICY deletion_requests_settled ON deletion_requests AS RESTRICTIVE FOR UPDATE TO huntzen_app
    USING (status = 'PENDING') WITH CHECK (true);
-- Which consultations have to be called off.
CREATE POLICY deletion_requests_erasure ON deletion_requests FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:erasure');
CREATE POLICY consultations_erasure ON consultations FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:erasure');
CREATE POLICY consultations_erasure_change ON consultations FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:erasure') WITH CHECK ((SELECT scope_role()) = 'worker:erasure');
CREATE POLICY consultation_events_erasure ON consultation_events FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:erasure');

-- The company never learns: whoever was erased is in none of its lists, under no name. Nor are erased
-- practitioners anybody's to validate.
DROP POLICY employees_hr ON employees;
CREATE POLICY employees_hr ON employees TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()) AND erased_at IS NULL)
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()) AND erased_at IS NULL);
-- Nobody writes into what is left, as which it also stays marked.
CREATE POLICY users_erased ON users AS RESTRICTIVE FOR UPDATE TO huntzen_app
    USING (erased_at IS NULL) WITH CHECK (erased_at IS NULL);
CREATE POLICY employees_erased ON employees AS RESTRICTIVE FOR UPDATE TO huntzen_app
    USING (erased_at IS NULL) WITH CHECK (erased_at IS NULL);
CREATE POLICY practitioners_erased ON practitioners AS RESTRICTIVE FOR UPDATE TO huntzen_app
    USING (erased_at IS NULL) WITH CHECK (erased_at IS NULL);
DROP POLICY practitioners_administrators ON practitioners;
CREATE POLICY practitioners_administrators ON practitioners TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN' AND erased_at IS NULL)
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN' AND erased_at IS NULL);

-- A letter's arguments and a review's comment each have a key of their own, which goes with the person
-- whom they are about. Nobody reads a letter's key but the worker that sends it, nor a review's but
-- whoever moderates it; the trigger that knows readers leaves both without any.
ALTER TABLE keys.data_keys DROP CONSTRAINT data_keys_kind_check;
ALTER TABLE keys.data_keys ADD CONSTRAINT data_keys_kind_check
    CHECK (kind IN ('PERSON', 'CONSULTATION', 'NOTES', 'FILES', 'PLATFORM', 'LETTER', 'REVIEW'));
CREATE POLICY data_keys_add_letter ON keys.data_keys FOR INSERT TO huntzen_app
    WITH CHECK (kind = 'LETTER'
        AND ((SELECT scope_user()) IS NOT NULL OR (SELECT scope_role()) LIKE 'worker:%'));
CREATE POLICY data_keys_letters ON keys.data_keys FOR SELECT TO huntzen_app
    USING (kind = 'LETTER' AND (SELECT scope_role()) = 'worker:outbox');
CREATE POLICY data_keys_add_review ON keys.data_keys FOR INSERT TO huntzen_app
    WITH CHECK (kind = 'REVIEW' AND (SELECT scope_role()) = 'EMPLOYEE');
CREATE POLICY data_keys_reviews ON keys.data_keys FOR SELECT TO huntzen_app
    USING (kind = 'REVIEW' AND (SELECT scope_role()) = 'ADMIN_HUNTZEN');

-- What the functions below may reach.
GRANT SELECT, UPDATE ON deletion_requests TO huntzen_internal;
GRANT SELECT, DELETE ON keys.data_keys, journal_entries, clinical_notes, outbox, notifications, second_factors
    TO huntzen_internal;
GRANT SELECT ON backup_codes TO huntzen_internal;
GRANT DELETE ON sessions, one_time_tokens, invitations, preferences, conversations, messages, availabilities,
    availability_exceptions, files, file_uploads TO huntzen_internal;
GRANT SELECT ON file_uploads TO huntzen_internal;
GRANT SELECT ON reviews TO huntzen_internal;
GRANT UPDATE (comment, published_comment) ON reviews TO huntzen_internal;
GRANT UPDATE (reason, cancel_reason) ON consultations TO huntzen_internal;
GRANT UPDATE (contact_name, contact_email, phone) ON companies TO huntzen_internal;
GRANT UPDATE (email, password_hash, is_active, email_verified, signed_out_before, last_login_at,
    two_factor_enabled_at, erased_at) ON users TO huntzen_internal;
GRANT UPDATE (email, first_name, last_name, phone, department, position, status, search_text, updated_at, erased_at)
    ON employees TO huntzen_internal;
GRANT UPDATE (first_name, last_name, title, registration_number, specialties, languages, bio, years_of_experience,
    accepting_new_clients, is_validated, validated_at, suspended_at, documents_verified, search_text, updated_at,
    erased_at) ON practitioners TO huntzen_internal;

CREATE POLICY deletion_requests_internal ON deletion_requests TO huntzen_internal USING (true) WITH CHECK (true);
DROP POLICY data_keys_files ON keys.data_keys;
CREATE POLICY data_keys_internal ON keys.data_keys TO huntzen_internal USING (true) WITH CHECK (true);
CREATE POLICY journal_entries_internal ON journal_entries TO huntzen_internal USING (true) WITH CHECK (true);
CREATE POLICY clinical_notes_internal ON clinical_notes TO huntzen_internal USING (true) WITH CHECK (true);
CREATE POLICY outbox_internal_read ON outbox FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY outbox_internal_discard ON outbox FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY notifications_internal_read ON notifications FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY notifications_internal_discard ON notifications FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY second_factors_internal ON second_factors TO huntzen_internal USING (true) WITH CHECK (true);
CREATE POLICY backup_codes_internal ON backup_codes FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY sessions_internal_discard ON sessions FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY one_time_tokens_internal_discard ON one_time_tokens FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY invitations_internal_discard ON invitations FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY preferences_internal_discard ON preferences FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY messages_internal_discard ON messages FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY availabilities_internal_discard ON availabilities FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY availability_exceptions_internal_discard ON availability_exceptions FOR DELETE TO huntzen_internal
    USING (true);
CREATE POLICY files_internal_discard ON files FOR DELETE TO huntzen_internal USING (true);
CREATE POLICY file_uploads_internal ON file_uploads TO huntzen_internal USING (true) WITH CHECK (true);
CREATE POLICY reviews_internal ON reviews TO huntzen_internal USING (true) WITH CHECK (true);
CREATE POLICY consultations_internal_discard ON consultations FOR UPDATE TO huntzen_internal
    USING (true) WITH CHECK (true);
CREATE POLICY companies_internal_discard ON companies FOR UPDATE TO huntzen_internal USING (true) WITH CHECK (true);
CREATE POLICY employees_internal_discard ON employees FOR UPDATE TO huntzen_internal USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- Whether somebody may go. Whoever is in a consultation, or still has one ahead, waits until that is
-- settled; the last who operates the platform waits for another.
CREATE FUNCTION may_be_erased(person uuid, at timestamptz) RETURNS boolean
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

-- The request that has been due for longest, held against other nodes, with whom it is about.
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

-- Destroys the keys to the files of those of `owners` who were erased and have none left.
CREATE FUNCTION erase_keys_of_files(owners uuid[]) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public
BEGIN ATOMIC
    DELETE FROM keys.data_keys k USING users u
    WHERE u.id = ANY (owners) AND u.erased_at IS NOT NULL AND k.kind = 'FILES' AND k.subject_id = u.id
      AND NOT EXISTS (SELECT FROM files f WHERE f.owner_user_id = u.id);
END;

-- What a person has confided: the keys go, so that no copy of it can be read, and so does what lies
-- under them. Consultations stay as they are billed, notes under the key of their author.
CREATE FUNCTION erase_confidences(person uuid) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    care CONSTANT uuid[] := ARRAY(SELECT c.id FROM consultations c WHERE c.employee_user_id = person);
    feedback CONSTANT uuid[] := ARRAY(SELECT r.id FROM reviews r WHERE r.consultation_id = ANY (care));
    letters CONSTANT uuid[] := ARRAY(SELECT o.id FROM outbox o WHERE o.recipient_user_id = person);
    changed bigint;
    total bigint;
BEGIN
    -- Triggers queue the objects of files. What a practitioner sent to others is theirs as well; without the
    -- key it was sealed under they could not read it, so that goes with the last of them.
    DELETE FROM files WHERE kind = 'ATTACHMENT' AND related_id = ANY (care)
        OR owner_user_id = person AND kind <> 'ATTACHMENT';
    GET DIAGNOSTICS total = ROW_COUNT;
    DELETE FROM file_uploads WHERE owner_user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM keys.data_keys k
    WHERE k.subject_id = ANY (care) AND k.kind = 'CONSULTATION' OR k.subject_id = ANY (feedback) AND k.kind = 'REVIEW'
       OR k.subject_id = ANY (letters) AND k.kind = 'LETTER' OR k.subject_id = person AND k.kind = 'PERSON';
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    -- Whoever writes a message right now has written it before it goes.
    PERFORM FROM conversations WHERE consultation_id = ANY (care) ORDER BY consultation_id FOR UPDATE;
    DELETE FROM messages WHERE consultation_id = ANY (care);
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM conversations WHERE consultation_id = ANY (care);
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    UPDATE consultations SET reason = NULL, cancel_reason = NULL WHERE id = ANY (care);
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    UPDATE reviews SET comment = NULL, published_comment = NULL WHERE id = ANY (feedback);
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM journal_entries WHERE user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM outbox WHERE id = ANY (letters);
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN total + changed;
END $$;

-- What lets a person in, and what reminds of them.
CREATE FUNCTION erase_traces(person uuid) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    changed bigint;
    total bigint;
BEGIN
    -- The tokens of a session and the backup codes of a second factor go with them.
    DELETE FROM sessions WHERE user_id = person;
    GET DIAGNOSTICS total = ROW_COUNT;
    DELETE FROM second_factors WHERE user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM one_time_tokens WHERE user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM invitations WHERE user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM notifications WHERE user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    -- As when somebody no longer agrees to be named: also not in a month that is closing right now.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('huntzen:releases:' || company_id, 0))
    FROM users WHERE id = person AND company_id IS NOT NULL;
    DELETE FROM preferences WHERE user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM usage_release_people WHERE employee_user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM availabilities WHERE practitioner_user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    DELETE FROM availability_exceptions WHERE practitioner_user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN total + changed;
END $$;

-- Names and addresses, wherever they stand.
CREATE FUNCTION erase_identity(person uuid, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    was users;
    nobody CONSTANT text := 'deleted-' || person || '@huntzen.care';
    changed bigint;
    total bigint;
BEGIN
    SELECT * INTO was FROM users WHERE id = person;
    -- An administrator of the company who may be its contact; its telephone stood beside the name.
    UPDATE companies SET contact_name = NULL, contact_email = NULL, phone = NULL
    WHERE id = was.company_id AND (lower(contact_email) = was.email
        OR was.role = 'ADMIN_RH' AND strpos(lower(contact_name), lower(was.last_name)) > 0);
    GET DIAGNOSTICS total = ROW_COUNT;
    UPDATE employees SET email = nobody, first_name = 'Utilisateur', last_name = 'supprimé', phone = NULL,
        department = NULL, position = NULL, status = 'ENDED', search_text = '', updated_at = at, erased_at = at
    WHERE user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    UPDATE practitioners SET first_name = 'Utilisateur', last_name = 'supprimé', title = NULL,
        registration_number = NULL, specialties = '{}', languages = '{}', bio = NULL, years_of_experience = NULL,
        accepting_new_clients = false, is_validated = false, validated_at = NULL, suspended_at = NULL,
        documents_verified = false, search_text = '', updated_at = at, erased_at = at
    WHERE user_id = person;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    -- What others said in public of somebody whose profile is gone is shown to nobody, and may name them.
    UPDATE reviews SET published_comment = NULL
    WHERE practitioner_id = (SELECT p.id FROM practitioners p WHERE p.user_id = person) AND published_comment IS NOT NULL;
    GET DIAGNOSTICS changed = ROW_COUNT; total := total + changed;
    UPDATE users SET email = nobody, first_name = 'Utilisateur', last_name = 'supprimé', password_hash = NULL,
        is_active = false, email_verified = false, signed_out_before = at, last_login_at = NULL,
        two_factor_enabled_at = NULL, updated_at = at, erased_at = at
    WHERE id = person;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN total + changed;
END $$;

-- Erases whom a due request is about; answers how many rows that touched, none when the request is not
-- due or was settled before. All of it or nothing: it is one statement of one transaction.
CREATE FUNCTION erase_person(request uuid, at timestamptz, certificate uuid, backups_gone date) RETURNS bigint
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

-- Discards up to `most` things that are kept no longer than until `before`; answers how many.
CREATE FUNCTION discard_expired(kind text, before timestamptz, most bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    chosen uuid[];
    discarded bigint;
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:retention' THEN
        RETURN 0;
    END IF;
    CASE kind
        WHEN 'NOTIFICATIONS' THEN
            DELETE FROM notifications WHERE id = ANY (ARRAY(
                SELECT n.id FROM notifications n WHERE n.created_at < before LIMIT most));
        WHEN 'LETTERS' THEN
            chosen := ARRAY(SELECT o.id FROM outbox o
                WHERE o.sent_at < before OR o.given_up AND o.created_at < before LIMIT most);
            DELETE FROM keys.data_keys k WHERE k.subject_id = ANY (chosen) AND k.kind = 'LETTER';
            DELETE FROM outbox WHERE id = ANY (chosen);
        WHEN 'SESSIONS' THEN
            DELETE FROM sessions WHERE id = ANY (ARRAY(
                SELECT s.id FROM sessions s WHERE s.expires_at < before LIMIT most));
        WHEN 'TOKENS' THEN
            DELETE FROM one_time_tokens WHERE sha256 = ANY (ARRAY(
                SELECT t.sha256 FROM one_time_tokens t WHERE t.expires_at < before LIMIT most));
        WHEN 'INVITATIONS' THEN
            DELETE FROM invitations WHERE id = ANY (ARRAY(
                -- That of an account which still waits stays: its token is long worthless, and it says that
                -- whoever asks may be invited again.
                SELECT i.id FROM invitations i JOIN users u ON u.id = i.user_id
                WHERE i.accepted_at IS NULL AND i.created_at < before AND u.password_hash IS NOT NULL LIMIT most));
        ELSE
            RETURN 0;
    END CASE;
    GET DIAGNOSTICS discarded = ROW_COUNT;
    RETURN discarded;
END $$;

-- Discards what was said about up to `most` consultations that ended before `before`, with the keys: so
-- that no copy of it can be read. Answers how many consultations that were.
CREATE FUNCTION discard_conversations(before timestamptz, most bigint) RETURNS bigint
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

-- Discards the notes of up to `most` pairs of an author and a patient whose last consultation was before
-- the day until which the author's profession keeps them, with their keys. Answers how many pairs.
CREATE FUNCTION discard_notes(of_physicians timestamptz, of_others timestamptz, most bigint) RETURNS bigint
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

-- Whoever was erased leaves nothing new behind, nor gets a key again: a session that another node still
-- knows, or a request that waited for the erasure, would write it. The argument names the column.
CREATE FUNCTION refuse_erased() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    person CONSTANT uuid := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    PERFORM FROM users u WHERE u.id = person AND u.erased_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the account was erased' USING ERRCODE = 'check_violation', CONSTRAINT = 'erased';
    END IF;
    RETURN NEW;
END $$;

-- The conversation of somebody who was erased does not begin again.
CREATE OR REPLACE FUNCTION hold_conversations(wanted uuid[])
    RETURNS TABLE (consultation_id uuid, company_id uuid, employee_user_id uuid, practitioner_user_id uuid,
                   type text, status text, scheduled_at timestamptz, ends_at timestamptz, last_seq bigint)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:chat' THEN
        RETURN;
    END IF;
    INSERT INTO conversations (consultation_id, company_id, employee_user_id, practitioner_user_id)
    SELECT c.id, c.company_id, c.employee_user_id, c.practitioner_user_id
    FROM consultations c
    WHERE c.id = ANY (wanted) AND NOT EXISTS (SELECT FROM conversations v WHERE v.consultation_id = c.id)
      AND EXISTS (SELECT FROM employees e WHERE e.id = c.employee_id AND e.erased_at IS NULL)
    ORDER BY c.id
    ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT c.id, c.company_id, c.employee_user_id, c.practitioner_user_id, c.type, c.status, c.scheduled_at,
               c.ends_at, v.last_seq
        FROM conversations v JOIN consultations c ON c.id = v.consultation_id
        WHERE v.consultation_id = ANY (wanted)
        ORDER BY v.consultation_id
        FOR NO KEY UPDATE OF v;
END $$;

-- An instant as it is told (RFC 3339, in UTC).
CREATE FUNCTION told(at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- What is kept about whoever asks in tables that no scope of theirs reads wholly, a sort at a time,
-- newest first. The id breaks ties; it is not told.
CREATE FUNCTION own_records(part text, before timestamptz, before_id uuid, most bigint)
    RETURNS TABLE (id uuid, at timestamptz, fields jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    me CONSTANT uuid := scope_user();
BEGIN
    RETURN QUERY
    SELECT o.id, o.at, o.fields
    FROM (
        SELECT s.id, s.created_at AS at, jsonb_build_object('id', s.id, 'createdAt', told(s.created_at),
            'lastUsedAt', told(s.last_used_at), 'expiresAt', told(s.expires_at), 'revokedAt', told(s.revoked_at),
            'userAgent', s.user_agent, 'ip', s.ip) AS fields
        FROM sessions s WHERE part = 'SESSIONS' AND s.user_id = me
        UNION ALL
        SELECT encode(substring(t.sha256 FROM 1 FOR 16), 'hex')::uuid, t.created_at, jsonb_build_object(
            'purpose', t.purpose, 'email', t.email, 'createdAt', told(t.created_at), 'expiresAt', told(t.expires_at),
            'usedAt', told(t.used_at))
        FROM one_time_tokens t WHERE part = 'TOKENS' AND t.user_id = me
        UNION ALL
        SELECT i.id, i.created_at, jsonb_build_object('id', i.id, 'createdAt', told(i.created_at),
            'expiresAt', told(i.expires_at), 'acceptedAt', told(i.accepted_at))
        FROM invitations i WHERE part = 'INVITATIONS' AND i.user_id = me
        UNION ALL
        SELECT f.user_id, f.created_at, jsonb_build_object('createdAt', told(f.created_at), 'backupCodesLeft',
            (SELECT count(*) FROM backup_codes b WHERE b.user_id = me AND b.used_at IS NULL))
        FROM second_factors f WHERE part = 'SECOND_FACTOR' AND f.user_id = me
        UNION ALL
        SELECT l.id, l.created_at, jsonb_build_object('letter', l.letter, 'about', l.about,
            'createdAt', told(l.created_at), 'sentAt', told(l.sent_at))
        FROM outbox l WHERE part = 'LETTERS' AND l.recipient_user_id = me
        UNION ALL
        SELECT n.id, n.created_at, jsonb_build_object('id', n.id, 'type', n.type, 'data', n.data,
            'readAt', told(n.read_at), 'createdAt', told(n.created_at))
        FROM notifications n WHERE part = 'NOTIFICATIONS' AND n.user_id = me
        UNION ALL
        SELECT f.id, f.created_at, jsonb_build_object('id', f.id, 'fileName', f.name, 'contentType', f.media_type,
            'size', f.size, 'sha256', encode(f.sha256, 'hex'), 'fileType', f.kind, 'relatedResource', f.related_resource,
            'relatedId', f.related_id, 'createdAt', told(f.created_at), 'sentByMe', f.owner_user_id = me)
        FROM files f WHERE part = 'FILES' AND (f.owner_user_id = me OR f.employee_user_id = me)
        UNION ALL
        SELECT p.employee_id, lower(p.during)::timestamp AT TIME ZONE 'UTC', jsonb_build_object(
            'department', p.department, 'from', lower(p.during), 'until', upper(p.during))
        FROM employees m JOIN employment_periods p ON p.company_id = m.company_id AND p.employee_id = m.id
        WHERE part = 'EMPLOYMENT' AND m.user_id = me
        UNION ALL
        SELECT v.id, v.at, jsonb_build_object('id', v.id, 'consultationId', v.consultation_id, 'type', v.type,
            'at', told(v.at), 'byMe', v.actor_user_id IS NOT DISTINCT FROM me, 'previousStart', told(v.previous_start))
        FROM consultations c JOIN consultation_events v ON v.consultation_id = c.id
        WHERE part = 'EVENTS' AND (c.employee_user_id = me OR c.practitioner_user_id = me)
        UNION ALL
        SELECT d.employee_id, d.day::timestamp AT TIME ZONE 'UTC', jsonb_build_object('day', d.day,
            'consultations', d.consult_count, 'totalDurationSeconds', d.total_duration_seconds)
        FROM employees m JOIN employee_activity_daily d ON d.employee_id = m.id
        WHERE part = 'ACTIVITY' AND m.user_id = me
        UNION ALL
        SELECT d.practitioner_id, d.day::timestamp AT TIME ZONE 'UTC', jsonb_build_object('day', d.day,
            'consultations', d.consult_count, 'totalDurationSeconds', d.total_duration_seconds)
        FROM practitioners m JOIN practitioner_activity_daily d ON d.practitioner_id = m.id
        WHERE part = 'ACTIVITY' AND m.user_id = me
        UNION ALL
        SELECT u.employee_id, u.month::timestamp AT TIME ZONE 'UTC', jsonb_build_object('month', u.month,
            'department', u.department, 'consultations', u.consultations,
            'totalDurationSeconds', u.total_duration_seconds)
        FROM usage_release_people u WHERE part = 'NAMED_USAGE' AND u.employee_user_id = me
        UNION ALL
        SELECT t.practitioner_id, t.month::timestamp AT TIME ZONE 'UTC', jsonb_build_object('month', t.month,
            'closedAt', told(t.closed_at), 'content', convert_from(t.bytes, 'UTF8'))
        FROM practitioners m JOIN practitioner_statements t ON t.practitioner_id = m.id
        WHERE part = 'STATEMENTS' AND m.user_id = me
    ) AS o
    WHERE (o.at, o.id) < (before, before_id)
    ORDER BY o.at DESC, o.id DESC LIMIT most;
END $$;

-- The reviews that whoever asks has given, with the key of each comment: nobody else's scope reads whose
-- a review is, and this one no other's.
CREATE FUNCTION own_reviews(before timestamptz, before_id uuid, most bigint)
    RETURNS TABLE (id uuid, at timestamptz, consultation_id uuid, rating smallint, status text, comment bytea,
                   key_id uuid, master_key_id bigint, wrapped bytea)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT r.id, r.created_at, r.consultation_id, r.rating, r.status, r.comment, k.id, k.master_key_id, k.wrapped
        FROM consultations c JOIN reviews r ON r.consultation_id = c.id
        LEFT JOIN keys.data_keys k ON k.subject_id = r.id AND k.kind = 'REVIEW'
        WHERE c.employee_user_id = scope_user() AND (r.created_at, r.id) < (before, before_id)
        ORDER BY r.created_at DESC, r.id DESC LIMIT most;
END $$;

ALTER FUNCTION take_due_erasure(timestamptz, uuid[]) OWNER TO huntzen_internal;
ALTER FUNCTION may_be_erased(uuid, timestamptz) OWNER TO huntzen_internal;
ALTER FUNCTION erase_confidences(uuid) OWNER TO huntzen_internal;
ALTER FUNCTION erase_traces(uuid) OWNER TO huntzen_internal;
ALTER FUNCTION erase_identity(uuid, timestamptz) OWNER TO huntzen_internal;
ALTER FUNCTION erase_person(uuid, timestamptz, uuid, date) OWNER TO huntzen_internal;
ALTER FUNCTION discard_expired(text, timestamptz, bigint) OWNER TO huntzen_internal;
ALTER FUNCTION discard_conversations(timestamptz, bigint) OWNER TO huntzen_internal;
ALTER FUNCTION discard_notes(timestamptz, timestamptz, bigint) OWNER TO huntzen_internal;
ALTER FUNCTION refuse_erased() OWNER TO huntzen_internal;
ALTER FUNCTION erase_keys_of_files(uuid[]) OWNER TO huntzen_internal;
ALTER FUNCTION own_records(text, timestamptz, uuid, bigint) OWNER TO huntzen_internal;
ALTER FUNCTION own_reviews(timestamptz, uuid, bigint) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION take_due_erasure(timestamptz, uuid[]), may_be_erased(uuid, timestamptz), erase_confidences(uuid),
    erase_traces(uuid), refuse_erased(), erase_keys_of_files(uuid[]), erase_identity(uuid, timestamptz), erase_person(uuid, timestamptz, uuid, date),
    discard_expired(text, timestamptz, bigint), discard_conversations(timestamptz, bigint),
    discard_notes(timestamptz, timestamptz, bigint), own_records(text, timestamptz, uuid, bigint),
    own_reviews(timestamptz, uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_due_erasure(timestamptz, uuid[]), erase_person(uuid, timestamptz, uuid, date),
    discard_expired(text, timestamptz, bigint), discard_conversations(timestamptz, bigint),
    discard_notes(timestamptz, timestamptz, bigint), own_records(text, timestamptz, uuid, bigint),
    own_reviews(timestamptz, uuid, bigint) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER data_keys_not_of_erased BEFORE INSERT ON keys.data_keys FOR EACH ROW
    WHEN (NEW.kind IN ('PERSON', 'FILES')) EXECUTE FUNCTION refuse_erased('subject_id');
CREATE TRIGGER preferences_not_of_erased BEFORE INSERT OR UPDATE ON preferences FOR EACH ROW
    EXECUTE FUNCTION refuse_erased('user_id');
CREATE TRIGGER journal_entries_not_of_erased BEFORE INSERT ON journal_entries FOR EACH ROW
    EXECUTE FUNCTION refuse_erased('user_id');
CREATE TRIGGER files_not_of_erased BEFORE INSERT ON files FOR EACH ROW
    EXECUTE FUNCTION refuse_erased('owner_user_id');
CREATE TRIGGER file_uploads_not_of_erased BEFORE INSERT ON file_uploads FOR EACH ROW
    EXECUTE FUNCTION refuse_erased('owner_user_id');
CREATE TRIGGER availabilities_not_of_erased BEFORE INSERT ON availabilities FOR EACH ROW
    EXECUTE FUNCTION refuse_erased('practitioner_user_id');
CREATE TRIGGER availability_exceptions_not_of_erased BEFORE INSERT ON availability_exceptions FOR EACH ROW
    EXECUTE FUNCTION refuse_erased('practitioner_user_id');
