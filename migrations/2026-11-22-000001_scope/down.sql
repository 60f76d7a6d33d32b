REVOKE USAGE ON SCHEMA public FROM huntzen_app, huntzen_internal;
DROP FUNCTION uuid_v7(timestamptz);
DROP FUNCTION scope_token();
DROP FUNCTION scope_email();
DROP FUNCTION scope_role();
DROP FUNCTION scope_company();
DROP FUNCTION scope_user();
DROP EXTENSION btree_gist;
