DROP FUNCTION company_for_domain(text);
DROP TABLE employment_periods;
DROP TABLE employees;
DROP FUNCTION employees_write_periods();
DROP FUNCTION employees_follow_names();
ALTER TABLE companies DROP CONSTRAINT companies_validated_by_fkey;
DROP TABLE company_domains;
DROP TABLE users;
DROP TABLE companies;
