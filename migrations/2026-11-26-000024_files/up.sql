-- Uploaded files. Their bytes are objects in a storage of their own; an object is in exactly one of
-- three tables: of uploads that go on, of files, of objects to remove. The triggers below move it.
CREATE TABLE file_uploads (
    object uuid CONSTRAINT file_uploads_pkey PRIMARY KEY,
    owner_user_id uuid NOT NULL REFERENCES users (id),
    begun_at timestamptz NOT NULL
);
CREATE INDEX file_uploads_owner ON file_uploads (owner_user_id, begun_at);
CREATE INDEX file_uploads_begun ON file_uploads (begun_at);

-- `employee_user_id` and `practitioner_user_id` are those of the consultation that an attachment is
-- for, `is_public` says whether everybody sees a picture: the store writes all three.
CREATE TABLE files (
    id uuid CONSTRAINT files_pkey PRIMARY KEY,
    owner_user_id uuid NOT NULL REFERENCES users (id),
    kind text NOT NULL CHECK (kind IN ('AVATAR', 'DOCUMENT', 'CERTIFICATE', 'ATTACHMENT')),
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 255),
    media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'application/pdf')),
    size bigint NOT NULL CHECK (size > 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    related_resource text CHECK (related_resource IN ('CONSULTATION', 'USER')),
    related_id uuid,
    object uuid NOT NULL CONSTRAINT files_object_key UNIQUE,
    employee_user_id uuid,
    practitioner_user_id uuid,
    is_public boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    CONSTRAINT files_related CHECK ((related_resource IS NULL) = (related_id IS NULL)),
    CONSTRAINT files_attachment CHECK (kind <> 'ATTACHMENT'
        OR (related_resource = 'CONSULTATION' AND employee_user_id IS NOT NULL AND practitioner_user_id IS NOT NULL)),
    CONSTRAINT files_participants CHECK (kind = 'ATTACHMENT' OR (employee_user_id IS NULL AND practitioner_user_id IS NULL)),
    CONSTRAINT files_avatar CHECK (kind <> 'AVATAR' OR media_type <> 'application/pdf'),
    CONSTRAINT files_public CHECK (NOT is_public OR kind = 'AVATAR')
);
CREATE INDEX files_owner ON files (owner_user_id);
CREATE UNIQUE INDEX files_avatar_key ON files (owner_user_id) WHERE kind = 'AVATAR';
CREATE INDEX files_consultation ON files (related_id) WHERE kind = 'ATTACHMENT';

-- Objects that nothing refers to; a removal that failed is put off.
CREATE TABLE file_removals (
    object uuid CONSTRAINT file_removals_pkey PRIMARY KEY,
    queued_at timestamptz NOT NULL DEFAULT now(),
    put_off_until timestamptz
);
CREATE INDEX file_removals_due ON file_removals (put_off_until NULLS FIRST, object);

-- Whose picture is which, so that nobody has to look for it.
ALTER TABLE users ADD COLUMN avatar_id uuid;
ALTER TABLE practitioners ADD COLUMN avatar_id uuid;

ALTER TABLE file_uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE file_uploads FORCE ROW LEVEL SECURITY;
ALTER TABLE files ENABLE ROW LEVEL SECURITY;
ALTER TABLE files FORCE ROW LEVEL SECURITY;
ALTER TABLE file_removals ENABLE ROW LEVEL SECURITY;
ALTER TABLE file_removals FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, DELETE ON file_uploads TO huntzen_app;
-- Nobody changes a file.
GRANT SELECT, INSERT, DELETE ON files TO huntzen_app;
GRANT SELECT, DELETE, UPDATE (put_off_until) ON file_removals TO huntzen_app;
GRANT SELECT, UPDATE (is_public) ON files TO huntzen_internal;
GRANT INSERT ON file_removals TO huntzen_internal;
GRANT UPDATE (avatar_id) ON users, practitioners TO huntzen_internal;
GRANT SELECT ON keys.data_keys TO huntzen_internal;

