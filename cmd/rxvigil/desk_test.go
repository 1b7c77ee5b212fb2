package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// shownAlert is an alert as a client reads it.
type shownAlert struct {
	ID, Rule, Severity, Status, Rung, Branch, Tenant string
	Subject                                          struct{ ID, Name string }
	AcknowledgedBy                                   string    `json:"acknowledged_by"`
	SnoozedUntil                                     time.Time `json:"snoozed_until"`
	Note                                             string
	Version                                          int
	Threshold                                        struct {
		Value  any
		Source string
	}
}

const testpharmacy = "/api/tenant/testpharmacy"

// ask reads a path into a value.
func ask[T any](s *service, path string) (v T) {
	s.t.Helper()
	body := s.get(path)
	if err := json.Unmarshal(body, &v); err != nil {
		s.t.Fatalf("GET %s: %v in %s", path, err, body)
	}
	return v
}

type listed[T any] struct {
	Items  []T
	Next   *string
	Cursor string
}

// pages walks a list to its end.
func pages[T any](s *service, path string) (all []T) {
	s.t.Helper()
	after := ""
	for range 1000 {
		p := ask[listed[T]](s, path+after)
		if _, err := rxvigil.ParsePosition(p.Cursor); err != nil {
			s.t.Fatalf("GET %s: cursor: %v", path, err)
		}
		all = append(all, p.Items...)
		if p.Next == nil {
			return all
		}
		after = "&after=" + url.QueryEscape(*p.Next)
	}
	s.t.Fatalf("GET %s never ends", path)
	return nil
}

