package cdc

import (
	"context"
	"errors"
)

// undecodable counts a row that could not be read, for each source of its table; anything else that is unreadable ends the
// session. A row that is skipped is none.
func (s *stream) undecodable(ctx context.Context, message []byte, err error) error {
	if len(message) == 0 || message[0] != 'I' && message[0] != 'U' && message[0] != 'D' {
		return err
	}
	if s.skip {
		return nil
	}
	s.c.row++
	var row *rowError
	if !errors.As(err, &row) {
		s.log.ErrorContext(ctx, "row_unreadable", "error", err.Error())
		s.c.list(Fault{Reason: "unreadable"})
		return nil
	}
	s.degrade(ctx, row)
	return nil
}

// degrade reports a row that could not be read, and the mappings that are poorer for it: these once, until the table is healed.
func (s *stream) degrade(ctx context.Context, row *rowError) {
	id := row.relation.ID
	for _, p := range s.plans[id] {
		s.c.list(Fault{Kind: p.said(), Table: p.table.String(), Reason: "unreadable", Text: row.err.Error()})
		if !s.degraded[id] {
			s.log.ErrorContext(ctx, "mapping_degraded", "source", p.name(), "error", row.Error())
		}
	}
	s.c.list(s.unfit[id]...)
	if t := s.resolved.leaves[id]; t != nil {
		s.spoil(t, unreadableRow)
	}
	if !s.degraded[id] && len(s.plans[id]) > 0 {
		s.log.ErrorContext(ctx, "row_unreadable", "error", row.Error())
		s.degraded[id] = true
	}
}
