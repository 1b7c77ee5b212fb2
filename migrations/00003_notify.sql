-- +goose Up

-- rxvigil.notify sends an event of the app's own, in the app's own transaction. The message is 64 hex digits of
-- HMAC-SHA256 under the install key, and the JSON they sign. The key is read as the owner of this function.
-- +goose StatementBegin
CREATE FUNCTION rxvigil.notify(tenant text, type text, data jsonb) RETURNS pg_lsn
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours CONSTANT text[] := ARRAY[
        'medicine_created', 'medicine_updated', 'medicine_deleted', 'lot_received', 'lot_updated', 'lot_removed',
        'stock_level_changed', 'sale_created', 'sale_completed', 'sale_cancelled', 'sale_returned', 'sale_updated',
        'prescription_created', 'prescription_status_changed', 'prescription_dispensed', 'prescription_updated',
        'patient_registered', 'patient_updated', 'patient_removed', 'alert_raised', 'alert_changed',
        'alert_acknowledged', 'alert_snoozed', 'alert_resolved', 'resync', 'connection_established', 'heartbeat',
        'stale', 'expiring', 'bye', 'stock_alert', 'expiry_alert'];
    message bytea;
    mac     bytea;
BEGIN
    IF coalesce(tenant, '') = '' THEN
        RAISE EXCEPTION 'rxvigil.notify: tenant is empty' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF type IS NULL OR type !~ '^[a-z][a-z0-9_]{0,63}$' THEN
        RAISE EXCEPTION 'rxvigil.notify: type % is not a lower-case word of at most 64 letters, digits and underscores',
            coalesce(quote_literal(left(type, 80)), 'NULL') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF type = ANY (ours) THEN
        RAISE EXCEPTION 'rxvigil.notify: type % belongs to rxvigil itself', quote_literal(type)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose a name of your own, or notification.';
    END IF;
    IF data IS NULL OR jsonb_typeof(data) <> 'object' THEN
        RAISE EXCEPTION 'rxvigil.notify: data is no JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    message := convert_to(json_build_object(
        'op', 'event',
        'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'tenant', tenant, 'type', type, 'data', data)::text, 'UTF8');
    IF length(message) > 65472 THEN
        RAISE EXCEPTION 'rxvigil.notify: the message has % bytes, more than 64 kB', length(message) + 64
            USING ERRCODE = 'program_limit_exceeded';
    END IF;
    SELECT sha256(i.opad || sha256(i.ipad || message)) INTO STRICT mac FROM rxvigil.install AS i;
    RETURN pg_logical_emit_message(true, 'rxvigil'::text, convert_to(encode(mac, 'hex'), 'UTF8') || message);
END
$$;
-- +goose StatementEnd

GRANT USAGE ON SCHEMA rxvigil TO PUBLIC;
GRANT EXECUTE ON FUNCTION rxvigil.notify(text, text, jsonb) TO PUBLIC;
