-- The scope of a transaction, as row security reads it. `huntzen migrate` has made the roles
-- huntzen_app (the program) and huntzen_internal (owner of the functions that see more than
-- their caller) before this runs; deploy/roles.sql does it by hand.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- After a transaction a local setting reads as an empty string, hence NULLIF before the cast.
CREATE FUNCTION scope_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('huntzen.user', true), '')::uuid;
CREATE FUNCTION scope_company() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('huntzen.company', true), '')::uuid;
CREATE FUNCTION scope_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('huntzen.role', true), '');
CREATE FUNCTION scope_email() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('huntzen.email', true), '');
CREATE FUNCTION scope_token() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('huntzen.token', true), '');

-- A UUID of version 7 (RFC 9562): the milliseconds of `at` over 74 random bits. The two bits set
-- turn the version nibble 4 of the random UUID into 7.
CREATE FUNCTION uuid_v7(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid())
                    PLACING substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6),
                52, 1),
            53, 1),
        'hex')::uuid;

GRANT USAGE ON SCHEMA public TO huntzen_app, huntzen_internal;
