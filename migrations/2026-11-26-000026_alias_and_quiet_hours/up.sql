-- What a person is called in rooms, and when letters that can wait do.
ALTER TABLE preferences
    ADD COLUMN alias text CHECK (length(alias) BETWEEN 1 AND 40),
    ADD COLUMN quiet_start_minute smallint CHECK (quiet_start_minute BETWEEN 0 AND 1439),
    ADD COLUMN quiet_end_minute smallint CHECK (quiet_end_minute BETWEEN 0 AND 1439),
    ADD COLUMN quiet_timezone text,
    ADD CONSTRAINT preferences_quiet_hours CHECK (
        num_nonnulls(quiet_start_minute, quiet_end_minute, quiet_timezone) IN (0, 3)
        AND (quiet_start_minute <> quiet_end_minute) IS NOT FALSE
    );

-- Who sends letters knows when not to.
CREATE POLICY preferences_sending ON preferences FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'worker:outbox');
