-- Conversations and their sealed messages. A conversation begins with its first message.
CREATE TABLE conversations (
    consultation_id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    employee_user_id uuid NOT NULL,
    practitioner_user_id uuid NOT NULL,
    last_seq bigint NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    -- Since when each participant has something unread; what they were told of it in the inbox and
    -- by letter, and when last.
    employee_unread_since timestamptz,
    employee_notified_at timestamptz,
    employee_mailed_at timestamptz,
    practitioner_unread_since timestamptz,
    practitioner_notified_at timestamptz,
    practitioner_mailed_at timestamptz,
    CONSTRAINT conversations_consultation_fkey
        FOREIGN KEY (company_id, consultation_id) REFERENCES consultations (company_id, id),
    CONSTRAINT conversations_participants_key
        UNIQUE (consultation_id, company_id, employee_user_id, practitioner_user_id)
);
CREATE INDEX conversations_employee_unread ON conversations (employee_unread_since)
    WHERE employee_unread_since IS NOT NULL;
CREATE INDEX conversations_practitioner_unread ON conversations (practitioner_unread_since)
    WHERE practitioner_unread_since IS NOT NULL;

-- `seq` counts from 1 within its conversation, without a hole. `client_id` is what the sender's
-- device called the message, so that a repeat is recognised. 8 KiB of text and 57 bytes of envelope.
CREATE TABLE messages (
    consultation_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    id uuid NOT NULL CONSTRAINT messages_id_key UNIQUE,
    company_id uuid NOT NULL,
    employee_user_id uuid NOT NULL,
    practitioner_user_id uuid NOT NULL,
    sender_id uuid NOT NULL,
    client_id text CHECK (length(client_id) BETWEEN 1 AND 64),
    content bytea NOT NULL CHECK (length(content) BETWEEN 58 AND 8249),
    read_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT messages_pkey PRIMARY KEY (consultation_id, seq),
    CONSTRAINT messages_sender CHECK (sender_id IN (employee_user_id, practitioner_user_id)),
    CONSTRAINT messages_conversation_fkey
        FOREIGN KEY (consultation_id, company_id, employee_user_id, practitioner_user_id)
        REFERENCES conversations (consultation_id, company_id, employee_user_id, practitioner_user_id)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX messages_client_key ON messages (consultation_id, sender_id, client_id)
    WHERE client_id IS NOT NULL;

ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversations FORCE ROW LEVEL SECURITY;
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;

GRANT SELECT, UPDATE (last_seq, employee_unread_since, employee_notified_at, employee_mailed_at,
    practitioner_unread_since, practitioner_notified_at, practitioner_mailed_at) ON conversations TO huntzen_app;
GRANT SELECT, INSERT ON messages TO huntzen_app;
GRANT SELECT, INSERT, UPDATE ON conversations TO huntzen_internal;
GRANT SELECT, UPDATE (read_at) ON messages TO huntzen_internal;

CREATE POLICY conversations_writer ON conversations FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:chat');
CREATE POLICY conversations_count ON conversations FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:chat') WITH CHECK ((SELECT scope_role()) = 'worker:chat');
CREATE POLICY conversations_unread ON conversations FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:unread');
CREATE POLICY conversations_mailed ON conversations FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:unread') WITH CHECK ((SELECT scope_role()) = 'worker:unread');
CREATE POLICY conversations_internal ON conversations TO huntzen_internal USING (true) WITH CHECK (true);

CREATE POLICY messages_employee ON messages FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'EMPLOYEE' AND employee_user_id = (SELECT scope_user()));
CREATE POLICY messages_practitioner ON messages FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()));
CREATE POLICY messages_known ON messages FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:chat');
CREATE POLICY messages_write ON messages FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'worker:chat' AND sender_id IN (employee_user_id, practitioner_user_id));
CREATE POLICY messages_internal_read ON messages FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY messages_internal_mark ON messages FOR UPDATE TO huntzen_internal USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- Holds conversations for the writer, begun where they had not, in the order of their ids, so that
-- two nodes never wait for each other in a circle; with what decides whether they are open.
CREATE FUNCTION hold_conversations(wanted uuid[])
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

