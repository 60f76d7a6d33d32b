DROP TRIGGER practitioners_standing_of_files ON practitioners;
DROP TRIGGER data_keys_readers_of_files ON keys.data_keys;
DROP FUNCTION file_key(uuid);
-- The objects stay in the storage, sealed for good once their keys are gone.
DROP TABLE files;
DROP TABLE file_uploads;
DROP TABLE file_removals;
DROP FUNCTION data_keys_take_file_owner(), files_take_facts(), files_follow_standing(), files_show_avatar(),
    files_leave(), file_uploads_leave();
ALTER TABLE users DROP COLUMN avatar_id;
ALTER TABLE practitioners DROP COLUMN avatar_id;
DROP POLICY data_keys_files ON keys.data_keys;
REVOKE SELECT ON keys.data_keys FROM huntzen_internal;
ALTER TABLE keys.data_keys NO FORCE ROW LEVEL SECURITY;
DELETE FROM keys.data_keys WHERE kind = 'FILES';
ALTER TABLE keys.data_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE keys.data_keys DROP CONSTRAINT data_keys_kind_check;
ALTER TABLE keys.data_keys ADD CONSTRAINT data_keys_kind_check
    CHECK (kind IN ('PERSON', 'CONSULTATION', 'NOTES', 'PLATFORM'));
