-- +goose Up

-- Tokens that were taken back before their end: those of a person, of a tenant, or one by its jti, issued up to an instant.
CREATE TABLE rxvigil.revocations (
    of    text        NOT NULL CHECK (of IN ('token', 'user', 'tenant')),
    name  text COLLATE "C" NOT NULL,
    until timestamptz NOT NULL,
    by    text        NOT NULL DEFAULT '',
    at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (of, name)
);

REVOKE ALL ON rxvigil.revocations FROM PUBLIC;
