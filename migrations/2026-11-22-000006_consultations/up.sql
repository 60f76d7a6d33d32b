-- Consultations, what happened to them, reviews and reminders.
CREATE TABLE consultations (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies (id),
    employee_id uuid NOT NULL,
    employee_user_id uuid NOT NULL,
    practitioner_id uuid NOT NULL,
    practitioner_user_id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('VIDEO', 'AUDIO', 'PHONE', 'CHAT')),
    status text NOT NULL
        CHECK (status IN ('SCHEDULED', 'CONFIRMED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED', 'NO_SHOW')),
    scheduled_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    buffer_minutes smallint NOT NULL CHECK (buffer_minutes BETWEEN 0 AND 240),
    reason text CHECK (length(reason) <= 2000),
    room_name text,
    started_at timestamptz,
    ended_at timestamptz,
    duration_seconds integer,
    actual_duration integer,
    service_day date,
    billing_status text NOT NULL CHECK (billing_status IN ('PENDING', 'VALIDATED', 'EXCLUDED')),
    cancelled_at timestamptz,
    cancelled_by uuid REFERENCES users (id),
    cancel_reason text CHECK (length(cancel_reason) <= 2000),
    no_show_at timestamptz,
    no_show_by uuid REFERENCES users (id),
    sequence integer NOT NULL DEFAULT 0,
    planned_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT consultations_times CHECK (scheduled_at < ends_at),
    -- The copied accounts, which policies read, are those of the employee and the practitioner.
    CONSTRAINT consultations_employee_fkey FOREIGN KEY (company_id, employee_id, employee_user_id)
        REFERENCES employees (company_id, id, user_id),
    CONSTRAINT consultations_practitioner_id_fkey FOREIGN KEY (practitioner_id, practitioner_user_id)
        REFERENCES practitioners (id, user_id),
    CONSTRAINT consultations_company_id_key UNIQUE (company_id, id),
    CONSTRAINT consultations_employee_no_overlap EXCLUDE USING gist
        (employee_id WITH =, tstzrange(scheduled_at, ends_at) WITH &&)
        WHERE (status IN ('SCHEDULED', 'CONFIRMED', 'IN_PROGRESS'))
);
CREATE INDEX consultations_of_employee ON consultations (employee_user_id, scheduled_at DESC, id DESC);
CREATE INDEX consultations_of_practitioner ON consultations (practitioner_user_id, scheduled_at DESC, id DESC);
CREATE INDEX consultations_awaited ON consultations (scheduled_at) WHERE status IN ('SCHEDULED', 'CONFIRMED');
CREATE INDEX consultations_running ON consultations (ends_at) WHERE status = 'IN_PROGRESS';

CREATE TABLE consultation_events (
    id uuid PRIMARY KEY,
    consultation_id uuid NOT NULL,
    company_id uuid NOT NULL,
    employee_user_id uuid NOT NULL,
    practitioner_user_id uuid NOT NULL,
    type text NOT NULL
        CHECK (type IN ('SCHEDULED', 'CONFIRMED', 'CANCELLED', 'RESCHEDULED', 'STARTED', 'ENDED', 'NO_SHOW',
                        'ROOM_JOINED', 'ROOM_TOKEN_ISSUED')),
    at timestamptz NOT NULL,
    actor_user_id uuid,
    previous_start timestamptz,
    CONSTRAINT consultation_events_consultation_fkey
        FOREIGN KEY (company_id, consultation_id) REFERENCES consultations (company_id, id)
);
CREATE INDEX consultation_events_order ON consultation_events (consultation_id, at, id);
-- A participant joins once; every later token is another event.
CREATE UNIQUE INDEX consultation_events_joined_once ON consultation_events (consultation_id, actor_user_id)
    WHERE type = 'ROOM_JOINED';

