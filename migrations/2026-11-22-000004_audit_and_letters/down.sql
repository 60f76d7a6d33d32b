DROP TABLE notifications;
DROP TABLE outbox;
DROP TABLE audit_entries;
DROP FUNCTION audit_entries_refuse_change();
