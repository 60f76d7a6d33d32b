-- Answers that are kept are forgotten: a request that is repeated is then done anew.
DROP TRIGGER data_keys_answers ON keys.data_keys;
DROP FUNCTION data_keys_take_answers();
DROP TABLE idempotency_keys;
