package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules/pgstore"
)

// notifyConfig says who outside is told of alerts.
type notifyConfig struct {
	Webhooks      []webhookConfig      `yaml:"webhooks"`
	Alertmanagers []alertmanagerConfig `yaml:"alertmanagers"`
}

// courierConfig is what every receiver may be told to leave out.
type courierConfig struct {
	Name     string           `yaml:"name"` // in metrics, and of its position; default: the host of its address
	URL      string           `yaml:"url"`
	Tenants  []rxvigil.Tenant `yaml:"tenants"`  // by id; default all
	Branch   rxvigil.Branch   `yaml:"branch"`   // default all
	Severity rxvigil.Severity `yaml:"severity"` // the mildest that is told; default all
	GiveUp   time.Duration    `yaml:"give_up"`  // for how long a letter is tried; default 24h
}

type webhookConfig struct {
	Courier courierConfig `yaml:",inline"`
	Secret  string        `yaml:"secret"`
}

type alertmanagerConfig struct {
	Courier courierConfig `yaml:",inline"`
	Repeat  time.Duration `yaml:"repeat"` // how often open alerts are told again; default 1m
}

// receiver is one that was made, with what its courier is told.
type receiver struct {
	push.Receiver
	options push.CourierOptions
}

// receivers makes them, or shows the line of the first that cannot be meant.
func (c *config) receivers() ([]receiver, error) {
	var all []receiver
	for i := range c.Notify.Webhooks {
		r, err := c.webhook(fmt.Sprintf("$.notify.webhooks[%d]", i), &c.Notify.Webhooks[i])
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	for i := range c.Notify.Alertmanagers {
		r, err := c.alertmanager(fmt.Sprintf("$.notify.alertmanagers[%d]", i), &c.Notify.Alertmanagers[i])
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	seen := map[string]bool{}
	for _, r := range all {
		if seen[r.options.Name] {
			return nil, fmt.Errorf("notify: two receivers are called %q: give each a name", r.options.Name)
		}
		seen[r.options.Name] = true
	}
	return all, nil
}

func (c *config) webhook(path string, w *webhookConfig) (receiver, error) {
	o, err := c.courier(path, &w.Courier)
	if err != nil {
		return receiver{}, err
	}
	key, err := secret(w.Secret)
	if err != nil {
		return receiver{}, c.mistake(path+".secret", err)
	}
	made, err := push.NewWebhook(w.Courier.URL, key)
	if err != nil {
		return receiver{}, c.mistake(path+".secret", err)
	}
	return receiver{made, o}, nil
}

func (c *config) alertmanager(path string, a *alertmanagerConfig) (receiver, error) {
	o, err := c.courier(path, &a.Courier)
	if err != nil {
		return receiver{}, err
	}
	if a.Repeat < 0 {
		return receiver{}, c.mistake(path+".repeat", fmt.Errorf("repeat %s is below zero: leave it out for a minute", a.Repeat))
	}
	made, err := push.NewAlertmanager(a.Courier.URL, a.Repeat)
	return receiver{made, o}, err
}

// courier checks what webhooks and Alertmanagers have in common.
func (c *config) courier(path string, w *courierConfig) (push.CourierOptions, error) {
	o := push.CourierOptions{Name: w.Name, Only: w.Tenants, Branch: w.Branch, Severity: w.Severity, GiveUp: w.GiveUp}
	if err := push.CheckReceiver(w.URL); err != nil {
		return o, c.mistake(path+".url", fmt.Errorf("url %q: %w", w.URL, err))
	}
	if w.Severity != "" && w.Severity.Rank() == 0 {
		return o, c.mistake(path+".severity", fmt.Errorf("severity %q is none of info, warning, high, critical", w.Severity))
	}
	if w.GiveUp < 0 {
		return o, c.mistake(path+".give_up", fmt.Errorf("give_up %s is below zero: leave it out for a day", w.GiveUp))
	}
	if u, err := url.Parse(w.URL); err == nil && o.Name == "" {
		o.Name = u.Host
	}
	return o, nil
}

// mistake shows the line of a section that cannot be meant.
func (c *config) mistake(path string, err error) error {
	line := c.lineOf(path)
	if line == 0 {
		return fmt.Errorf("%s: %w", strings.TrimPrefix(path, "$."), err)
	}
	return fmt.Errorf("%s:%d: %s: %w%s", filepath.Base(c.name), line, strings.TrimPrefix(path, "$."), err, c.quote(line))
}

// employ gives each receiver a courier.
func (h *house) employ(receivers []receiver, log *push.Log, pg *pgstore.Store, reg prometheus.Registerer, logger *slog.Logger) {
	metrics := push.NewCourierMetrics(reg)
	for _, r := range receivers {
		h.couriers = append(h.couriers, &push.Courier{
			CourierOptions: r.options, Receiver: r.Receiver, Log: log, Alerts: desk{h.engine}, Book: pg, Metrics: metrics, Logger: logger,
			Tenants: h.engine.everybody,
		})
	}
}

// everybody is every tenant, and the engine itself.
func (e *engine) everybody() []rxvigil.Tenant {
	all := []rxvigil.Tenant{rxvigil.EngineTenant}
	for _, t := range e.rules.Load().Tenants() {
		all = append(all, t.ID)
	}
	return all
}
