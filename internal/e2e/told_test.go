//go:build e2e

package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

// ledger is the app's own account of one tenant at a time when nobody worked: what viewers are told from then on must add
// up to what the app's tables say at the end.
type ledger struct {
	from          int    // index of the viewer's next event
	position      string // the place in the log behind which the events lie
	sales         string // highest number
	prescriptions string // highest number
	stock         map[string]level
}

// level is the stock of one medicine in one branch.
type level struct {
	OnHand    json.Number `json:"on_hand"`
	Reserved  json.Number `json:"reserved"`
	Available json.Number `json:"available"`
}

const highestSQL = `
	SELECT coalesce(max(sale_number), 0)::text FROM sales
	UNION ALL
	SELECT coalesce(max(prescription_number), 0)::text FROM prescriptions`

const stockSQL = `
	SELECT format('%s %s|%s|%s|%s', i.branch_id, i.product_id, sum(quantity_on_hand), sum(quantity_reserved),
	              coalesce(sum(quantity_on_hand - quantity_reserved)
	                       FILTER (WHERE expiry_date IS NULL OR expiry_date >= (now() AT TIME ZONE t.zone)::date), 0))
	FROM inventory i JOIN tenants t ON t.id = i.tenant_id WHERE t.id::text = $1 GROUP BY i.branch_id, i.product_id`

func (s *scene) stock(tenant string) map[string]level {
	s.t.Helper()
	all := map[string]level{}
	for _, row := range s.server.texts(stockSQL, tenant) {
		f := strings.Split(row, "|")
		all[f[0]] = level{json.Number(f[1]), json.Number(f[2]), json.Number(f[3])}
	}
	return all
}

// mark opens the ledgers. Nobody may be at work.
func (s *scene) mark() {
	s.t.Helper()
	s.end()
	s.ledgers = nil
	highest := s.server.texts(highestSQL)
	for i, v := range s.views {
		seen := v.seen()
		s.ledgers = append(s.ledgers, ledger{len(seen), seen[len(seen)-1].ID, highest[0], highest[1], s.stock(tenants[i].id)})
	}
}

// checkTold compares what a viewer was told since the mark with what the log tells in one piece, and with the app's tables.
func (s *scene) checkTold(tenant string, v *viewer, l ledger) {
	s.t.Helper()
	events := v.seen()[l.from:]
	if err := ordered(events); err != nil {
		s.t.Error(err)
	}
	s.checkReplay(v, events, l.position)
	sales := s.checkDocuments(tenant, events, "sale", `
		SELECT format('%s %s', sale_number, status) FROM sales WHERE tenant_id::text = $1 AND sale_number > $2::bigint`, l.sales)
	prescriptions := s.checkDocuments(tenant, events, "prescription", `
		SELECT format('%s %s', prescription_number, status) FROM prescriptions
		WHERE tenant_id::text = $1 AND prescription_number > $2::bigint`, l.prescriptions)
	levels := s.checkLevels(tenant, events, l.stock)
	transitions := s.checkTransitions(tenant, events, l.position)
	s.t.Logf("tenant %s was told %d sales, %d prescriptions, %d levels of stock, %d transitions of alerts",
		tenant, sales, prescriptions, levels, transitions)
}

// checkReplay wants that a viewer who comes only now, with the cursor of the mark, is told the very same.
func (s *scene) checkReplay(v *viewer, events []event, after string) {
	s.t.Helper()
	late, leave := watchFrom(s.t, s.engine, v.tenant, after)
	defer leave()
	if len(events) > 0 {
		last := events[len(events)-1].ID
		late.sees("what was last", func(e event) bool { return e.ID == last })
	}
	if diff := gocmp.Diff(lines(late.seen()), lines(events)); diff != "" {
		s.t.Errorf("the viewer of %s (-replayed +told live):\n%s", v.tenant, tail(diff, 4000))
	}
}

