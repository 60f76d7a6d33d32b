-- Clinical notes with every version of them, and journals. All that they say is sealed.
CREATE TABLE clinical_notes (
    id uuid PRIMARY KEY,
    consultation_id uuid NOT NULL,
    company_id uuid NOT NULL,
    employee_user_id uuid NOT NULL,
    practitioner_user_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('RECORD', 'PERSONAL')),
    version integer NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT clinical_notes_consultation_fkey
        FOREIGN KEY (company_id, consultation_id) REFERENCES consultations (company_id, id),
    CONSTRAINT clinical_notes_author_key UNIQUE (id, practitioner_user_id)
);
CREATE INDEX clinical_notes_of_consultation ON clinical_notes (consultation_id, created_at, id);

-- 64 KiB of text and 57 bytes of envelope. No version ever changes; they go with their note alone.
CREATE TABLE clinical_note_versions (
    note_id uuid NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    practitioner_user_id uuid NOT NULL,
    content bytea NOT NULL CHECK (length(content) BETWEEN 58 AND 65593),
    is_amendment boolean NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT clinical_note_versions_pkey PRIMARY KEY (note_id, version),
    CONSTRAINT clinical_note_versions_note_fkey FOREIGN KEY (note_id, practitioner_user_id)
        REFERENCES clinical_notes (id, practitioner_user_id) ON DELETE CASCADE
);

-- The mood is two sealed digits and the tags a sealed list, also when there are none: what is stored
-- does not tell which entries have any.
CREATE TABLE journal_entries (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    company_id uuid NOT NULL REFERENCES companies (id),
    version integer NOT NULL CHECK (version >= 1),
    content bytea NOT NULL CHECK (length(content) BETWEEN 58 AND 65593),
    mood bytea NOT NULL CHECK (length(mood) = 59),
    tags bytea NOT NULL CHECK (length(tags) BETWEEN 59 AND 8249),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX journal_entries_order ON journal_entries (user_id, created_at DESC, id DESC);

ALTER TABLE clinical_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE clinical_notes FORCE ROW LEVEL SECURITY;
ALTER TABLE clinical_note_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE clinical_note_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE journal_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE journal_entries FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, DELETE, UPDATE (kind, version, updated_at) ON clinical_notes TO huntzen_app;
GRANT SELECT, INSERT ON clinical_note_versions TO huntzen_app;
GRANT SELECT, INSERT, DELETE, UPDATE (version, content, mood, tags, updated_at) ON journal_entries TO huntzen_app;

CREATE POLICY clinical_notes_author ON clinical_notes TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()))
    WITH CHECK ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()));
CREATE POLICY clinical_note_versions_author ON clinical_note_versions TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()))
    WITH CHECK ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()));
CREATE POLICY journal_entries_owner ON journal_entries TO huntzen_app
    USING ((SELECT scope_role()) = 'EMPLOYEE' AND user_id = (SELECT scope_user()))
    WITH CHECK ((SELECT scope_role()) = 'EMPLOYEE' AND user_id = (SELECT scope_user())
                AND company_id = (SELECT scope_company()));

GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- The copied accounts, which policies read, are those of the consultation.
CREATE FUNCTION clinical_notes_match() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM consultations c WHERE c.id = NEW.consultation_id
                   AND c.employee_user_id = NEW.employee_user_id
                   AND c.practitioner_user_id = NEW.practitioner_user_id) THEN
        RAISE EXCEPTION 'a note names other participants than its consultation'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'clinical_notes_participants';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION clinical_notes_match() OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION clinical_notes_match() FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER clinical_notes_matched BEFORE INSERT ON clinical_notes FOR EACH ROW
    EXECUTE FUNCTION clinical_notes_match();