// do posts an action on an alert.
func (s *service) do(id, verb, body string, want int) (applied bool, a shownAlert, cursor string) {
	s.t.Helper()
	status, answer := s.post(testpharmacy+"/alerts/"+id+"/"+verb, body)
	var got struct {
		Applied bool
		Alert   shownAlert
		Cursor  string
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != want {
		s.t.Fatalf("%s: %d %s, want %d", verb, status, answer, want)
	}
	return got.Applied, got.Alert, got.Cursor
}

// oneAlert is the open alert of a rule about a medicine in Bole.
func oneAlert(s *service, rule, medicine string) shownAlert {
	s.t.Helper()
	for _, a := range pages[shownAlert](s, testpharmacy+"/alerts?rule="+rule+"&branch=11") {
		if a.Subject.ID == medicine {
			return a
		}
	}
	s.t.Fatalf("no open %s of %s", rule, medicine)
	return shownAlert{}
}

type detail struct {
	Alert   shownAlert
	History []struct{ Event, From, To, By, Note, Cursor string }
}

func (d detail) events() (all []string) {
	for _, h := range d.History {
		all = append(all, h.Event)
	}
	return all
}

func setStock(t testing.TB, dsn string, medicine, quantity int) {
	t.Helper()
	pgtest.Exec(t, dsn, fmt.Sprintf("UPDATE inventory SET quantity_on_hand = %d WHERE product_id = %d AND branch_id = 11", quantity, medicine))
}

func TestWhatPeopleDoWithAlertsGoesThroughTheWAL(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	low := oneAlert(s, "low_stock", "1001")
	path := testpharmacy + "/alerts/" + low.ID
	v := watch(t, s, "sse", "1")
	v.connected(t)

	applied, a, cursor := s.do(low.ID, "acknowledge", `{"note": "Ordered", "by": "Hana"}`, http.StatusOK)
	if !applied || a.Status != "acknowledged" || a.AcknowledgedBy != "Hana" || a.Note != "Ordered" || a.ID != low.ID {
		t.Errorf("acknowledge gives %v %+v", applied, a)
	}
	i := v.until(t, 0, "the acknowledgement", func(e envelope) bool { return e.Type == "alert_acknowledged" && e.Data["id"] == low.ID })
	told := v.seen(i, i+1)[0]
	if p, q := position(t, told.ID), position(t, cursor); p.LSN != q.LSN || p.Compare(q) > 0 {
		t.Errorf("it was told at %s, the answer says %s", told.ID, cursor)
	}
	_, again, _ := s.do(low.ID, "acknowledge", `{"note": "Ordered", "by": "Hana"}`, http.StatusOK)
	d := ask[detail](s, path)
	if got, want := d.events(), []string{"alert_raised", "alert_acknowledged"}; !slices.Equal(got, want) {
		t.Errorf("history is %v, want %v", got, want)
	}
	if last := d.History[len(d.History)-1]; again.Status != "acknowledged" || last.By != "Hana" || last.Note != "Ordered" || last.Cursor != told.ID {
		t.Errorf("history says %+v, told at %s; again gives %+v", last, told.ID, again)
	}

	applied, a, _ = s.do(low.ID, "snooze", `{"for": "2h", "by": "Hana"}`, http.StatusOK)
	if in := time.Until(a.SnoozedUntil); !applied || a.Status != "snoozed" || in < 110*time.Minute || in > 2*time.Hour {
		t.Errorf("snooze gives %v %+v", applied, a)
	}
	s.kill()
	s.start()
	s.ready()
	if a := ask[detail](s, path).Alert; a.Status != "snoozed" {
		t.Errorf("a restart makes it %s", a.Status)
	}
	applied, a, _ = s.do(low.ID, "unsnooze", `{"by": "Hana"}`, http.StatusOK)
	if !applied || a.Status == "snoozed" || a.Status == "resolved" {
		t.Errorf("unsnooze gives %v %+v", applied, a)
	}
	for verb, body := range map[string]string{"snooze": `{"for": "-2h"}`, "acknowledge": `{"until": "tomorrow"}`} {
		if status, answer := s.post(path+"/"+verb, body); status != http.StatusBadRequest || !strings.Contains(answer, "/problems/bad-request") {
			t.Errorf("%s %s gives %d %s", verb, body, status, answer)
		}
	}

	setStock(t, dsn, 1001, 400)
	v.until(t, 0, "the end", func(e envelope) bool { return e.Type == "alert_resolved" && e.Data["id"] == low.ID })
	for _, verb := range []string{"acknowledge", "unsnooze"} {
		applied, a, _ = s.do(low.ID, verb, `{"by": "Hana"}`, http.StatusOK)
		if applied || a.Status != "resolved" || a.ID != low.ID {
			t.Errorf("%s of a resolved alert gives %v %+v", verb, applied, a)
		}
	}
	d = ask[detail](s, path)
	if got := d.events(); got[len(got)-1] != "alert_resolved" {
		t.Errorf("history is %v", got)
	}
	for n, h := range d.History[1:] {
		if position(t, d.History[n].Cursor).Compare(position(t, h.Cursor)) >= 0 {
			t.Errorf("history does not rise: %+v", d.History)
		}
	}
	for _, path := range []string{"/alerts/nothing/acknowledge", "/alerts/" + low.ID + "x/acknowledge"} {
		if status, answer := s.post(testpharmacy+path, `{}`); status != http.StatusNotFound {
			t.Errorf("POST %s gives %d %s", path, status, answer)
		}
	}
	if status, answer := s.post("/api/tenant/lifeline/alerts/"+low.ID+"/acknowledge", `{}`); status != http.StatusNotFound {
		t.Errorf("another tenant's alert gives %d %s", status, answer)
	}
}

func position(t testing.TB, cursor string) rxvigil.Position {
	t.Helper()
	p, err := rxvigil.ParsePosition(cursor)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEventsOfTheAppsOwnAreHeardIfTheyCommit(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	mine, other := watch(t, s, "sse", "testpharmacy"), watch(t, s, "websocket", "lifeline")
	mine.connected(t)
	other.connected(t)

	for _, body := range []string{
		`{"type": "fridge_open", "branch": "11", "data": {"minutes": 7, "price": 12.30}}`,
		`{"events": [{"type": "van_left", "data": {"n": 1}}, {"type": "van_came", "data": {"n": 2}}, {"type": "notification", "data": {"message": "Tea"}}]}`,
	} {
		if status, answer := s.post(testpharmacy+"/events", body); status != http.StatusOK || !strings.Contains(answer, `"applied":true`) {
			t.Fatalf("%s gives %d %s", body, status, answer)
		}
	}
	for _, bad := range []string{
		`{"events": [{"type": "van_left", "data": {"n": 3}}, {"type": "sale_created", "data": {}}]}`, // all or none
		`{"events": [{"type": "van_left", "data": {"n": 4}}, {"type": "van_came", "data": []}]}`,
	} {
		if status, answer := s.post(testpharmacy+"/events", bad); status != http.StatusBadRequest {
			t.Errorf("%s gives %d %s", bad, status, answer)
		}
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, sql := range []string{
		"BEGIN", "SELECT rxvigil.notify('testpharmacy', 'undone', '{}')", "UPDATE inventory SET quantity_on_hand = 0", "ROLLBACK",
		"BEGIN", "SELECT rxvigil.notify('1', 'done', '{\"n\": 1}')", "SAVEPOINT s", "SELECT rxvigil.notify('1', 'undone', '{}')",
		"ROLLBACK TO s", "SELECT rxvigil.notify('1', 'done', '{\"n\": 2}')", "COMMIT",
		"SELECT rxvigil.notify('lifeline', 'theirs', '{}')", "SELECT rxvigil.notify('1', 'end', '{}')",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	end := mine.until(t, 0, "the end", func(e envelope) bool { return e.Type == "end" })
	var got []string
	for _, e := range mine.seen(0, end) {
		if e.Tenant != "1" {
			t.Errorf("not of this tenant: %s", e.raw)
		}
		got = append(got, fmt.Sprint(e.Type, e.Branch, e.Last))
	}
	if want := []string{
		"fridge_open11true", "van_leftfalse", "van_camefalse", "notificationtrue", "donefalse", "donetrue",
	}; !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
	if first := mine.seen(0, 1)[0]; !strings.Contains(first.raw, `"data":{"minutes":7,"price":12.30}`) || !strings.Contains(first.raw, `"topic":"notifications"`) {
		t.Errorf("the data changed on the way: %s", first.raw)
	}
	if i := other.until(t, 0, "its own", func(envelope) bool { return true }); other.seen(i, i+1)[0].Type != "theirs" {
		t.Errorf("the other tenant heard %s", other.seen(i, i+1)[0].raw)
	}
}

// manyAlerts leaves open and ended alerts of several rules.
func manyAlerts(t testing.TB, dsn string, s *service) {
	t.Helper()
	v := watch(t, s, "sse", "1")
	v.connected(t)
	for i := range 4 {
		for _, medicine := range []int{1002, 1003, 1005, 1008} {
			setStock(t, dsn, medicine, 0)
			setStock(t, dsn, medicine, 500+i)
		}
	}
	setStock(t, dsn, 1010, 1)
	pgtest.Exec(t, dsn, "SELECT rxvigil.notify('1', 'end', '{}')")
	v.until(t, 0, "the end", func(e envelope) bool { return e.Type == "end" })
}

func TestListsPageWithoutGapOrRepeat(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	manyAlerts(t, dsn, s)
	all := pages[shownAlert](s, testpharmacy+"/alerts?status=all&limit=200")
	statuses := map[string]int{}
	for _, a := range all {
		statuses[a.Status]++
	}
	if statuses["resolved"] < 16 || statuses["firing"] < 10 {
		t.Fatalf("there are %v", statuses)
	}
	same := func(path string, got, want []shownAlert) {
		t.Helper()
		ids := func(as []shownAlert) (out []string) {
			for _, a := range as {
				out = append(out, a.ID)
			}
			return out
		}
		if !slices.Equal(ids(got), ids(want)) {
			t.Errorf("%s gives %d alerts, want %d:\n%v\n%v", path, len(got), len(want), ids(got), ids(want))
		}
	}
	seen := map[string]bool{}
	for _, a := range all {
		seen[a.ID] = true
	}
	if len(seen) != len(all) {
		t.Errorf("%d alerts under %d ids", len(all), len(seen))
	}
	for _, limit := range []int{1, 3, 7, 16, statuses["firing"]} {
		path := fmt.Sprintf(testpharmacy+"/alerts?status=all&limit=%d", limit)
		same(path, pages[shownAlert](s, path), all)
	}
	for query, keep := range map[string]func(shownAlert) bool{
		"":                                     func(a shownAlert) bool { return a.Status != "resolved" },
		"&status=open&severity=critical":       func(a shownAlert) bool { return a.Status != "resolved" && a.Severity == "critical" },
		"&status=firing&rule=expiry":           func(a shownAlert) bool { return a.Status == "firing" && a.Rule == "expiry" },
		"&status=resolved":                     func(a shownAlert) bool { return a.Status == "resolved" },
		"&status=resolved&severity=warning":    func(a shownAlert) bool { return a.Status == "resolved" && a.Severity == "warning" },
		"&status=resolved&severity=critical":   func(a shownAlert) bool { return a.Status == "resolved" && a.Severity == "critical" },
		"&status=all&rule=low_stock&branch=11": func(a shownAlert) bool { return a.Rule == "low_stock" && a.Branch == "11" },
		"&status=all&branch=12":                func(a shownAlert) bool { return a.Branch == "12" || a.Branch == "" },
		"&status=snoozed":                      func(shownAlert) bool { return false },
	} {
		var want []shownAlert
		for _, a := range all {
			if keep(a) {
				want = append(want, a)
			}
		}
		same(query, pages[shownAlert](s, testpharmacy+"/alerts?limit=4"+query), want)
	}
}

func TestDeskShowsTheShelvesAsTheyAre(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	manyAlerts(t, dsn, s)
	type line struct {
		Medicine            struct{ ID, Name string }
		Branch              *struct{ ID, Name string }
		OnHand, Available   *float64
		Status              string
		Lots                []struct{ Number, Expires string }
		Lot                 struct{ Number string }
		Days                int
		Rung                string
		ReorderLevel, Price json.Number
	}
	key := func(l line) string {
		return l.Medicine.ID + "@" + cmp.Or(l.Branch, &struct{ ID, Name string }{}).ID + l.Lot.Number
	}
	stock := pages[line](s, testpharmacy+"/stock?limit=200")
	if len(stock) != 50 {
		t.Errorf("stock has %d lines, want 25 medicines in 2 branches", len(stock))
	}
	small := pages[line](s, testpharmacy+"/stock?limit=7")
	if !slices.EqualFunc(stock, small, func(a, b line) bool { return key(a) == key(b) }) {
		t.Error("pages of 7 differ from one of 200")
	}
	one := pages[line](s, testpharmacy+"/stock?limit=5&branch=11&medicine=1010")
	if len(one) != 1 || *one[0].Available != 2 || one[0].Status != "low" || one[0].Branch.Name != "Bole" || len(one[0].Lots) != 2 {
		t.Errorf("Omeprazole in Bole: %+v", one)
	}
	if found := pages[line](s, testpharmacy+"/stock?limit=5&q=OMEPRA"); len(found) != 2 {
		t.Errorf("searching finds %+v", found)
	}
	soon := pages[line](s, testpharmacy+"/expiring?within=30d&limit=2")
	var got []string
	for _, l := range soon {
		got = append(got, fmt.Sprint(l.Lot.Number, " ", l.Days, " ", l.Rung))
	}
	if want := []string{"BOL-19A -3 expired", "BOL-11A 5 expires_7", "PIA-09A 7 expires_7", "BOL-22A 20 expires_30", "PIA-18A 28 expires_30"}; !slices.Equal(got, want) {
		t.Errorf("expiring: %q, want %q", got, want)
	}
	stats := ask[struct {
		Lag          struct{ Bytes, Seconds float64 }
		Events       map[string]struct{ Total int }
		Alerts       map[string]int
		AlertsByRule map[string]int `json:"alerts_by_rule"`
		Engine       struct {
			Status, Epoch string
			Faults        int
		}
		Latency struct {
			P50 *float64 `json:"p50_ms"`
		}
		MedicineCount int `json:"medicine_count"`
	}](s, testpharmacy+"/stats")
	if stats.Engine.Status != "live" || stats.Engine.Epoch == "" || stats.Engine.Faults != 0 || stats.MedicineCount != 25 ||
		stats.Events["alert_raised"].Total < 31 || stats.Alerts["critical"] == 0 || stats.AlertsByRule["low_stock"] == 0 || stats.Latency.P50 == nil {
		t.Errorf("stats: %+v", stats)
	}
	foreign := ask[listed[line]](s, "/api/tenant/lifeline/stock?limit=200")
	for _, l := range foreign.Items {
		if !strings.HasPrefix(l.Medicine.ID, "2") {
			t.Errorf("lifeline sees %+v", l)
		}
	}
}
