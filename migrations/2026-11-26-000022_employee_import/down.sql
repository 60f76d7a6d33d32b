DROP FUNCTION is_work_address(text);
DROP FUNCTION taken_emails(text[], uuid[]);
DROP INDEX employees_by_email;
