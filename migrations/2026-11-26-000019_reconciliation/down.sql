DROP FUNCTION compare_counters(bigint);
DROP TABLE counter_differences;
DROP TABLE reconciliation;
