package push

import (
	"net/http"
	"strconv"
	"strings"
)

// ruleBookBody is by which rules a tenant is judged. Backtest is null where none was made since the start, and for whom it is
// not granted.
type ruleBookBody struct {
	Items    []RuleItem `json:"items"`
	Backtest *Backtest  `json:"backtest"`
	Cursor   string     `json:"cursor"`
}

// rules answers GET …/rules.
func (s *Server) rules(c call) (int, any, error) {
	if err := c.only(); err != nil {
		return 0, nil, err
	}
	items, err := s.RuleBook.Rules(c.Context(), c.tenant.ID)
	if err != nil {
		return 0, nil, err
	}
	body := ruleBookBody{Items: items, Cursor: c.cursor.String()}
	if c.who.looksAfter() {
		body.Backtest = s.RuleBook.LastBacktest(c.tenant.ID)
	}
	return http.StatusOK, body, nil
}

// The window of a backtest, in days.
const (
	backtestDays = 30
	mostBacktest = 366
)

// backtest answers POST …/rules/backtest. It tells of every branch and every topic, so it is for those who look after the engine.
func (s *Server) backtest(c call) (int, any, error) {
	if err := c.only("days"); err != nil {
		return 0, nil, err
	}
	if !c.who.looksAfter() {
		return 0, nil, forbidden("a backtest is not granted to the role " + c.who.Role)
	}
	days := backtestDays
	if text := c.param("days"); text != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
		if err != nil || n < 1 || n > mostBacktest {
			return 0, nil, bad("days %.20q is not a number from 1 to %d", text, mostBacktest)
		}
		days = n
	}
	b, err := s.RuleBook.Backtest(c.Context(), c.tenant.ID, days)
	return http.StatusOK, b, err
}
