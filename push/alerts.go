package push

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// readBack is how long a command waits for the engine to read it back from the WAL.
const readBack = 5 * time.Second

// alerts answers GET …/alerts.
func (s *Server) alerts(c call) (int, any, error) {
	q, err := c.alertQuery()
	if err != nil {
		return 0, nil, err
	}
	if err := c.who.limit(Filter{Branch: q.Branch}); err != nil {
		return 0, nil, err
	}
	items, next, err := s.Alerts.Alerts(c.Context(), c.tenant.ID, q)
	if err != nil {
		return 0, nil, err
	}
	items = slices.DeleteFunc(items, func(a rxvigil.Alert) bool { return !c.who.seesAlert(&a) }) // a page may be short
	for i := range items {
		s.sayIn(c, &items[i])
	}
	return http.StatusOK, newPage(items, next, c.cursor), nil
}

func (c call) alertQuery() (AlertQuery, error) {
	q := AlertQuery{
		Status: c.param("status"), Severity: rxvigil.Severity(c.param("severity")),
		Rule: c.param("rule"), Branch: rxvigil.Branch(c.param("branch")),
	}
	if err := c.only("status", "severity", "rule", "branch", "lang", "limit", "after"); err != nil {
		return q, err
	}
	if q.Status == "" {
		q.Status = "open"
	}
	if known := []string{"open", "all", "pending", "firing", "acknowledged", "snoozed", "resolved"}; !slices.Contains(known, q.Status) {
		return q, bad("status %.20q is not one of %v", q.Status, known)
	}
	if q.Severity != "" && q.Severity.Rank() == 0 {
		return q, bad("severity %.20q is not one of [info warning high critical]", q.Severity)
	}
	var err error
	q.Page, err = c.paging()
	return q, err
}

// alert answers GET …/alerts/{id}.
func (s *Server) alert(c call) (int, any, error) {
	a, history, err := s.Alerts.Alert(c.Context(), c.tenant.ID, c.PathValue("id"))
	if err == nil && !c.who.seesAlert(&a) {
		err = ErrNotFound
	}
	if err != nil {
		return 0, nil, err
	}
	if history == nil {
		history = []HistoryLine{}
	}
	s.sayIn(c, &a)
	return http.StatusOK, alertBody{a, history}, nil
}

// sayIn says an alert in the language that is asked for. What has ended keeps the words it ended with.
func (s *Server) sayIn(c call, a *rxvigil.Alert) {
	if language := c.param("lang"); language != "" && a.Status != rxvigil.Resolved {
		a.Message = s.Alerts.Say(a, language)
	}
}

// alertBody is an alert with its history, oldest line first.
type alertBody struct {
	Alert   rxvigil.Alert `json:"alert"`
	History []HistoryLine `json:"history"`
}

// acknowledge answers POST …/alerts/{id}/acknowledge.
func (s *Server) acknowledge(c call) (int, any, error) { return s.act(c, Acknowledge) }

// snooze answers POST …/alerts/{id}/snooze.
func (s *Server) snooze(c call) (int, any, error) { return s.act(c, Snooze) }

// unsnooze answers POST …/alerts/{id}/unsnooze.
func (s *Server) unsnooze(c call) (int, any, error) { return s.act(c, Unsnooze) }

// actionBody is what an action may say. Until is RFC 3339, For a duration such as 8h or 3d.
type actionBody struct {
	Note  string `json:"note"`
	By    string `json:"by"`
	Until string `json:"until"`
	For   string `json:"for"`
}

func (s *Server) act(c call, v Verb) (int, any, error) {
	var body actionBody
	if err := decode(c.Body, &body); err != nil {
		return 0, nil, err
	}
	a, err := newAction(v, c.PathValue("id"), body, time.Now())
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), readBack)
	defer cancel()
	o, err := s.actAs(ctx, c.tenant.ID, c.who, a)
	if err != nil {
		return 0, nil, err
	}
	status, answer := o.answer()
	return status, answer, nil
}

// actAs carries an action out on behalf of a caller, who must be able to see the alert, and under the caller's name.
func (s *Server) actAs(ctx context.Context, t rxvigil.Tenant, who *rights, a Action) (Outcome, error) {
	if who != nil {
		if seen, _, err := s.Alerts.Alert(ctx, t, a.Alert); err != nil {
			return Outcome{}, err
		} else if !who.seesAlert(&seen) {
			return Outcome{}, ErrNotFound
		}
		a.By = who.User
	}
	return s.Commander.Act(ctx, t, a)
}

// newAction checks what a person asked for.
func newAction(v Verb, alert string, body actionBody, now time.Time) (Action, error) {
	a := Action{Verb: v, Alert: alert, Note: body.Note, By: body.By}
	if alert == "" || len(alert) > 200 {
		return a, bad("alert is not an alert's id")
	}
	if len(body.Note) > 2000 || len(body.By) > 200 {
		return a, bad("note may have 2000 bytes, by 200")
	}
	if v != Snooze {
		if body.Until != "" || body.For != "" {
			return a, bad("until and for belong to snooze")
		}
		return a, nil
	}
	var err error
	a.Until, err = snoozeUntil(body, now)
	return a, err
}

func snoozeUntil(body actionBody, now time.Time) (until time.Time, err error) {
	switch {
	case (body.Until == "") == (body.For == ""):
		return until, bad("snooze needs until (RFC 3339) or for (such as 8h or 3d)")
	case body.Until != "":
		until, err = time.Parse(time.RFC3339, body.Until)
	default:
		var d time.Duration
		d, err = span(body.For)
		until = now.Add(d)
	}
	if err != nil || !until.After(now) || until.After(now.AddDate(1, 0, 0)) {
		return until, bad("snooze ends within a year from now, as until (RFC 3339) or for (such as 8h or 3d)")
	}
	return until.UTC(), nil
}

// span reads a duration; 3d is 72 hours.
func span(s string) (time.Duration, error) {
	days, ok := strings.CutSuffix(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	return time.Duration(n) * 24 * time.Hour, err
}

// applied is the answer to a command that the engine has read back.
type applied struct {
	Applied bool           `json:"applied"`
	Alert   *rxvigil.Alert `json:"alert,omitempty"`
	Cursor  string         `json:"cursor"`
}

// accepted is the answer to one that it has not, yet. Cursor is a place that the command cannot come before.
type accepted struct {
	Operation string `json:"operation"`
	Cursor    string `json:"cursor"`
}

func (o Outcome) answer() (int, any) {
	if o.Done {
		return http.StatusOK, applied{o.Applied, o.Alert, o.Cursor.String()}
	}
	return http.StatusAccepted, accepted{o.Operation, o.Cursor.String()}
}
