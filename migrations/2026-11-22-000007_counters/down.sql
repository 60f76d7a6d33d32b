DROP TRIGGER consultations_counted ON consultations;
DROP FUNCTION consultations_count();
DROP TABLE company_activity_daily;
DROP TABLE employee_activity_daily;
DROP TABLE practitioner_activity_daily;