CREATE TABLE reviews (
    id uuid PRIMARY KEY,
    consultation_id uuid NOT NULL CONSTRAINT reviews_consultation_key UNIQUE,
    company_id uuid NOT NULL,
    employee_user_id uuid NOT NULL,
    practitioner_id uuid NOT NULL REFERENCES practitioners (id),
    rating smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    comment text CHECK (length(comment) <= 2000),
    published_comment text CHECK (length(published_comment) <= 2000),
    month text NOT NULL CHECK (month ~ '^[0-9]{4}-[0-9]{2}$'),
    status text NOT NULL CHECK (status IN ('PENDING', 'PUBLISHED', 'REJECTED')),
    created_at timestamptz NOT NULL,
    moderated_at timestamptz,
    CONSTRAINT reviews_consultation_fkey
        FOREIGN KEY (company_id, consultation_id) REFERENCES consultations (company_id, id)
);
CREATE INDEX reviews_of_practitioner ON reviews (practitioner_id, status, created_at DESC);

CREATE TABLE reminders (
    consultation_id uuid NOT NULL REFERENCES consultations (id),
    kind text NOT NULL CHECK (kind IN ('DAY_BEFORE', 'HOUR_BEFORE')),
    starts_at timestamptz NOT NULL,
    sent_at timestamptz NOT NULL,
    CONSTRAINT reminders_pkey PRIMARY KEY (consultation_id, kind, starts_at)
);

ALTER TABLE consultations ENABLE ROW LEVEL SECURITY;
ALTER TABLE consultations FORCE ROW LEVEL SECURITY;
ALTER TABLE consultation_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE consultation_events FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE reviews FORCE ROW LEVEL SECURITY;
ALTER TABLE reminders ENABLE ROW LEVEL SECURITY;
ALTER TABLE reminders FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON consultations TO huntzen_app;
GRANT SELECT, INSERT ON consultation_events, reminders TO huntzen_app;
-- Nobody reads which consultation or whose a review was.
GRANT SELECT (id, practitioner_id, rating, comment, published_comment, month, status, created_at), INSERT,
    UPDATE (status, published_comment, moderated_at) ON reviews TO huntzen_app;
GRANT SELECT ON consultations, consultation_events TO huntzen_internal;

CREATE POLICY consultations_employee ON consultations TO huntzen_app
    USING ((SELECT scope_role()) = 'EMPLOYEE' AND employee_user_id = (SELECT scope_user()))
    WITH CHECK ((SELECT scope_role()) = 'EMPLOYEE' AND employee_user_id = (SELECT scope_user())
        AND company_id = (SELECT scope_company()));
CREATE POLICY consultations_practitioner ON consultations FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()));
CREATE POLICY consultations_practitioner_change ON consultations FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()))
    WITH CHECK ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()));
CREATE POLICY consultations_jobs ON consultations FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) IN ('worker:reminders', 'worker:end-forgotten', 'worker:eligibility'));
CREATE POLICY consultations_jobs_change ON consultations FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) IN ('worker:end-forgotten', 'worker:eligibility'))
    WITH CHECK ((SELECT scope_role()) IN ('worker:end-forgotten', 'worker:eligibility'));
CREATE POLICY consultations_internal ON consultations FOR SELECT TO huntzen_internal USING (true);

CREATE POLICY consultation_events_employee ON consultation_events TO huntzen_app
    USING ((SELECT scope_role()) = 'EMPLOYEE' AND employee_user_id = (SELECT scope_user()))
    WITH CHECK ((SELECT scope_role()) = 'EMPLOYEE' AND employee_user_id = (SELECT scope_user()));
CREATE POLICY consultation_events_practitioner ON consultation_events TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()))
    WITH CHECK ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()));
CREATE POLICY consultation_events_jobs ON consultation_events FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) IN ('worker:end-forgotten', 'worker:eligibility'));
CREATE POLICY consultation_events_internal ON consultation_events FOR SELECT TO huntzen_internal USING (true);

