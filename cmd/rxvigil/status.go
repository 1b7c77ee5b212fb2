package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/rules"
)

func newStatus() *cobra.Command {
	c := &cobra.Command{Use: "status", Short: "Lag, slot and alerts at a glance"}
	load := withConfig(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		if err := reachable(c.Context(), cfg); err != nil {
			return err
		}
		if err := sourceStatus(c.Context(), c.OutOrStdout(), cfg); err != nil {
			return err
		}
		runningStatus(c.Context(), c.OutOrStdout(), cfg.Push.Listen)
		return alertStatus(c.Context(), c.OutOrStdout(), cfg)
	}
	return c
}

const slotStatusSQL = `
SELECT active, coalesce(active_pid, 0), coalesce(wal_status, '?'), pg_size_pretty(pg_current_wal_lsn() - restart_lsn),
       pg_size_pretty(pg_current_wal_lsn() - confirmed_flush_lsn), coalesce(pg_size_pretty(safe_wal_size), 'no limit')
FROM pg_replication_slots WHERE slot_name = $1`

func sourceStatus(ctx context.Context, out io.Writer, cfg *config) error {
	conn, err := cdc.Connect(ctx, cfg.Source.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var active bool
	var pid int
	var wal, retained, behind, safe string
	err = conn.QueryRow(ctx, slotStatusSQL, cfg.Source.Slot).Scan(&active, &pid, &wal, &retained, &behind, &safe)
	if errors.Is(err, pgx.ErrNoRows) {
		fmt.Fprintf(out, "slot      %s does not exist: no engine has run yet\n", cfg.Source.Slot)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read slot: %w", err)
	}
	use := "nobody reads it"
	if active {
		use = fmt.Sprintf("read by pid %d", pid)
	}
	fmt.Fprintf(out, "slot      %s, %s; WAL %s, %s kept for us, %s not yet confirmed, room left: %s\n", cfg.Source.Slot, use, wal, retained, behind, safe)
	return nil
}

// runningStatus asks the engine itself how far behind it is, where one serves at the address of this configuration.
func runningStatus(ctx context.Context, out io.Writer, listen string) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	at := net.JoinHostPort(host, port)
	var answer struct {
		Ready             bool
		Reasons, Warnings []string
		Lag               struct {
			Bytes   int64
			Seconds float64
		}
	}
	if err := askJSON(ctx, "http://"+at+"/readyz", &answer); err != nil {
		fmt.Fprintf(out, "service   does not answer at %s from here\n", at)
		return
	}
	how := "ready"
	if !answer.Ready {
		how = "not ready: " + strings.Join(answer.Reasons, ", ")
	}
	fmt.Fprintf(out, "service   at %s, %.1f s and %s behind, %s\n", at, answer.Lag.Seconds, rules.Size(answer.Lag.Bytes), how)
	for _, w := range answer.Warnings {
		fmt.Fprintf(out, "warning   %s\n", w)
	}
}

func askJSON(ctx context.Context, url string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return json.NewDecoder(resp.Body).Decode(answer)
}

const engineStatusSQL = `
SELECT generation, epoch, confirmed::text, extract(epoch FROM now() - updated_at)::int FROM rxvigil.engine`

const openStatusSQL = `
SELECT rule, severity, status, count(*) FROM rxvigil.alerts WHERE status <> 'resolved'
GROUP BY 1, 2, 3 ORDER BY array_position(ARRAY['critical', 'high', 'warning', 'info'], severity), 1, 3`

const faultStatusSQL = `
SELECT tenant, body ->> 'message' FROM rxvigil.alerts WHERE status <> 'resolved' AND rule IN ('blind', 'wal_kept') ORDER BY started_at DESC LIMIT 20`

const deadStatusSQL = `
SELECT courier, count(*), (array_agg(reason ORDER BY at DESC))[1] FROM rxvigil.dead_letters GROUP BY courier ORDER BY courier`

func alertStatus(ctx context.Context, out io.Writer, cfg *config) error {
	conn, err := cdc.Connect(ctx, cfg.State.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var there bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('rxvigil.engine') IS NOT NULL").Scan(&there); err != nil || !there {
		fmt.Fprintln(out, "schema    rxvigil does not exist: no engine has run yet")
		return err
	}
	var generation int64
	var epoch, confirmed string
	var age int
	if err := conn.QueryRow(ctx, engineStatusSQL).Scan(&generation, &epoch, &confirmed, &age); err != nil {
		return fmt.Errorf("read engine: %w", err)
	}
	if generation == 0 {
		fmt.Fprintln(out, "engine    none has run yet")
		return nil
	}
	fmt.Fprintf(out, "engine    generation %d, epoch %s, confirmed %s, last sign of life %d s ago\n", generation, epoch, confirmed, age)
	if err := rows(ctx, conn, openStatusSQL, func(r pgx.CollectableRow) error {
		var rule, severity, status string
		var n int
		err := r.Scan(&rule, &severity, &status, &n)
		fmt.Fprintf(out, "alerts    %4d %-8s %-16s %s\n", n, severity, rule, status)
		return err
	}); err != nil {
		return err
	}
	if err := rows(ctx, conn, faultStatusSQL, func(r pgx.CollectableRow) error {
		var tenant, message string
		err := r.Scan(&tenant, &message)
		fmt.Fprintf(out, "fault     %s: %s\n", tenant, message)
		return err
	}); err != nil {
		return err
	}
	return rows(ctx, conn, deadStatusSQL, func(r pgx.CollectableRow) error {
		var courier, reason string
		var n int
		err := r.Scan(&courier, &n, &reason)
		fmt.Fprintf(out, "notify    %s: %d given up, the last because: %s\n", courier, n, reason)
		return err
	})
}

func rows(ctx context.Context, conn *pgx.Conn, sql string, each func(pgx.CollectableRow) error) error {
	found, err := conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(found, func(r pgx.CollectableRow) (struct{}, error) { return struct{}{}, each(r) })
	return err
}
