DROP TRIGGER consultations_on_statement ON consultations;
DROP FUNCTION consultations_assign_statement();
DROP FUNCTION statement_lines(uuid, date);
DROP FUNCTION missing_statements(date, bigint);
DROP FUNCTION hold_statements(uuid);
DROP INDEX consultations_completed;
DROP INDEX consultations_late;
ALTER TABLE consultations DROP COLUMN late_month;
DROP TABLE practitioner_statements;
