package pharmacy

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// job is one kind of transaction. It may find nothing to do.
type job struct {
	weight int
	name   string
	do     func(*staff, context.Context, pgx.Tx) error
}

// jobs is a day in the two pharmacies, in parts of a thousand.
var jobs = []job{
	{554, "sell", (*staff).sell},
	{100, "reserve", (*staff).reserve},
	{110, "settle", (*staff).settle},
	{60, "prescribe", (*staff).prescribe},
	{60, "dispense", (*staff).dispense},
	{10, "return", (*staff).takeBack},
	{45, "restock", (*staff).restock},
	{20, "register", (*staff).register},
	{10, "new phone", (*staff).newPhone},
	{10, "price", (*staff).reprice},
	{10, "expiry", (*staff).correctExpiry},
	{5, "write off", (*staff).writeOff},
	{1, "miscount", (*staff).miscount},
	{5, "count", (*staff).count},
}

// work does one job in one transaction. What a rolled-back one changed in our head is changed back.
func (s *staff) work(ctx context.Context) error {
	j := s.choose()
	open, mistake := s.open, s.mistake
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		if err := j.do(s, ctx, tx); err != nil {
			return err
		}
		const audit = `INSERT INTO audit_log (action) VALUES ($1)`
		_, err := tx.Exec(ctx, audit, j.name)
		return err
	})
	if err != nil {
		s.open, s.mistake = open, mistake
		return fmt.Errorf("%s: %w", j.name, err)
	}
	s.done++
	return nil
}

func (s *staff) choose() job {
	n := s.rand.IntN(1000)
	for _, j := range jobs {
		if n -= j.weight; n < 0 {
			return j
		}
	}
	return jobs[0]
}

func (s *staff) branch() branch { return s.branches[s.rand.IntN(len(s.branches))] }

// busy is how many products of a branch sell well at a time; every busyFor transactions another one comes into season.
const (
	busy    = 6
	busyFor = 250
)

// wanted is a product somebody asks for: usually one of the few in season, so that alerts come and go within minutes.
func (s *staff) wanted(tenant int, prescription bool) product {
	var all []product
	for _, p := range s.products[tenant] {
		if p.prescription == prescription {
			all = append(all, p)
		}
	}
	if s.rand.IntN(10) < 3 {
		return all[s.rand.IntN(len(all))]
	}
	return all[(s.done/busyFor+s.rand.IntN(busy))%len(all)]
}

// amount is how much of it: up to a tenth of the reorder level.
func (s *staff) amount(p product) int { return 1 + s.rand.IntN(max(1, p.reorder/10)) }
