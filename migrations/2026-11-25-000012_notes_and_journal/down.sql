DROP TABLE journal_entries;
DROP TABLE clinical_note_versions;
DROP TABLE clinical_notes;
DROP FUNCTION clinical_notes_match();
