package backtest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
	"github.com/rxvigil/rxvigil/rules/backtest"
)

var end = time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)

// record makes a record of tenant "t": fields are given as "name=value".
func record(k rxvigil.Kind, id, branch string, fields ...string) *rxvigil.Record {
	schema := rxvigil.NewSchema(k)
	r := &rxvigil.Record{Schema: schema, ID: id, Tenant: "t", Branch: rxvigil.Branch(branch), Values: make([]rxvigil.Value, len(schema.Fields))}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		i := schema.Index(name)
		r.Values[i] = rxvigil.ValueOf(schema.Fields[i].Type, value)
	}
	return r
}

func stamp(at time.Time) string { return "at=" + at.Format(time.RFC3339) }

func config(t testing.TB, pack string) rules.Config {
	t.Helper()
	p, err := rules.NamedPack(pack)
	if err != nil {
		t.Fatal(err)
	}
	return rules.Config{Pack: p}
}

// shop has 50 of one medicine now, of which 100 came three days ago, and 10 were sold on each of the 25 days before that and the
// two after.
func shop(ledger bool) *backtest.History {
	h := backtest.NewHistory()
	h.Add("public", record(rxvigil.KindTenant, "t", "", "name=Shop"))
	h.Add("public", record(rxvigil.KindBranch, "b", "", "name=Main"))
	h.Add("public", record(rxvigil.KindMedicine, "m", "", "name=Zinc", "reorder_level=30"))
	h.Add("public", record(rxvigil.KindLot, "old", "b", "medicine=m", "on_hand=0", "expires=2027-05-01"))
	h.Add("public", record(rxvigil.KindLot, "new", "b", "medicine=m", "on_hand=80", "expires=2027-09-01"))
	came := end.AddDate(0, 0, -3)
	for day := range 28 {
		at, lot := end.AddDate(0, 0, day-28), "old"
		if at.After(came) {
			lot = "new"
		}
		if at.Equal(came) {
			continue
		}
		id := fmt.Sprint("s", day)
		h.Add("public", record(rxvigil.KindSale, id, "b", "status=completed", stamp(at)))
		h.Add("public", record(rxvigil.KindSaleLine, id, "", "sale="+id, "medicine=m", "lot="+lot, "quantity=10"))
		if ledger {
			h.Add("public", record(rxvigil.KindMovement, "m"+id, "b", "medicine=m", "lot="+lot, "quantity=-10", stamp(at)))
		}
	}
	if ledger {
		h.Add("public", record(rxvigil.KindMovement, "begin", "b", "medicine=m", "lot=old", "quantity=250", stamp(end.AddDate(0, 0, -29))))
		h.Add("public", record(rxvigil.KindMovement, "come", "b", "medicine=m", "lot=new", "quantity=100", stamp(came)))
	}
	return h
}

func TestAPackJudgesWhatHasHappened(t *testing.T) {
	t.Parallel()
	r, err := shop(true).Run(config(t, "default"), end.AddDate(0, 0, -20), end)
	if err != nil {
		t.Fatal(err)
	}
	low := r.ByRule["low_stock"]
	if low == nil || low.Raised != 1 || low.Changed != 1 || low.Resolved != 1 || low.Open != 0 || low.Flaps != 0 || len(low.Took) != 1 {
		t.Fatalf("low_stock %+v", low)
	}
	if took := low.Took[0]; took != 4*24*time.Hour { // 30 are left six days before, and 100 come three days before
		t.Errorf("it took %s", took)
	}
	if r.Sales != 19 || r.Days() != 20 || r.Standing != 0 {
		t.Errorf("%d sales in %d days, %d alerts at the start", r.Sales, r.Days(), r.Standing)
	}
	var text strings.Builder
	if err := r.Write(&text); err != nil || !strings.Contains(text.String(), "low_stock") || !strings.Contains(text.String(), "4.0 d") || !strings.Contains(text.String(), "Main") {
		t.Errorf("%v\n%s", err, text.String())
	}
}

func TestWithoutALedgerStockIsEstimatedFromSales(t *testing.T) {
	t.Parallel()
	r, err := shop(false).Run(config(t, "default"), end.AddDate(0, 0, -20), end)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody knows that the new lot came: it always held what it holds, and what was sold of it.
	if low := r.ByRule["low_stock"]; low != nil && low.Raised > 0 {
		t.Errorf("low_stock %+v", low)
	}
	if r.Sales != 19 {
		t.Errorf("%d sales", r.Sales)
	}
}

func TestPacksAreCompared(t *testing.T) {
	t.Parallel()
	h := shop(true)
	running, err := h.Run(config(t, "default"), end.AddDate(0, 0, -20), end)
	if err != nil {
		t.Fatal(err)
	}
	c := config(t, "default")
	if c.Pack, err = c.Pack.Lay("quiet.yaml", []byte("rules:\n  - {id: low_stock, off: true}\n")); err != nil {
		t.Fatal(err)
	}
	tried, err := h.Run(c, end.AddDate(0, 0, -20), end)
	if err != nil {
		t.Fatal(err)
	}
	d := tried.Against(running)
	if len(d.More) != 0 || fmt.Sprint(d.Less) != "[low_stock: Main / Zinc]" && fmt.Sprint(d.Less) != "[low_stock: b / Zinc]" {
		t.Errorf("difference %+v", d)
	}
}

