package push

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Alertmanager tells Prometheus Alertmanager (API v2), which then groups, routes and sends mail, SMS or pages. It forgets an alert
// whose end has come, so what is open is told again and again, each time with an end a little later.
type Alertmanager struct {
	url    string
	every  time.Duration
	client *http.Client
	told   map[string]map[string]string // the labels each open alert was told with, by id; of the courier's goroutine
}

// usualEvery is Prometheus' own resend delay. An alert ends by itself when we have been silent for four of them, as Prometheus has it.
const (
	usualEvery   = time.Minute
	silentRounds = 4
	mostAtOnce   = 256 // alerts in one call, as Prometheus has it
)

// NewAlertmanager checks the address, such as http://alertmanager:9093. Zero means a minute.
func NewAlertmanager(address string, every time.Duration) (*Alertmanager, error) {
	if err := CheckReceiver(address); err != nil {
		return nil, err
	}
	if every <= 0 {
		every = usualEvery
	}
	return &Alertmanager{
		url: strings.TrimSuffix(address, "/") + "/api/v2/alerts", every: every, client: newOutClient(), told: map[string]map[string]string{},
	}, nil
}

// posted is an alert as Alertmanager takes it. What it calls the same alert has the same labels.
type posted struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// Every is how often open alerts are repeated.
func (a *Alertmanager) Every() time.Duration { return a.every }

// Deliver tells one transition at once. A resync needs no word: what is open is repeated anyway.
func (a *Alertmanager) Deliver(ctx context.Context, l Letter) error {
	if l.Alert == nil {
		return nil
	}
	return a.send(ctx, *l.Alert)
}

// Repeat tells all that is open.
func (a *Alertmanager) Repeat(ctx context.Context, open []rxvigil.Alert) error {
	for len(open) > 0 {
		n := min(mostAtOnce, len(open))
		if err := a.send(ctx, open[:n]...); err != nil {
			return err
		}
		open = open[n:]
	}
	return nil
}

func (a *Alertmanager) send(ctx context.Context, alerts ...rxvigil.Alert) error {
	now := time.Now().UTC()
	var all []posted
	for i := range alerts {
		all = append(all, a.posted(&alerts[i], now)...)
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := post(ctx, a.client, a.url, body, nil); err != nil {
		return err
	}
	for i := range alerts {
		a.remember(&alerts[i])
	}
	return nil
}

// posted spells an alert. One whose severity has moved since is another alert to Alertmanager: the one it was ends.
func (a *Alertmanager) posted(alert *rxvigil.Alert, now time.Time) []posted {
	p := posted{Labels: labelsOf(alert), Annotations: annotationsOf(alert), StartsAt: alert.StartedAt, EndsAt: now.Add(silentRounds * a.every)}
	if alert.Status == rxvigil.Resolved {
		p.EndsAt = now
		if alert.ResolvedAt != nil {
			p.EndsAt = *alert.ResolvedAt
		}
	}
	before, ok := a.told[alert.ID]
	if !ok || maps.Equal(before, p.Labels) {
		return []posted{p}
	}
	return []posted{{Labels: before, Annotations: p.Annotations, StartsAt: alert.StartedAt, EndsAt: now}, p}
}

func (a *Alertmanager) remember(alert *rxvigil.Alert) {
	if alert.Status == rxvigil.Resolved {
		delete(a.told, alert.ID)
		return
	}
	a.told[alert.ID] = labelsOf(alert)
}

func labelsOf(a *rxvigil.Alert) map[string]string {
	labels := map[string]string{
		"alertname": a.Rule, "kind": a.Kind, "severity": string(a.Severity), "tenant": string(a.Tenant), "alert_id": a.ID,
		"subject_type": a.Subject.Type, "subject": a.Subject.ID,
	}
	if a.Branch != "" {
		labels["branch"] = string(a.Branch)
	}
	return labels
}

func annotationsOf(a *rxvigil.Alert) map[string]string {
	return map[string]string{
		"summary": a.Message, "rung": a.Rung, "status": string(a.Status), "lsn": a.Why.LSN, "committed_at": a.Why.CommittedAt.UTC().Format(time.RFC3339),
	}
}
