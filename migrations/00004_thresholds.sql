-- +goose Up

-- A person may set the threshold of any rule, not only a reorder level.
ALTER TABLE rxvigil.overrides ADD COLUMN rule text NOT NULL DEFAULT 'low_stock';
ALTER TABLE rxvigil.overrides RENAME COLUMN level TO value;
ALTER TABLE rxvigil.overrides DROP CONSTRAINT overrides_pkey;
ALTER TABLE rxvigil.overrides ADD PRIMARY KEY (tenant, rule, medicine, branch);

-- Append only: who set or withdrew which threshold, at which place in the log. A value that is null was withdrawn.
CREATE TABLE rxvigil.override_history (
    tenant   text COLLATE "C" NOT NULL,
    rule     text        NOT NULL,
    medicine text        NOT NULL,
    branch   text        NOT NULL,
    epoch    text COLLATE "C" NOT NULL,
    lsn      pg_lsn      NOT NULL,
    ordinal  integer     NOT NULL,
    value    numeric,
    by       text        NOT NULL DEFAULT '',
    at       timestamptz NOT NULL,
    PRIMARY KEY (epoch, lsn, ordinal)
);

CREATE INDEX override_history_medicine ON rxvigil.override_history (tenant, medicine, at);

REVOKE ALL ON rxvigil.override_history FROM PUBLIC;
