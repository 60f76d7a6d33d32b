-- Practitioners, when they work, and when they are busy.
CREATE TABLE practitioners (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT practitioners_user_id_key UNIQUE REFERENCES users (id),
    first_name text NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name text NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
    title text CHECK (length(title) BETWEEN 1 AND 120),
    profession text NOT NULL
        CHECK (profession IN ('PSYCHOLOGIST', 'PSYCHOTHERAPIST', 'PSYCHIATRIST', 'PHYSICIAN', 'COACH')),
    registration_number text CHECK (length(registration_number) BETWEEN 1 AND 40),
    specialties text[] NOT NULL CHECK (cardinality(specialties) <= 20),
    languages text[] NOT NULL CHECK (cardinality(languages) <= 10),
    bio text CHECK (length(bio) <= 4000),
    years_of_experience integer CHECK (years_of_experience BETWEEN 0 AND 80),
    offers_video boolean NOT NULL,
    offers_audio boolean NOT NULL,
    offers_phone boolean NOT NULL,
    offers_chat boolean NOT NULL,
    accepting_new_clients boolean NOT NULL,
    timezone text NOT NULL CHECK (length(timezone) BETWEEN 1 AND 64),
    is_validated boolean NOT NULL,
    validated_at timestamptz,
    suspended_at timestamptz,
    documents_verified boolean NOT NULL,
    rating_sum integer NOT NULL DEFAULT 0,
    review_count integer NOT NULL DEFAULT 0,
    search_text text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT practitioners_account_key UNIQUE (id, user_id)
);

-- Whether one of the languages (BCP 47) is the wanted one or a region of it, in any case.
CREATE FUNCTION speaks(languages text[], wanted text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN strpos(',' || lower(array_to_string(languages, ',')) || ',', ',' || lower(wanted) || ',') > 0
        OR strpos(',' || lower(array_to_string(languages, ',')), ',' || lower(wanted) || '-') > 0;

-- A weekly wall-clock rule. `is_public` follows the practitioner's validation by trigger, since a
-- policy may read no other protected table. Minutes count from midnight; types is a set of bits:
-- 1 VIDEO, 2 AUDIO, 4 PHONE, 8 CHAT.
CREATE TABLE availabilities (
    id uuid PRIMARY KEY,
    practitioner_id uuid NOT NULL REFERENCES practitioners (id),
    practitioner_user_id uuid NOT NULL REFERENCES users (id),
    is_public boolean NOT NULL DEFAULT false,
    day_of_week smallint NOT NULL CHECK (day_of_week BETWEEN 1 AND 7),
    start_minute smallint NOT NULL CHECK (start_minute BETWEEN 0 AND 1439),
    end_minute smallint NOT NULL CHECK (end_minute BETWEEN 1 AND 1439),
    slot_minutes smallint NOT NULL CHECK (slot_minutes BETWEEN 5 AND 480),
    buffer_minutes smallint NOT NULL CHECK (buffer_minutes BETWEEN 0 AND 240),
    types smallint NOT NULL CHECK (types BETWEEN 1 AND 15),
    valid_from date,
    valid_until date,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT availabilities_times CHECK (start_minute < end_minute),
    CONSTRAINT availabilities_validity CHECK (valid_from <= valid_until)
);
CREATE INDEX availabilities_practitioner ON availabilities (practitioner_id);
CREATE INDEX availabilities_owner ON availabilities (practitioner_user_id);

CREATE TABLE availability_exceptions (
    id uuid PRIMARY KEY,
    practitioner_id uuid NOT NULL REFERENCES practitioners (id),
    practitioner_user_id uuid NOT NULL REFERENCES users (id),
    is_public boolean NOT NULL DEFAULT false,
    kind text NOT NULL CHECK (kind IN ('LEAVE', 'EXTRA')),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    slot_minutes smallint CHECK (slot_minutes BETWEEN 5 AND 480),
    buffer_minutes smallint CHECK (buffer_minutes BETWEEN 0 AND 240),
    types smallint CHECK (types BETWEEN 1 AND 15),
    label text CHECK (length(label) <= 120),
    created_at timestamptz NOT NULL,
    CONSTRAINT availability_exceptions_times CHECK (starts_at < ends_at)
);
CREATE INDEX availability_exceptions_practitioner ON availability_exceptions (practitioner_id, ends_at);
CREATE INDEX availability_exceptions_owner ON availability_exceptions (practitioner_user_id, starts_at);

-- When a practitioner is taken, buffer included. It names no person and no company, and every
-- scope may read its times: the slots of all companies come from it. The plain columns are for
-- reading (range operators are not leakproof and would not reach an index under row security).
CREATE TABLE practitioner_busy (
    consultation_id uuid PRIMARY KEY,
    practitioner_id uuid NOT NULL REFERENCES practitioners (id),
    starts_at timestamptz NOT NULL,
    busy_until timestamptz NOT NULL,
    during tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(starts_at, busy_until)) STORED,
    CONSTRAINT practitioner_busy_no_overlap EXCLUDE USING gist (practitioner_id WITH =, during WITH &&)
);
CREATE INDEX practitioner_busy_reading ON practitioner_busy (practitioner_id, busy_until) INCLUDE (starts_at);