CREATE POLICY reviews_published ON reviews FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) IS NOT NULL AND status = 'PUBLISHED');
CREATE POLICY reviews_administrators ON reviews FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY reviews_moderate ON reviews FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN') WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY reviews_give ON reviews FOR INSERT TO huntzen_app
    WITH CHECK ((SELECT scope_role()) = 'EMPLOYEE' AND employee_user_id = (SELECT scope_user())
        AND company_id = (SELECT scope_company()) AND status = 'PENDING');

CREATE POLICY reminders_job ON reminders TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:reminders') WITH CHECK ((SELECT scope_role()) = 'worker:reminders');

GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- Keeps practitioner_busy in step: a live consultation holds its time and its buffer, no other does.
CREATE FUNCTION consultations_hold_time() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.status NOT IN ('SCHEDULED', 'CONFIRMED', 'IN_PROGRESS') THEN
        DELETE FROM practitioner_busy WHERE consultation_id = NEW.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO practitioner_busy (consultation_id, practitioner_id, starts_at, busy_until)
        VALUES (NEW.id, NEW.practitioner_id, NEW.scheduled_at, NEW.ends_at + make_interval(mins => NEW.buffer_minutes));
    ELSE
        UPDATE practitioner_busy
        SET starts_at = NEW.scheduled_at, busy_until = NEW.ends_at + make_interval(mins => NEW.buffer_minutes)
        WHERE consultation_id = NEW.id
          AND (starts_at, busy_until) IS DISTINCT FROM
              (NEW.scheduled_at, NEW.ends_at + make_interval(mins => NEW.buffer_minutes));
    END IF;
    RETURN NULL;
END $$;

-- What an ended consultation lasted, and on which day it counts: fixed once, here.
CREATE FUNCTION consultations_measure() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.duration_seconds := greatest(0, floor(extract(epoch FROM
        least(NEW.ended_at, NEW.ends_at + interval '30 minutes') - NEW.started_at)))::integer;
    NEW.actual_duration := NEW.duration_seconds / 60;
    NEW.service_day := (NEW.scheduled_at AT TIME ZONE
        (SELECT timezone FROM companies WHERE id = NEW.company_id))::date;
    RETURN NEW;
END $$;

