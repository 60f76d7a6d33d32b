DROP POLICY preferences_sending ON preferences;
ALTER TABLE preferences DROP COLUMN alias, DROP COLUMN quiet_start_minute, DROP COLUMN quiet_end_minute,
    DROP COLUMN quiet_timezone;
