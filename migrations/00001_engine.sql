-- +goose Up

-- The engine's own row: who may write (generation), of which source it speaks, and how far it is.
CREATE TABLE rxvigil.engine (
    one             boolean     PRIMARY KEY DEFAULT true CHECK (one),
    generation      bigint      NOT NULL DEFAULT 0,
    identity        text        NOT NULL DEFAULT '',
    epoch           text        NOT NULL DEFAULT '',
    slot_generation bigint      NOT NULL DEFAULT 0,
    position        pg_lsn      NOT NULL DEFAULT '0/0',
    position_epoch  text        NOT NULL DEFAULT '',
    confirmed       pg_lsn      NOT NULL DEFAULT '0/0',
    updated_at      timestamptz NOT NULL DEFAULT now()
);

INSERT INTO rxvigil.engine DEFAULT VALUES;

-- The key that messages of ours are signed with, as the two pads of HMAC-SHA256: any role can emit messages.
CREATE TABLE rxvigil.install (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    ipad bytea   NOT NULL CHECK (length(ipad) = 64),
    opad bytea   NOT NULL CHECK (length(opad) = 64)
);

REVOKE ALL ON rxvigil.engine, rxvigil.install FROM PUBLIC;

-- +goose StatementBegin
DO $$
DECLARE
    key  bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
               || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
    ipad bytea := key;
    opad bytea := key;
BEGIN
    FOR i IN 0..63 LOOP
        ipad := set_byte(ipad, i, get_byte(key, i) # 54);  -- 0x36
        opad := set_byte(opad, i, get_byte(key, i) # 92);  -- 0x5c
    END LOOP;
    INSERT INTO rxvigil.install (ipad, opad) VALUES (ipad, opad);
END
$$;
-- +goose StatementEnd