-- The names of the two participants, for either of them. In plpgsql, which keeps its plans: an SQL
-- function that is not inlined is planned anew by each query that calls it.
CREATE FUNCTION participant_names(consultation uuid)
    RETURNS TABLE (employee_first_name text, employee_last_name text,
                   practitioner_first_name text, practitioner_last_name text, practitioner_title text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN QUERY
        SELECT e.first_name, e.last_name, p.first_name, p.last_name, p.title
        FROM consultations c
        JOIN employees e ON e.id = c.employee_id
        JOIN practitioners p ON p.id = c.practitioner_id
        WHERE c.id = consultation AND scope_user() IN (c.employee_user_id, c.practitioner_user_id);
END $$;

-- What administrators and operators may know of a consultation: no employee, no reason.
CREATE FUNCTION redacted_consultation(consultation uuid)
    RETURNS TABLE (id uuid, company_id uuid, practitioner_id uuid, practitioner_user_id uuid, type text, status text,
                   scheduled_at timestamptz, ends_at timestamptz, buffer_minutes smallint, started_at timestamptz,
                   ended_at timestamptz, duration_seconds integer, actual_duration integer, billing_status text,
                   cancelled_at timestamptz, cancelled_by uuid, no_show_at timestamptz, no_show_by uuid,
                   created_at timestamptz, updated_at timestamptz,
                   practitioner_first_name text, practitioner_last_name text, practitioner_title text)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, public
BEGIN ATOMIC
    SELECT c.id, c.company_id, c.practitioner_id, c.practitioner_user_id, c.type, c.status, c.scheduled_at, c.ends_at,
           c.buffer_minutes, c.started_at, c.ended_at, c.duration_seconds, c.actual_duration, c.billing_status,
           c.cancelled_at, CASE WHEN c.cancelled_by = c.practitioner_user_id THEN c.cancelled_by END,
           c.no_show_at, CASE WHEN c.no_show_by = c.practitioner_user_id THEN c.no_show_by END,
           c.created_at, c.updated_at, p.first_name, p.last_name, p.title
    FROM consultations c JOIN practitioners p ON p.id = c.practitioner_id
    WHERE c.id = consultation AND scope_role() IN ('ADMIN_HUNTZEN', 'SUPER_ADMIN');
END;

CREATE FUNCTION redacted_consultation_events(consultation uuid)
    RETURNS TABLE (id uuid, type text, at timestamptz, actor_user_id uuid, previous_start timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
BEGIN ATOMIC
    SELECT v.id, v.type, v.at, CASE WHEN v.actor_user_id = v.practitioner_user_id THEN v.actor_user_id END,
           v.previous_start
    FROM consultation_events v
    WHERE v.consultation_id = consultation AND scope_role() IN ('ADMIN_HUNTZEN', 'SUPER_ADMIN')
    ORDER BY v.at, v.id;
END;

-- Tells one participant: a line in the inbox and a letter, each optional.
CREATE FUNCTION tell_participant(consultation uuid, recipient uuid, recipient_zone text, kind text, letter text,
                                 starts_at timestamptz, at timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    about CONSTANT jsonb := jsonb_build_object('consultationId', consultation, 'scheduledAt',
        to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
BEGIN
    IF kind IS NOT NULL THEN
        INSERT INTO notifications (id, user_id, type, data, created_at)
        VALUES (uuid_v7(at), recipient, kind, about, at);
    END IF;
    IF letter IS NOT NULL THEN
        INSERT INTO outbox (id, recipient_user_id, letter, arguments, created_at, next_attempt_at)
        VALUES (uuid_v7(at), recipient, tell_participant.letter,
                about || jsonb_build_object('timezone', recipient_zone), at, at);
    END IF;
END $$;

-- An event tells those whom it concerns. Nobody else could: neither participant may write to the
-- other's inbox.
CREATE FUNCTION consultation_events_tell() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    kind text;
    letter text;
    to_practitioner boolean := true;
    about record;
BEGIN
    SELECT c.scheduled_at, m.timezone AS company_zone, p.timezone AS practitioner_zone INTO about
    FROM consultations c JOIN companies m ON m.id = c.company_id JOIN practitioners p ON p.id = c.practitioner_id
    WHERE c.id = NEW.consultation_id AND c.employee_user_id = NEW.employee_user_id
      AND c.practitioner_user_id = NEW.practitioner_user_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an event names other participants than its consultation'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'consultation_events_participants';
    END IF;
    CASE NEW.type
        WHEN 'SCHEDULED' THEN kind := 'CONSULTATION_SCHEDULED'; letter := kind;
        WHEN 'CONFIRMED' THEN kind := 'CONSULTATION_CONFIRMED'; letter := kind;
        WHEN 'CANCELLED' THEN kind := 'CONSULTATION_CANCELLED'; letter := kind;
        WHEN 'RESCHEDULED' THEN kind := 'CONSULTATION_RESCHEDULED'; letter := kind;
        WHEN 'ENDED' THEN kind := 'CONSULTATION_COMPLETED'; letter := 'CONSULTATION_FOLLOW_UP'; to_practitioner := false;
        ELSE RETURN NULL;
    END CASE;
    PERFORM tell_participant(NEW.consultation_id, NEW.employee_user_id, about.company_zone, kind, letter,
                             about.scheduled_at, NEW.at);
    IF to_practitioner THEN
        PERFORM tell_participant(NEW.consultation_id, NEW.practitioner_user_id, about.practitioner_zone, kind, letter,
                                 about.scheduled_at, NEW.at);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION reminders_tell() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    about record;
BEGIN
    SELECT c.employee_user_id, c.practitioner_user_id, m.timezone AS company_zone, p.timezone AS practitioner_zone
    INTO about
    FROM consultations c JOIN companies m ON m.id = c.company_id JOIN practitioners p ON p.id = c.practitioner_id
    WHERE c.id = NEW.consultation_id;
    PERFORM tell_participant(NEW.consultation_id, about.employee_user_id, about.company_zone,
                             'CONSULTATION_REMINDER', 'CONSULTATION_REMINDER', NEW.starts_at, NEW.sent_at);
    PERFORM tell_participant(NEW.consultation_id, about.practitioner_user_id, about.practitioner_zone,
                             'CONSULTATION_REMINDER', 'CONSULTATION_REMINDER', NEW.starts_at, NEW.sent_at);
    RETURN NULL;
END $$;

-- A review is of the employee's own consultation and of its practitioner.
CREATE FUNCTION reviews_match() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM consultations c
    WHERE c.id = NEW.consultation_id AND c.employee_user_id = NEW.employee_user_id
      AND c.practitioner_id = NEW.practitioner_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a review names other participants than its consultation'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'reviews_participants';
    END IF;
    RETURN NEW;
END $$;

-- A published review counts in its practitioner's rating.
CREATE FUNCTION reviews_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    step integer := (NEW.status = 'PUBLISHED')::integer - (OLD.status = 'PUBLISHED')::integer;
BEGIN
    UPDATE practitioners SET rating_sum = rating_sum + step * NEW.rating, review_count = review_count + step
    WHERE id = NEW.practitioner_id;
    RETURN NULL;
END $$;

ALTER FUNCTION consultations_hold_time() OWNER TO huntzen_internal;
ALTER FUNCTION consultations_measure() OWNER TO huntzen_internal;
ALTER FUNCTION participant_names(uuid) OWNER TO huntzen_internal;
ALTER FUNCTION redacted_consultation(uuid) OWNER TO huntzen_internal;
ALTER FUNCTION redacted_consultation_events(uuid) OWNER TO huntzen_internal;
ALTER FUNCTION tell_participant(uuid, uuid, text, text, text, timestamptz, timestamptz) OWNER TO huntzen_internal;
ALTER FUNCTION consultation_events_tell() OWNER TO huntzen_internal;
ALTER FUNCTION reminders_tell() OWNER TO huntzen_internal;
ALTER FUNCTION reviews_match() OWNER TO huntzen_internal;
ALTER FUNCTION reviews_count() OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION consultations_hold_time(), consultations_measure(), participant_names(uuid),
    redacted_consultation(uuid), redacted_consultation_events(uuid),
    tell_participant(uuid, uuid, text, text, text, timestamptz, timestamptz),
    consultation_events_tell(), reminders_tell(), reviews_match(), reviews_count() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION participant_names(uuid), redacted_consultation(uuid), redacted_consultation_events(uuid)
    TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER consultations_hold_new AFTER INSERT ON consultations FOR EACH ROW
    EXECUTE FUNCTION consultations_hold_time();
CREATE TRIGGER consultations_hold_changed AFTER UPDATE ON consultations FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.scheduled_at IS DISTINCT FROM NEW.scheduled_at
          OR OLD.ends_at IS DISTINCT FROM NEW.ends_at OR OLD.buffer_minutes IS DISTINCT FROM NEW.buffer_minutes)
    EXECUTE FUNCTION consultations_hold_time();
CREATE TRIGGER consultations_measured BEFORE UPDATE ON consultations FOR EACH ROW
    WHEN (NEW.status = 'COMPLETED' AND OLD.status <> 'COMPLETED')
    EXECUTE FUNCTION consultations_measure();
CREATE TRIGGER consultation_events_told AFTER INSERT ON consultation_events FOR EACH ROW
    EXECUTE FUNCTION consultation_events_tell();
CREATE TRIGGER reminders_told AFTER INSERT ON reminders FOR EACH ROW
    EXECUTE FUNCTION reminders_tell();
CREATE TRIGGER reviews_matched BEFORE INSERT ON reviews FOR EACH ROW
    EXECUTE FUNCTION reviews_match();
CREATE TRIGGER reviews_counted AFTER UPDATE ON reviews FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION reviews_count();
