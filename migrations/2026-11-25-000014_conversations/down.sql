DROP FUNCTION mark_messages_read(uuid, bigint, timestamptz);
DROP FUNCTION hold_conversations(uuid[]);
DROP TABLE messages;
DROP TABLE conversations;
DROP FUNCTION conversations_tell();
DROP FUNCTION tell_of_messages(uuid, uuid, boolean, timestamptz);
