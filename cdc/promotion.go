package cdc

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rxvigil/rxvigil"
)

// A standby that becomes the primary begins a new timeline. Where it has a copy of our slot (17 and newer), and everything we
// handed on lies on the history that both share, the stream goes on as if nothing had happened. Otherwise a transaction could
// come again under another name, or another under the same: that is a gap.

// hasFailover tells whether a server knows slots that standbys keep a copy of.
func hasFailover(conn *pgx.Conn) bool {
	version := conn.PgConn().ParameterStatus("server_version") // 17.4, 18beta1, 19devel
	major, err := strconv.Atoi(version[:len(version)-len(strings.TrimLeft(version, "0123456789"))])
	return err == nil && major >= 17
}

// keepFailover makes a slot of ours that nobody reads what the configuration says. A server that refuses is no reason to stop.
func (r *Reader) keepFailover(ctx context.Context, conn *pgx.Conn, repl *pgconn.PgConn, slot slotState) {
	if !slot.exists || slot.lost || slot.failover == r.cfg.Failover || !hasFailover(conn) {
		return
	}
	sql := fmt.Sprintf("ALTER_REPLICATION_SLOT %s (FAILOVER %t)", pgx.Identifier{r.cfg.Slot}.Sanitize(), r.cfg.Failover)
	if _, err := repl.Exec(ctx, sql).ReadAll(); err != nil {
		r.log.WarnContext(ctx, "slot_not_altered", "slot", r.cfg.Slot, "error", err.Error())
	}
}

// promoted tells whether the server is what became of ours: another timeline of the same history, which left the one we know
// at or after our position.
func (r *Reader) promoted(ctx context.Context, repl *pgconn.PgConn, id Identity) (bool, error) {
	known := r.kept.Identity
	if r.kept.Position == 0 || known.Timeline >= id.Timeline || known.on(id.Timeline) != id {
		return false, nil
	}
	history, err := pglogrepl.TimelineHistory(ctx, repl, id.Timeline)
	if err != nil {
		return false, fmt.Errorf("read timeline history: %w", err)
	}
	left, err := switchPoint(string(history.Content), known.Timeline)
	if err != nil {
		return false, err
	}
	r.log.InfoContext(ctx, "source_promoted", "timeline", id.Timeline, "left_ours_at", rxvigil.FormatLSN(left), "position", rxvigil.FormatLSN(r.kept.Position))
	return r.kept.Position <= left, nil
}

// on is the same source on another timeline.
func (i Identity) on(timeline int32) Identity {
	i.Timeline = timeline
	return i
}

// switchPoint is where a timeline was left, by a history file: a line for each ancestor, with its number and that LSN.
func switchPoint(history string, timeline int32) (uint64, error) {
	for line := range strings.Lines(history) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != strconv.Itoa(int(timeline)) {
			continue
		}
		lsn, err := pglogrepl.ParseLSN(words[1])
		if err != nil {
			return 0, fmt.Errorf("timeline history: %w", err)
		}
		return uint64(lsn), nil
	}
	return 0, errors.New("timeline history: ours is not in it")
}