// pharmacy is the life of two branches that sell so many lines a day: stock is ordered when it is down to a week and a half of use,
// comes five days later, and is taken in the order in which it expires.
func pharmacy(seed uint64, medicines, linesADay, days int) *backtest.History {
	random := rand.New(rand.NewPCG(seed, 1))
	h := backtest.NewHistory()
	h.Add("public", record(rxvigil.KindTenant, "t", "", "name=Shop"))
	type lot struct {
		id      string
		expires time.Time
		held    int
	}
	type place struct {
		branch, medicine string
		use              float64
		lots             []*lot
		ordered          time.Time
	}
	var places []*place
	var weights []float64
	sum := 0.0
	for m := range medicines {
		id := fmt.Sprintf("m%03d", m)
		use := float64(linesADay) * 1.5 / float64(2*medicines) // of a shelf and day, by its popularity
		weight := 2 / (1 + float64(m)/float64(medicines)*3)
		h.Add("public", record(rxvigil.KindMedicine, id, "", "name=Medicine "+id, fmt.Sprintf("reorder_level=%d", max(3, int(use*weight*14))), "cost=0.50", "price=0.90"))
		for _, b := range []string{"north", "south"} {
			places = append(places, &place{branch: b, medicine: id, use: use * weight})
			sum += weight
			weights = append(weights, sum)
		}
	}
	for _, b := range []string{"north", "south"} {
		h.Add("public", record(rxvigil.KindBranch, b, "", "name="+b))
	}
	movement := 0
	move := func(p *place, l *lot, n int, at time.Time) {
		movement++
		h.Add("public", record(rxvigil.KindMovement, fmt.Sprint("v", movement), p.branch, "medicine="+p.medicine, "lot="+l.id, fmt.Sprintf("quantity=%d", n), stamp(at)))
		l.held += n
	}
	lots := 0
	var all []*lot
	of := map[*lot]*place{}
	deliver := func(p *place, at time.Time) {
		lots++
		l := &lot{id: fmt.Sprint("l", lots), expires: at.AddDate(0, 0, 60+random.IntN(600))}
		p.lots, all, of[l] = append(p.lots, l), append(all, l), p
		move(p, l, max(5, int(p.use*35)), at)
	}
	start := end.AddDate(0, 0, -days)
	for _, p := range places {
		deliver(p, start)
	}
	for day := range days {
		morning := start.AddDate(0, 0, day).Truncate(24 * time.Hour).Add(8 * time.Hour)
		for _, p := range places {
			left := 0
			for _, l := range p.lots {
				left += l.held
			}
			switch {
			case !p.ordered.IsZero() && morning.Sub(p.ordered) >= 5*24*time.Hour:
				p.ordered = time.Time{}
				deliver(p, morning)
			case p.ordered.IsZero() && float64(left) <= p.use*14:
				p.ordered = morning
			}
		}
		for line := range linesADay {
			at := morning.Add(time.Duration(line) * 10 * time.Hour / time.Duration(linesADay))
			if at.After(end) {
				break
			}
			pick := random.Float64() * sum
			i := 0
			for weights[i] < pick {
				i++
			}
			p, n := places[i], 1+random.IntN(2)
			var from *lot
			for _, l := range p.lots {
				if l.held >= n && l.expires.After(at) && (from == nil || l.expires.Before(from.expires)) {
					from = l
				}
			}
			if from == nil {
				continue // out of stock
			}
			id := fmt.Sprintf("s%d-%d", day, line)
			h.Add("public", record(rxvigil.KindSale, id, p.branch, "status=completed", stamp(at)))
			h.Add("public", record(rxvigil.KindSaleLine, id, "", "sale="+id, "medicine="+p.medicine, "lot="+from.id, fmt.Sprintf("quantity=%d", n), "unit_price=0.90"))
			move(p, from, -n, at)
		}
	}
	for _, l := range all {
		p := of[l]
		h.Add("public", record(rxvigil.KindLot, l.id, p.branch, "medicine="+p.medicine, "number="+l.id, fmt.Sprintf("on_hand=%d", l.held), "expires="+l.expires.Format(time.DateOnly), "cost=0.50"))
	}
	return h
}

// TestAWeekOfTwoBranchesIsToldInAsMuchAsAPharmacistReads states how much the default pack tells of a well kept pharmacy of two branches
// with 300 medicines and 400 lines a day.
func TestAWeekOfTwoBranchesIsToldInAsMuchAsAPharmacistReads(t *testing.T) {
	t.Parallel()
	r, err := pharmacy(7, 300, 400, 120).Run(config(t, "default"), end.AddDate(0, 0, -7), end)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	_ = r.Write(&text)
	t.Log(text.String())
	if a := float64(r.Told) / float64(r.Days()) / 2; a > 20 {
		t.Errorf("%.1f notifications a day and branch are more than anybody reads:\n%s", a, text.String())
	}
	if r.Unexplained != 0 {
		t.Errorf("%d transitions do not say why", r.Unexplained)
	}
	if r.Told == 0 || r.Sales < 2000 {
		t.Errorf("%d notifications of %d sales", r.Told, r.Sales)
	}
}

// BenchmarkBacktest judges 90 days with 50 000 sale lines.
func BenchmarkBacktest(b *testing.B) {
	h := pharmacy(1, 500, 560, 120)
	c := config(b, "default")
	for b.Loop() {
		r, err := h.Run(c, end.AddDate(0, 0, -90), end)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Sales), "sales")
		b.ReportMetric(float64(r.Told), "notifications")
	}
}