ALTER TABLE practitioners ENABLE ROW LEVEL SECURITY;
ALTER TABLE practitioners FORCE ROW LEVEL SECURITY;
ALTER TABLE availabilities ENABLE ROW LEVEL SECURITY;
ALTER TABLE availabilities FORCE ROW LEVEL SECURITY;
ALTER TABLE availability_exceptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE availability_exceptions FORCE ROW LEVEL SECURITY;
ALTER TABLE practitioner_busy ENABLE ROW LEVEL SECURITY;
ALTER TABLE practitioner_busy FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON practitioners TO huntzen_app;
-- Whose a rule is and whether it is public are not its owner's to change.
GRANT SELECT, INSERT, DELETE, UPDATE (day_of_week, start_minute, end_minute, slot_minutes, buffer_minutes, types,
    valid_from, valid_until, updated_at) ON availabilities TO huntzen_app;
GRANT SELECT (id, practitioner_id, practitioner_user_id, is_public, kind, starts_at, ends_at, slot_minutes,
    buffer_minutes, types, created_at), INSERT, DELETE ON availability_exceptions TO huntzen_app;
GRANT SELECT (practitioner_id, starts_at, busy_until) ON practitioner_busy TO huntzen_app;
GRANT SELECT ON practitioners, availabilities, availability_exceptions TO huntzen_internal;
GRANT UPDATE (rating_sum, review_count) ON practitioners TO huntzen_internal;
GRANT UPDATE (is_public) ON availabilities, availability_exceptions TO huntzen_internal;
GRANT SELECT, INSERT, UPDATE, DELETE ON practitioner_busy TO huntzen_internal;

CREATE POLICY practitioners_public ON practitioners FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) IS NOT NULL AND is_validated AND suspended_at IS NULL);
-- Booking tells an unknown practitioner from one who takes no bookings.
CREATE POLICY practitioners_employees ON practitioners FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'EMPLOYEE');
CREATE POLICY practitioners_own ON practitioners TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND user_id = (SELECT scope_user()))
    WITH CHECK ((SELECT scope_role()) = 'PRACTITIONER' AND user_id = (SELECT scope_user()));
CREATE POLICY practitioners_administrators ON practitioners TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN') WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY practitioners_internal_read ON practitioners FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY practitioners_internal_rating ON practitioners FOR UPDATE TO huntzen_internal
    USING (true) WITH CHECK (true);

CREATE POLICY availabilities_public ON availabilities FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) IS NOT NULL AND is_public);
CREATE POLICY availabilities_own ON availabilities TO huntzen_app
    USING (practitioner_user_id = (SELECT scope_user())) WITH CHECK (practitioner_user_id = (SELECT scope_user()));
