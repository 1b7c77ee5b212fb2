-- +goose Up

-- How far each courier has carried the alerts of each tenant; an empty tenant is where one begins that has no row yet.
CREATE TABLE rxvigil.couriers (
    courier text COLLATE "C" NOT NULL,
    tenant  text COLLATE "C" NOT NULL,
    cursor  text COLLATE "C" NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (courier, tenant)
);

-- What a courier gave up, to be seen by an operator, and sent by hand if need be.
CREATE TABLE rxvigil.dead_letters (
    courier text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    tenant  text COLLATE "C" NOT NULL,
    reason  text        NOT NULL,
    body    bytea       NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (courier, id)
);

REVOKE ALL ON rxvigil.couriers, rxvigil.dead_letters FROM PUBLIC;
