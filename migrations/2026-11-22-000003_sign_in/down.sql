DROP FUNCTION token_owner(bytea);
DROP TABLE invitations;
DROP TABLE one_time_tokens;
DROP TABLE refresh_tokens;
DROP TABLE sessions;
