package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/rxvigil/rxvigil"
)

// Limits of lists.
const (
	defaultLimit = 100
	maxLimit     = 200
)

// page is a list as it is answered. Cursor was taken before the read: events after it are news to the list.
type page[T any] struct {
	Items  []T     `json:"items"`
	Next   *string `json:"next"`
	Cursor string  `json:"cursor"`
}

func newPage[T any](items []T, next string, at rxvigil.Position) page[T] {
	p := page[T]{Items: items, Cursor: at.String()}
	if items == nil {
		p.Items = []T{}
	}
	if next != "" {
		p.Next = &next
	}
	return p
}

// call is a request to the REST desk, with what every answer needs.
type call struct {
	*http.Request
	tenant Tenant
	who    *rights
	cursor rxvigil.Position // the head, taken before anything is read
}

// desk is a REST route of one tenant: it answers what answer gives as JSON, or the problem that its error stands for.
func (s *Server) desk(answer func(call) (status int, body any, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		head, started := s.Log.Head()
		if !started {
			writeProblem(w, problemStarting)
			return
		}
		t, who, ok := s.admit(w, r, r.PathValue("tenant"), noTenant(w))
		if !ok {
			return
		}
		status, body, err := answer(call{r, t, who, head})
		if err != nil {
			writeProblem(w, s.problemOf(err))
			return
		}
		writeJSON(w, status, body)
	}
}

// badRequest is an error that the client can mend.
type badRequest struct{ detail string }

// Error implements error.
func (b badRequest) Error() string { return b.detail }

func bad(format string, args ...any) error { return badRequest{fmt.Sprintf(format, args...)} }

// problemOf is the problem document for an error. What went wrong behind us is logged, not told.
func (s *Server) problemOf(err error) problem {
	var (
		b badRequest
		f forbidden
	)
	switch {
	case errors.As(err, &b):
		s.metrics.bad.WithLabelValues("request").Inc()
		return problemBadRequest.with(b.detail)
	case errors.As(err, &f):
		s.metrics.refused.WithLabelValues("forbidden").Inc()
		return problemForbidden.with(string(f))
	case errors.Is(err, ErrBadPage):
		return problemBadRequest.with("after is not a key that this list gave as next")
	case errors.Is(err, ErrNotFound):
		return problemNotFound
	case errors.Is(err, ErrBusy):
		return problemBusy
	case errors.Is(err, ErrTooMuch):
		return problemBadRequest.with(err.Error() + ": use rxvigil rules backtest")
	}
	s.Logger.Error("desk cannot answer", "error", err)
	return problemUnavailable
}

// decode reads a body strictly: one JSON value, no key that we do not know. An empty body is the zero value.
func decode(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil && d.More() {
		err = errors.New("there is more than one value")
	}
	if err != nil {
		return bad("body: %v", err)
	}
	return nil
}

// paging reads limit and after.
func (c call) paging() (Page, error) {
	p := Page{Limit: defaultLimit, After: c.param("after")}
	if s := c.param("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			return p, bad("limit %.20q is not a number from 1 to %d", s, maxLimit)
		}
		p.Limit = n
	}
	return p, nil
}

func (c call) param(name string) string { return c.URL.Query().Get(name) }

// only refuses query parameters that the route does not know: a misspelt filter must not be no filter.
func (c call) only(names ...string) error {
next:
	for given := range c.URL.Query() {
		for _, name := range names {
			if given == name {
				continue next
			}
		}
		return bad("parameter %.40q is not one of %v", given, names)
	}
	return nil
}
