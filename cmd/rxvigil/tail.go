package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newTail() *cobra.Command {
	c := &cobra.Command{Use: "tail", Short: "Follow a tenant's events in the terminal; resumes by itself"}
	base := c.Flags().String("url", "http://127.0.0.1:8080", "where the service is")
	tenant := c.Flags().String("tenant", "", "tenant: id or subdomain")
	topics := c.Flags().StringSlice("topic", nil, "inventory, sales, prescriptions, patients, notifications (default: all)")
	after := c.Flags().String("after", "", "begin behind this cursor (default: now)")
	token := c.Flags().String("token", os.Getenv("RXVIGIL_TOKEN"), "who asks, where the service wants to know (default: $RXVIGIL_TOKEN)")
	asJSON := c.Flags().Bool("json", false, "print the envelopes as they are")
	oneWordOf(c, "topic", topicNames...)
	c.RunE = func(c *cobra.Command, _ []string) error {
		for _, topic := range *topics {
			if !slices.Contains(topicNames, topic) {
				return usage(fmt.Errorf("--topic %s: there are %s", topic, strings.Join(topicNames, ", ")))
			}
		}
		if *tenant == "" {
			return usage(errors.New("which tenant? Say --tenant testpharmacy"))
		}
		t := &tailer{out: c.OutOrStdout(), notes: c.ErrOrStderr(), json: *asJSON, cursor: *after, tenant: *tenant, token: *token}
		t.url = strings.TrimRight(*base, "/") + "/api/tenant/" + url.PathEscape(*tenant) + "/stream?topics=" + url.QueryEscape(strings.Join(*topics, ","))
		return t.run(c.Context())
	}
	return c
}

// topicNames are what a stream can be narrowed to.
var topicNames = []string{"inventory", "sales", "prescriptions", "patients", "notifications"} //nolint:gochecknoglobals // never written

// tailer is a subscriber over SSE.
type tailer struct {
	url        string
	tenant     string
	token      string
	out, notes io.Writer
	json       bool
	cursor     string
}

// errRefused is an answer that trying again does not change.
var errRefused = errors.New("refused")

func (t *tailer) run(ctx context.Context) error {
	for try := 0; ; try++ {
		got, err := t.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errRefused) {
			return err
		}
		if got {
			try = 0
		}
		pause := time.Duration(rand.Int64N(int64(min(500*time.Millisecond<<min(try, 6), 20*time.Second)))) + 100*time.Millisecond
		fmt.Fprintf(t.notes, "rxvigil: stream ended (%v), again in %s\n", err, pause.Round(time.Millisecond))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// follow reads one connection to its end.
func (t *tailer) follow(ctx context.Context) (got bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", "text/event-stream")
	if t.token != "" {
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	if t.cursor != "" {
		req.Header.Set("Last-Event-ID", t.cursor)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return false, t.refused(resp)
	}
	lines := bufio.NewReaderSize(resp.Body, 1<<20)
	var event, id, data string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return got, err
		}
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			event = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if event != "" {
				got = true
				t.show(event, data)
			}
			if id != "" {
				t.cursor = id
			}
			event, id, data = "", "", ""
		}
	}
}

// refused says why there is no stream, in the service's words if it has any.
func (t *tailer) refused(resp *http.Response) error {
	if resp.StatusCode == http.StatusNotFound {
		return fmt.Errorf("%w: there is no tenant %q at %s", errRefused, t.tenant, resp.Request.URL.Host)
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	var problem struct{ Title, Detail string }
	if json.Unmarshal(body, &problem) == nil && problem.Title != "" {
		return fmt.Errorf("%w: %s", errRefused, strings.TrimSuffix(problem.Title+": "+problem.Detail, ": "))
	}
	return fmt.Errorf("%w: %s", errRefused, resp.Status)
}

func (t *tailer) show(event, data string) {
	switch event {
	case "connection_established", "heartbeat":
		return
	case "resync", "stale", "fresh", "bye":
		fmt.Fprintf(t.notes, "rxvigil: %s %s\n", event, data)
		return
	}
	if t.json {
		fmt.Fprintln(t.out, data)
		return
	}
	var e struct {
		At     time.Time
		Branch *string
		Data   map[string]any
	}
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		fmt.Fprintln(t.out, data)
		return
	}
	fmt.Fprintf(t.out, "%s  %-28s %s\n", e.At.Local().Format("15:04:05.000"), event, summary(e.Data))
}

// summary says in a few words what an event is about.
func summary(d map[string]any) string {
	if m, ok := d["message"].(string); ok {
		return m
	}
	var parts []string
	for _, key := range []string{"name", "medicine_name", "number", "id"} {
		if s, ok := d[key].(string); ok && s != "" {
			parts = append(parts, s)
			break
		}
	}
	before, _ := d["before"].(map[string]any)
	after, _ := d["after"].(map[string]any)
	changed, _ := d["changed"].([]any)
	for _, c := range changed {
		key := fmt.Sprint(c)
		if after[key] != nil && key != "lines" {
			parts = append(parts, fmt.Sprintf("%s %v → %v", key, before[key], after[key]))
		}
	}
	return strings.Join(parts, "  ")
}