func lines(events []event) (all []string) {
	for _, e := range events {
		all = append(all, fmt.Sprintf("%s %s %s last %v: %s", e.ID, e.Type, e.Branch, e.Last, e.Data))
	}
	return all
}

// appWords are the app's words for what we call differently.
var appWords = map[string]string{"sale pending": "open", "prescription partial": "partially_dispensed"}

// checkDocuments wants every document of the app created exactly once, and told last as it stands.
func (s *scene) checkDocuments(tenant string, events []event, kind, sql, after string) int {
	s.t.Helper()
	got, created := map[string]string{}, map[string]int{}
	for _, e := range events {
		if !strings.HasPrefix(e.Type, kind+"_") {
			continue
		}
		var d struct{ Number, Status string }
		if err := json.Unmarshal(e.Data, &d); err != nil {
			s.t.Fatalf("%s: %v", e.Data, err)
		}
		if e.Type == kind+"_created" {
			created[d.Number]++
		}
		if created[d.Number] > 0 {
			got[d.Number] = cmp.Or(appWords[kind+" "+d.Status], d.Status)
		}
	}
	for number, n := range created {
		if n != 1 {
			s.t.Errorf("tenant %s: %s %s was created %d times", tenant, kind, number, n)
		}
	}
	want := map[string]string{}
	for _, row := range s.server.texts(sql, tenant, after) {
		number, status, _ := strings.Cut(row, " ")
		want[number] = status
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		s.t.Errorf("tenant %s, %ss (-tables +told):\n%s", tenant, kind, diff)
	}
	return len(want)
}

// checkLevels wants an unbroken chain of stock levels, from what stood on the shelves to what stands there now.
func (s *scene) checkLevels(tenant string, events []event, from map[string]level) int {
	s.t.Helper()
	now, links := maps.Clone(from), 0
	for _, e := range events {
		if e.Type != "stock_level_changed" {
			continue
		}
		var d struct {
			ID            string
			Before, After *level
		}
		if err := json.Unmarshal(e.Data, &d); err != nil || d.Before == nil || d.After == nil {
			s.t.Fatalf("%s: %v", e.Data, err)
		}
		key := e.Branch + " " + d.ID
		if now[key] != *d.Before {
			s.t.Errorf("tenant %s, stock of %s: told %v, then from %v to %v (%s)", tenant, key, now[key], *d.Before, *d.After, e.ID)
		}
		now[key] = *d.After
		links++
	}
	if diff := gocmp.Diff(s.stock(tenant), now); diff != "" {
		s.t.Errorf("tenant %s, stock (-tables +told):\n%s", tenant, diff)
	}
	return links
}

const historySQL = `
	SELECT format('%s %s %s %s %s', lsn - '0/0', ordinal, event, alert_id, version) FROM rxvigil.alert_history
	WHERE tenant = $1 AND epoch = $2 AND (lsn - '0/0', ordinal) > ($3::numeric, $4) ORDER BY lsn, ordinal`

// checkTransitions wants exactly the transitions that the alert store holds, under the names of their places.
func (s *scene) checkTransitions(tenant string, events []event, after string) int {
	s.t.Helper()
	p, err := rxvigil.ParsePosition(after)
	if err != nil {
		s.t.Fatal(err)
	}
	got := []string{}
	for _, e := range events {
		if !strings.HasPrefix(e.Type, "alert_") {
			continue
		}
		var a alert
		if err := json.Unmarshal(e.Data, &a); err != nil {
			s.t.Fatalf("%s: %v", e.Data, err)
		}
		at, err := rxvigil.ParsePosition(e.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %d %s %s %d", at.LSN, at.Ordinal, e.Type, a.ID, a.Version))
	}
	want := s.server.texts(historySQL, tenant, p.Epoch, fmt.Sprint(p.LSN), int64(p.Ordinal))
	if diff := gocmp.Diff(want, got); diff != "" {
		s.t.Errorf("tenant %s, transitions (-stored +told):\n%s", tenant, diff)
	}
	return len(want)
}
