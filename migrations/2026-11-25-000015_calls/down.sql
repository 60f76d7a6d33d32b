DROP FUNCTION tell_of_missed_call(uuid, uuid, timestamptz);