-- Marks what the other participant wrote, up to `up_to`, as read by the caller at `at`; answers how
-- many messages were unread before. No other way leads to `read_at`.
CREATE FUNCTION mark_messages_read(consultation uuid, up_to bigint, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    held record;
    marked bigint;
    since timestamptz;
BEGIN
    SELECT v.employee_user_id = scope_user() AS by_employee INTO held FROM conversations v
    WHERE v.consultation_id = consultation
      AND ((scope_role() = 'EMPLOYEE' AND v.employee_user_id = scope_user())
        OR (scope_role() = 'PRACTITIONER' AND v.practitioner_user_id = scope_user()))
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    UPDATE messages m SET read_at = at
    WHERE m.consultation_id = consultation AND m.seq <= up_to AND m.sender_id <> scope_user() AND m.read_at IS NULL;
    GET DIAGNOSTICS marked = ROW_COUNT;
    IF marked > 0 THEN
        SELECT min(m.created_at) INTO since FROM messages m
        WHERE m.consultation_id = consultation AND m.seq > up_to AND m.sender_id <> scope_user()
          AND m.read_at IS NULL;
        IF held.by_employee THEN
            UPDATE conversations SET employee_unread_since = since WHERE consultation_id = consultation;
        ELSE
            UPDATE conversations SET practitioner_unread_since = since WHERE consultation_id = consultation;
        END IF;
    END IF;
    RETURN marked;
END $$;

-- Tells a participant of what waits: nobody may write to another's inbox or letters.
CREATE FUNCTION conversations_tell() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.employee_notified_at IS DISTINCT FROM OLD.employee_notified_at THEN
        PERFORM tell_of_messages(NEW.consultation_id, NEW.employee_user_id, false, NEW.employee_notified_at);
    END IF;
    IF NEW.practitioner_notified_at IS DISTINCT FROM OLD.practitioner_notified_at THEN
        PERFORM tell_of_messages(NEW.consultation_id, NEW.practitioner_user_id, false, NEW.practitioner_notified_at);
    END IF;
    IF NEW.employee_mailed_at IS DISTINCT FROM OLD.employee_mailed_at THEN
        PERFORM tell_of_messages(NEW.consultation_id, NEW.employee_user_id, true, NEW.employee_mailed_at);
    END IF;
    IF NEW.practitioner_mailed_at IS DISTINCT FROM OLD.practitioner_mailed_at THEN
        PERFORM tell_of_messages(NEW.consultation_id, NEW.practitioner_user_id, true, NEW.practitioner_mailed_at);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION tell_of_messages(consultation uuid, recipient uuid, by_letter boolean, at timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    about CONSTANT jsonb := jsonb_build_object('consultationId', consultation);
BEGIN
    IF by_letter THEN
        INSERT INTO outbox (id, recipient_user_id, letter, about, created_at, next_attempt_at)
        VALUES (uuid_v7(at), recipient, 'MESSAGE_UNREAD', about, at, at);
    ELSE
        INSERT INTO notifications (id, user_id, type, data, created_at)
        VALUES (uuid_v7(at), recipient, 'MESSAGE_RECEIVED', about, at);
    END IF;
END $$;

ALTER FUNCTION hold_conversations(uuid[]) OWNER TO huntzen_internal;
ALTER FUNCTION mark_messages_read(uuid, bigint, timestamptz) OWNER TO huntzen_internal;
ALTER FUNCTION conversations_tell() OWNER TO huntzen_internal;
ALTER FUNCTION tell_of_messages(uuid, uuid, boolean, timestamptz) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION hold_conversations(uuid[]), mark_messages_read(uuid, bigint, timestamptz),
    conversations_tell(), tell_of_messages(uuid, uuid, boolean, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hold_conversations(uuid[]), mark_messages_read(uuid, bigint, timestamptz) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER conversations_told AFTER UPDATE ON conversations FOR EACH ROW
    WHEN (OLD.employee_notified_at IS DISTINCT FROM NEW.employee_notified_at
          OR OLD.practitioner_notified_at IS DISTINCT FROM NEW.practitioner_notified_at
          OR OLD.employee_mailed_at IS DISTINCT FROM NEW.employee_mailed_at
          OR OLD.practitioner_mailed_at IS DISTINCT FROM NEW.practitioner_mailed_at)
    EXECUTE FUNCTION conversations_tell();
