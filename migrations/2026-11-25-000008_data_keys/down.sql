DROP TABLE keys.data_keys;
DROP FUNCTION data_keys_take_readers();
DROP SCHEMA keys;