CREATE POLICY file_uploads_own ON file_uploads TO huntzen_app
    USING (owner_user_id = (SELECT scope_user())) WITH CHECK (owner_user_id = (SELECT scope_user()));
CREATE POLICY file_uploads_stale ON file_uploads FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:files');
CREATE POLICY file_uploads_given_up ON file_uploads FOR DELETE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:files');

CREATE POLICY files_own ON files FOR SELECT TO huntzen_app USING (owner_user_id = (SELECT scope_user()));
CREATE POLICY files_add ON files FOR INSERT TO huntzen_app
    WITH CHECK (owner_user_id = (SELECT scope_user())
        AND (kind <> 'CERTIFICATE' OR (SELECT scope_role()) = 'PRACTITIONER')
        AND (kind <> 'ATTACHMENT'
            OR ((SELECT scope_role()) = 'EMPLOYEE' AND employee_user_id = (SELECT scope_user()))
            OR ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()))));
CREATE POLICY files_remove ON files FOR DELETE TO huntzen_app USING (owner_user_id = (SELECT scope_user()));
CREATE POLICY files_avatars ON files FOR SELECT TO huntzen_app
    USING (kind = 'AVATAR' AND (SELECT scope_user()) IS NOT NULL);
CREATE POLICY files_public ON files FOR SELECT TO huntzen_app
    USING (is_public AND (SELECT scope_role()) IS NOT NULL);
CREATE POLICY files_certificates ON files FOR SELECT TO huntzen_app
    USING (kind = 'CERTIFICATE' AND (SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY files_employee ON files FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'EMPLOYEE' AND employee_user_id = (SELECT scope_user()));
CREATE POLICY files_practitioner ON files FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'PRACTITIONER' AND practitioner_user_id = (SELECT scope_user()));
CREATE POLICY files_internal_read ON files FOR SELECT TO huntzen_internal USING (true);
CREATE POLICY files_internal_standing ON files FOR UPDATE TO huntzen_internal USING (true) WITH CHECK (true);

CREATE POLICY file_removals_due ON file_removals FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:files');
CREATE POLICY file_removals_put_off ON file_removals FOR UPDATE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:files') WITH CHECK ((SELECT scope_role()) = 'worker:files');
CREATE POLICY file_removals_done ON file_removals FOR DELETE TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:files');
CREATE POLICY file_removals_internal ON file_removals FOR INSERT TO huntzen_internal WITH CHECK (true);

ALTER TABLE keys.data_keys DROP CONSTRAINT data_keys_kind_check;
ALTER TABLE keys.data_keys ADD CONSTRAINT data_keys_kind_check
    CHECK (kind IN ('PERSON', 'CONSULTATION', 'NOTES', 'FILES', 'PLATFORM'));
CREATE POLICY data_keys_files ON keys.data_keys FOR SELECT TO huntzen_internal USING (kind = 'FILES');

GRANT CREATE ON SCHEMA public TO huntzen_internal;

-- The key of somebody's files is theirs, as that of their private data is.
CREATE FUNCTION data_keys_take_file_owner() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.reader_user_id := NEW.subject_id;
    NEW.other_reader_user_id := NULL;
    RETURN NEW;
END $$;

-- The key of a file, handed to whoever may read the file; the table shows it to the owner alone.
CREATE FUNCTION file_key(file uuid)
    RETURNS TABLE (id uuid, subject_id uuid, master_key_id bigint, wrapped bytea)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT k.id, k.subject_id, k.master_key_id, k.wrapped
        FROM files f JOIN keys.data_keys k ON k.kind = 'FILES' AND k.subject_id = f.owner_user_id
        WHERE f.id = file AND f.kind <> 'AVATAR'
          AND (f.owner_user_id = scope_user()
            OR (f.kind = 'CERTIFICATE' AND scope_role() = 'ADMIN_HUNTZEN')
            OR (scope_role() = 'EMPLOYEE' AND f.employee_user_id = scope_user())
            OR (scope_role() = 'PRACTITIONER' AND f.practitioner_user_id = scope_user()));
END $$;

