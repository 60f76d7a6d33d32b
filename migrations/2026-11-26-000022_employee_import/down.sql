DROP FUNCTION taken_emails(text[], uuid[]);
