-- Makes the roles and the database of a production server, once, as its superuser. The passwords of the three roles that
-- sign in are variables of the environment, since every user of the machine can read a command line:
--
--   export DATABASE_OWNER_PASSWORD=… DATABASE_APP_PASSWORD=… DATABASE_BACKUP_PASSWORD=…
--   psql --no-psqlrc --file=deploy/roles.sql postgres
--
-- Then DATABASE_OWNER_URL (for `huntzen migrate`, `restore` and `audit prune`) signs in as huntzen_owner,
-- DATABASE_URL as huntzen_app, and DATABASE_BACKUP_URL (for `huntzen backup` alone) as huntzen_backup.
-- Running it again changes nothing but the passwords.
\set ON_ERROR_STOP on

-- psql 14 or newer. What is not set is empty, and what is empty would be no password at all.
\set owner_password ''
\set app_password ''
\set backup_password ''
\getenv owner_password DATABASE_OWNER_PASSWORD
\getenv app_password DATABASE_APP_PASSWORD
\getenv backup_password DATABASE_BACKUP_PASSWORD
SELECT :'owner_password' = '' OR :'app_password' = '' OR :'backup_password' = '' AS lacks_passwords \gset
\if :lacks_passwords
    DO $$ BEGIN
        RAISE EXCEPTION 'set DATABASE_OWNER_PASSWORD, DATABASE_APP_PASSWORD and DATABASE_BACKUP_PASSWORD: nothing was changed';
    END $$;
\endif

-- Owns the database and its tables. Row security is forced, so it binds this role too.
SELECT 'CREATE ROLE huntzen_owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'huntzen_owner') \gexec
ALTER ROLE huntzen_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'owner_password';

-- The program: owns nothing, and the program refuses to start under a role that could do more.
SELECT 'CREATE ROLE huntzen_app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'huntzen_app') \gexec
ALTER ROLE huntzen_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'app_password';
-- Some refusals of row security are told apart by their text.
ALTER ROLE huntzen_app SET lc_messages TO 'C';

-- Owns the functions that see more than their caller; each table grants it what they need.
SELECT 'CREATE ROLE huntzen_internal' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'huntzen_internal') \gexec
ALTER ROLE huntzen_internal NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;

-- Reads everything, past row security, and changes nothing: for backups alone. Its password opens what
-- is not sealed of everybody: keep it where the backups are made, and nowhere else.
SELECT 'CREATE ROLE huntzen_backup' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'huntzen_backup') \gexec
ALTER ROLE huntzen_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'backup_password';
GRANT pg_read_all_data TO huntzen_backup;
ALTER ROLE huntzen_backup SET default_transaction_read_only TO on;

-- To hand functions over, the owner is a member of their role. The program never is.
GRANT huntzen_internal TO huntzen_owner;

-- Letters of all languages sort and fold alike on every machine: no collation of the system's.
SELECT 'CREATE DATABASE huntzen OWNER huntzen_owner ENCODING ''UTF8'' LOCALE ''C.UTF-8'' TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'huntzen') \gexec
REVOKE ALL ON DATABASE huntzen FROM PUBLIC;
GRANT CONNECT ON DATABASE huntzen TO huntzen_app, huntzen_backup;
