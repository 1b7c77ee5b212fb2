-- +goose Up

-- One row for each episode of each fingerprint. The columns are for filtering; the body is the alert.
CREATE TABLE rxvigil.alerts (
    tenant      text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    episode     integer     NOT NULL,
    branch      text        NOT NULL,
    rule        text        NOT NULL,
    status      text        NOT NULL,
    severity    text        NOT NULL,
    started_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    resolved_at timestamptz,
    version     integer     NOT NULL,
    body        jsonb       NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX alerts_open ON rxvigil.alerts (tenant, id) WHERE status <> 'resolved';
CREATE INDEX alerts_resolved ON rxvigil.alerts (tenant, resolved_at, id) WHERE status = 'resolved';
CREATE INDEX alerts_episode ON rxvigil.alerts (fingerprint, episode);

-- Append only: what became of each alert, at which place in the log, and who asked for it.
CREATE TABLE rxvigil.alert_history (
    tenant       text COLLATE "C" NOT NULL,
    alert_id     text COLLATE "C" NOT NULL,
    version      integer     NOT NULL,
    epoch        text COLLATE "C" NOT NULL,
    lsn          pg_lsn      NOT NULL,
    ordinal      bigint      NOT NULL,
    xid          text        NOT NULL,
    committed_at timestamptz NOT NULL,
    at           timestamptz NOT NULL,
    event        text        NOT NULL,
    from_status  text        NOT NULL,
    to_status    text        NOT NULL,
    severity     text        NOT NULL,
    rung         text        NOT NULL,
    by           text        NOT NULL DEFAULT '',
    note         text        NOT NULL DEFAULT '',
    body         jsonb,
    quarantined  text,
    PRIMARY KEY (tenant, alert_id, version)
);

CREATE INDEX alert_history_place ON rxvigil.alert_history (epoch, lsn, ordinal);

-- Planned moments of scans, named by the wall clock of the tenant, and whether they were kept.
CREATE TABLE rxvigil.occurrences (
    tenant text COLLATE "C" NOT NULL,
    scan   text COLLATE "C" NOT NULL,
    wall   text COLLATE "C" NOT NULL,
    at     timestamptz NOT NULL,
    status text        NOT NULL,
    PRIMARY KEY (tenant, scan, wall)
);

-- Reorder levels that somebody set by hand, per medicine and branch; an empty branch is the whole tenant.
CREATE TABLE rxvigil.overrides (
    tenant   text COLLATE "C" NOT NULL,
    medicine text        NOT NULL,
    branch   text        NOT NULL DEFAULT '',
    level    numeric     NOT NULL,
    by       text        NOT NULL DEFAULT '',
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, medicine, branch)
);

-- What people asked for, with their free text: the message in the WAL names the row.
CREATE TABLE rxvigil.requests (
    id         uuid        PRIMARY KEY,
    tenant     text COLLATE "C" NOT NULL,
    op         text        NOT NULL,
    body       jsonb       NOT NULL,
    by         text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);

REVOKE ALL ON rxvigil.alerts, rxvigil.alert_history, rxvigil.occurrences, rxvigil.overrides, rxvigil.requests FROM PUBLIC;
