DROP TABLE practitioner_busy;
DROP FUNCTION own_availability_exceptions();
DROP TABLE availability_exceptions;
DROP TABLE availabilities;
DROP FUNCTION speaks(text[], text);
DROP TABLE practitioners;
DROP FUNCTION practitioners_follow_names();
DROP FUNCTION practitioners_spread_standing();
DROP FUNCTION availability_takes_standing();
