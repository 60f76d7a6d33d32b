DROP FUNCTION compare_counters(bigint);
DROP TABLE reconciliation;