CREATE POLICY availabilities_internal_read ON availabilities FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY availabilities_internal ON availabilities FOR UPDATE TO huntzen_internal USING (true) WITH CHECK (true);

CREATE POLICY availability_exceptions_public ON availability_exceptions FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) IS NOT NULL AND is_public);
CREATE POLICY availability_exceptions_own ON availability_exceptions TO huntzen_app
    USING (practitioner_user_id = (SELECT scope_user())) WITH CHECK (practitioner_user_id = (SELECT scope_user()));
CREATE POLICY availability_exceptions_internal_read ON availability_exceptions FOR SELECT TO huntzen_internal
    USING (true);
CREATE POLICY availability_exceptions_internal ON availability_exceptions FOR UPDATE TO huntzen_internal
    USING (true) WITH CHECK (true);

CREATE POLICY practitioner_busy_times ON practitioner_busy FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) IS NOT NULL);
CREATE POLICY practitioner_busy_internal ON practitioner_busy TO huntzen_internal USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- The caller's own exceptions with their labels, which no column grant lets a scope read.
CREATE FUNCTION own_availability_exceptions() RETURNS SETOF availability_exceptions
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
BEGIN ATOMIC
    SELECT * FROM availability_exceptions e WHERE e.practitioner_user_id = scope_user();
END;

-- A new rule or exception starts with its practitioner's standing …
CREATE FUNCTION availability_takes_standing() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    SELECT p.is_validated AND p.suspended_at IS NULL INTO NEW.is_public
    FROM practitioners p WHERE p.id = NEW.practitioner_id AND p.user_id = NEW.practitioner_user_id;
    RETURN NEW;
END $$;

-- … and follows it.
CREATE FUNCTION practitioners_spread_standing() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    standing boolean := NEW.is_validated AND NEW.suspended_at IS NULL;
BEGIN
    UPDATE availabilities SET is_public = standing WHERE practitioner_id = NEW.id AND is_public <> standing;
    UPDATE availability_exceptions SET is_public = standing WHERE practitioner_id = NEW.id AND is_public <> standing;
    RETURN NULL;
END $$;

-- A practitioner's entry carries the names; the account follows.
CREATE FUNCTION practitioners_follow_names() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE users SET first_name = NEW.first_name, last_name = NEW.last_name, updated_at = NEW.updated_at
    WHERE id = NEW.user_id;
    RETURN NULL;
END $$;

ALTER FUNCTION own_availability_exceptions() OWNER TO huntzen_internal;
ALTER FUNCTION availability_takes_standing() OWNER TO huntzen_internal;
ALTER FUNCTION practitioners_spread_standing() OWNER TO huntzen_internal;
ALTER FUNCTION practitioners_follow_names() OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION own_availability_exceptions(), availability_takes_standing(),
    practitioners_spread_standing(), practitioners_follow_names() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION own_availability_exceptions() TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER availabilities_standing BEFORE INSERT ON availabilities FOR EACH ROW
    EXECUTE FUNCTION availability_takes_standing();
CREATE TRIGGER availability_exceptions_standing BEFORE INSERT ON availability_exceptions FOR EACH ROW
    EXECUTE FUNCTION availability_takes_standing();
CREATE TRIGGER practitioners_standing AFTER UPDATE ON practitioners FOR EACH ROW
    WHEN (OLD.is_validated IS DISTINCT FROM NEW.is_validated OR OLD.suspended_at IS DISTINCT FROM NEW.suspended_at)
    EXECUTE FUNCTION practitioners_spread_standing();
CREATE TRIGGER practitioners_names AFTER UPDATE ON practitioners FOR EACH ROW
    WHEN (OLD.first_name IS DISTINCT FROM NEW.first_name OR OLD.last_name IS DISTINCT FROM NEW.last_name)
    EXECUTE FUNCTION practitioners_follow_names();
