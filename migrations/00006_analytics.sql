-- +goose Up

-- Alerts by the day on which they were raised.
CREATE INDEX alerts_started ON rxvigil.alerts (tenant, started_at);
