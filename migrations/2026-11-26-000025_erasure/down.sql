-- Keys of single letters and comments are unknown to what goes on from here: what lies under them goes with
-- them. Letters that wait are written again by whoever asks for them; the rest was sent.
ALTER TABLE keys.data_keys NO FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews NO FORCE ROW LEVEL SECURITY;
DELETE FROM outbox o USING keys.data_keys k WHERE k.kind = 'LETTER' AND k.subject_id = o.id;
UPDATE reviews r SET comment = NULL FROM keys.data_keys k WHERE k.kind = 'REVIEW' AND k.subject_id = r.id;
DELETE FROM keys.data_keys WHERE kind IN ('LETTER', 'REVIEW');
ALTER TABLE keys.data_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews FORCE ROW LEVEL SECURITY;

DROP TRIGGER data_keys_not_of_erased ON keys.data_keys;
DROP TRIGGER preferences_not_of_erased ON preferences;
DROP TRIGGER journal_entries_not_of_erased ON journal_entries;
DROP TRIGGER files_not_of_erased ON files;
DROP TRIGGER file_uploads_not_of_erased ON file_uploads;
DROP TRIGGER availabilities_not_of_erased ON availabilities;
DROP TRIGGER availability_exceptions_not_of_erased ON availability_exceptions;
DROP FUNCTION refuse_erased();
DROP FUNCTION own_reviews(timestamptz, uuid, bigint);
DROP FUNCTION own_records(text, timestamptz, uuid, bigint);
DROP FUNCTION told(timestamptz);
DROP FUNCTION discard_notes(timestamptz, timestamptz, bigint);
DROP FUNCTION discard_conversations(timestamptz, bigint);
DROP FUNCTION discard_expired(text, timestamptz, bigint);
DROP FUNCTION erase_person(uuid, timestamptz, uuid, date);
DROP FUNCTION erase_identity(uuid, timestamptz);
DROP FUNCTION erase_traces(uuid);
DROP FUNCTION erase_confidences(uuid);
DROP FUNCTION erase_keys_of_files(uuid[]);
DROP FUNCTION take_due_erasure(timestamptz, uuid[]);
DROP FUNCTION may_be_erased(uuid, timestamptz);

GRANT CREATE ON SCHEMA public TO huntzen_internal;
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
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

DROP POLICY consultations_erasure ON consultations;
DROP POLICY consultations_erasure_change ON consultations;
DROP POLICY consultation_events_erasure ON consultation_events;
DROP POLICY data_keys_add_letter ON keys.data_keys;
DROP POLICY data_keys_letters ON keys.data_keys;
DROP POLICY data_keys_add_review ON keys.data_keys;
DROP POLICY data_keys_reviews ON keys.data_keys;
DROP POLICY data_keys_internal ON keys.data_keys;
CREATE POLICY data_keys_files ON keys.data_keys FOR SELECT TO huntzen_internal USING (kind = 'FILES');
DROP POLICY journal_entries_internal ON journal_entries;
DROP POLICY clinical_notes_internal ON clinical_notes;
DROP POLICY outbox_internal_read ON outbox;
DROP POLICY outbox_internal_discard ON outbox;
DROP POLICY notifications_internal_read ON notifications;
DROP POLICY notifications_internal_discard ON notifications;
DROP POLICY second_factors_internal ON second_factors;
DROP POLICY backup_codes_internal ON backup_codes;
DROP POLICY sessions_internal_discard ON sessions;
DROP POLICY one_time_tokens_internal_discard ON one_time_tokens;
DROP POLICY invitations_internal_discard ON invitations;
DROP POLICY preferences_internal_discard ON preferences;
DROP POLICY messages_internal_discard ON messages;
DROP POLICY availabilities_internal_discard ON availabilities;
DROP POLICY availability_exceptions_internal_discard ON availability_exceptions;
DROP POLICY files_internal_discard ON files;
DROP POLICY file_uploads_internal ON file_uploads;
DROP POLICY reviews_internal ON reviews;
DROP POLICY consultations_internal_discard ON consultations;
DROP POLICY companies_internal_discard ON companies;
DROP POLICY employees_internal_discard ON employees;
DROP INDEX notifications_created;
DROP INDEX outbox_sent;
DROP INDEX outbox_recipient;
DROP INDEX sessions_expiry;
DROP INDEX one_time_tokens_expiry;
DROP POLICY users_erased ON users;
DROP POLICY employees_erased ON employees;
DROP POLICY practitioners_erased ON practitioners;
DROP POLICY employees_hr ON employees;
CREATE POLICY employees_hr ON employees TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()))
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()));
DROP POLICY practitioners_administrators ON practitioners;
CREATE POLICY practitioners_administrators ON practitioners TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN') WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
ALTER TABLE practitioners DROP COLUMN erased_at;
ALTER TABLE employees DROP COLUMN erased_at;
ALTER TABLE users DROP COLUMN erased_at;
DROP TABLE deletion_requests;
ALTER TABLE keys.data_keys DROP CONSTRAINT data_keys_kind_check;
ALTER TABLE keys.data_keys ADD CONSTRAINT data_keys_kind_check
    CHECK (kind IN ('PERSON', 'CONSULTATION', 'NOTES', 'FILES', 'PLATFORM'));

REVOKE DELETE ON keys.data_keys FROM huntzen_internal;
REVOKE SELECT, DELETE ON journal_entries, clinical_notes, outbox, notifications, second_factors
    FROM huntzen_internal;
REVOKE SELECT ON backup_codes, reviews FROM huntzen_internal;
REVOKE DELETE ON sessions, one_time_tokens, invitations, preferences, conversations, messages, availabilities,
    availability_exceptions, files, file_uploads FROM huntzen_internal;
REVOKE SELECT ON file_uploads FROM huntzen_internal;
REVOKE UPDATE (comment, published_comment) ON reviews FROM huntzen_internal;
REVOKE UPDATE (reason, cancel_reason) ON consultations FROM huntzen_internal;
REVOKE UPDATE (contact_name, contact_email, phone) ON companies FROM huntzen_internal;
REVOKE UPDATE (email, password_hash, is_active, email_verified, signed_out_before, last_login_at,
    two_factor_enabled_at) ON users FROM huntzen_internal;
REVOKE UPDATE (email, first_name, last_name, phone, department, position, status, search_text, updated_at)
    ON employees FROM huntzen_internal;
REVOKE UPDATE (first_name, last_name, title, registration_number, specialties, languages, bio, years_of_experience,
    accepting_new_clients, is_validated, validated_at, suspended_at, documents_verified, search_text, updated_at)
    ON practitioners FROM huntzen_internal;
