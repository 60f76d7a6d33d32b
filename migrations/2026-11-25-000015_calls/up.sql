GRANT CREATE ON SCHEMA public TO huntzen_internal;
-- Tells whoever was called and did not answer: a line in the inbox, to which the caller has no access.
-- The job of the calls alone says so, and only of the two participants.
CREATE FUNCTION tell_of_missed_call(consultation uuid, recipient uuid, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:calls' THEN
        RETURN 0;
    END IF;
    INSERT INTO notifications (id, user_id, type, data, created_at)
    SELECT uuid_v7(at), recipient, 'CALL_MISSED', jsonb_build_object('consultationId', c.id), at
    FROM consultations c WHERE c.id = consultation AND recipient IN (c.employee_user_id, c.practitioner_user_id);
    RETURN CASE WHEN FOUND THEN 1 ELSE 0 END;
END $$;
ALTER FUNCTION tell_of_missed_call(uuid, uuid, timestamptz) OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION tell_of_missed_call(uuid, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tell_of_missed_call(uuid, uuid, timestamptz) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;