-- Says who meets in the consultation of an attachment, and whether a picture is public, whatever the
-- program says.
CREATE FUNCTION files_take_facts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.employee_user_id := NULL;
    NEW.practitioner_user_id := NULL;
    NEW.is_public := false;
    IF NEW.kind = 'ATTACHMENT' THEN
        SELECT c.employee_user_id, c.practitioner_user_id INTO NEW.employee_user_id, NEW.practitioner_user_id
        FROM consultations c WHERE c.id = NEW.related_id;
    ELSIF NEW.kind = 'AVATAR' THEN
        NEW.is_public := EXISTS (SELECT FROM practitioners p
            WHERE p.user_id = NEW.owner_user_id AND p.is_validated AND p.suspended_at IS NULL);
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION files_follow_standing() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE files SET is_public = NEW.is_validated AND NEW.suspended_at IS NULL
    WHERE owner_user_id = NEW.user_id AND kind = 'AVATAR';
    RETURN NULL;
END $$;

CREATE FUNCTION files_show_avatar() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE users SET avatar_id = NEW.id WHERE id = NEW.owner_user_id;
    UPDATE practitioners SET avatar_id = NEW.id WHERE user_id = NEW.owner_user_id;
    RETURN NULL;
END $$;

-- Whoever deletes a file, its object goes as well, and nobody shows it any more.
CREATE FUNCTION files_leave() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO file_removals (object) VALUES (OLD.object);
    IF OLD.kind = 'AVATAR' THEN
        UPDATE users SET avatar_id = NULL WHERE id = OLD.owner_user_id AND avatar_id = OLD.id;
        UPDATE practitioners SET avatar_id = NULL WHERE user_id = OLD.owner_user_id AND avatar_id = OLD.id;
    END IF;
    RETURN NULL;
END $$;

-- An upload that ends without a file leaves its object behind.
CREATE FUNCTION file_uploads_leave() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO file_removals (object)
    SELECT OLD.object WHERE NOT EXISTS (SELECT FROM files f WHERE f.object = OLD.object);
    RETURN NULL;
END $$;

ALTER FUNCTION data_keys_take_file_owner() OWNER TO huntzen_internal;
ALTER FUNCTION file_key(uuid) OWNER TO huntzen_internal;
ALTER FUNCTION files_take_facts() OWNER TO huntzen_internal;
ALTER FUNCTION files_follow_standing() OWNER TO huntzen_internal;
ALTER FUNCTION files_show_avatar() OWNER TO huntzen_internal;
ALTER FUNCTION files_leave() OWNER TO huntzen_internal;
ALTER FUNCTION file_uploads_leave() OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION data_keys_take_file_owner(), file_key(uuid), files_take_facts(), files_follow_standing(),
    files_show_avatar(), files_leave(), file_uploads_leave() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION file_key(uuid) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

-- Fires after data_keys_readers, which knows no files: triggers of one kind fire by name.
CREATE TRIGGER data_keys_readers_of_files BEFORE INSERT ON keys.data_keys FOR EACH ROW
    WHEN (NEW.kind = 'FILES') EXECUTE FUNCTION data_keys_take_file_owner();
CREATE TRIGGER files_facts BEFORE INSERT ON files FOR EACH ROW EXECUTE FUNCTION files_take_facts();
CREATE TRIGGER files_avatar_shown AFTER INSERT ON files FOR EACH ROW
    WHEN (NEW.kind = 'AVATAR') EXECUTE FUNCTION files_show_avatar();
CREATE TRIGGER files_left AFTER DELETE ON files FOR EACH ROW EXECUTE FUNCTION files_leave();
CREATE TRIGGER file_uploads_left AFTER DELETE ON file_uploads FOR EACH ROW EXECUTE FUNCTION file_uploads_leave();
CREATE TRIGGER practitioners_standing_of_files AFTER UPDATE ON practitioners FOR EACH ROW
    WHEN (OLD.is_validated IS DISTINCT FROM NEW.is_validated OR OLD.suspended_at IS DISTINCT FROM NEW.suspended_at)
    EXECUTE FUNCTION files_follow_standing();
