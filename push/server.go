package push

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rxvigil/rxvigil/push/auth"
)

// Options are what a Server is made of. Log, Directory, Shelf, Dispensary, RuleBook, Alerts, Thresholds, Commander and Vitals are
// required.
type Options struct {
	Log        *Log
	Directory  Directory
	Shelf      Shelf
	Dispensary Dispensary
	RuleBook   RuleBook
	Alerts     AlertDesk
	Thresholds ThresholdDesk
	Commander  Commander
	Vitals     Vitals

	Site     http.Handler         // the dashboard, for / and /client/; default: 404
	Registry *prometheus.Registry // metrics are registered here and shown at /metrics; default: one of its own
	Logger   *slog.Logger         // default: slog.Default()
	// CORSOrigins are the pages of other origins that may call, as scheme://host[:port].
	CORSOrigins []string
	// HubPaths are paths of SignalR hubs besides /hubs/{hub}, with the hub of each; default: DeployedHubPaths.
	HubPaths map[string]string
	// HubTransports are those of HubTransports() that are offered; default: all.
	HubTransports []string
	// HubKey signs the tokens by which a SignalR client opens the connection that it negotiated, for all nodes that share it;
	// default: one of this process alone.
	HubKey []byte
	// Staff knows who works where in the app; nil: what tokens say counts.
	Staff Staff
	// Gate tells who calls; nil: nobody is asked, and only loopback names are answered.
	Gate *auth.Gate
	// Limits are how many connections may be open at once.
	Limits Limits
	// Drain is over how long connections are closed at the end; default 2 s.
	Drain time.Duration
}

// Server is the doors. Without a Gate it answers only to loopback names: see CheckListen.
type Server struct {
	Options
	metrics     *metrics
	connections *register
	aggregates  *aggregates
	hubs        *hubSessions
	hubTokens   *tokens
	hangups     hangups
	beats       wheel // of every transport but SignalR's
	hubBeats    wheel
	tickets     *tickets
	authorized  atomic.Uint64 // how often rights were to be looked at again
	beside      bool          // there are other sources: what names no tenant may mean one of theirs
	handler     http.Handler
}

// NewServer checks the options and makes a server.
func NewServer(o Options) (*Server, error) {
	if o.Log == nil || slices.Contains([]any{o.Directory, o.Shelf, o.Dispensary, o.RuleBook, o.Alerts, o.Thresholds, o.Commander, o.Vitals}, nil) {
		return nil, errors.New("push: Log, Directory, Shelf, Dispensary, RuleBook, Alerts, Thresholds, Commander and Vitals are required")
	}
	o.setDefaults()
	for _, origin := range o.CORSOrigins {
		if err := checkOrigin(origin); err != nil {
			return nil, err
		}
	}
	if err := CheckHubs(o.HubPaths, o.HubTransports); err != nil {
		return nil, err
	}
	s := &Server{
		Options: o, metrics: newMetrics(o.Registry), aggregates: newAggregates(o.Log, o.Alerts),
		hubs: &hubSessions{live: map[string]*hubSession{}}, hubTokens: newTokens(o.HubKey), tickets: &tickets{},
		beats: wheel{every: heartbeatEvery}, hubBeats: wheel{every: hubHeartbeat},
	}
	s.connections = newRegister(o.Limits, func(limit string) { s.metrics.full.WithLabelValues(limit).Inc() })
	o.Registry.MustRegister(&liveMetrics{o.Log, s.connections})
	s.handler = s.guard(s.routes())
	return s, nil
}

func (o *Options) setDefaults() {
	if o.Site == nil {
		o.Site = http.NotFoundHandler()
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.HubPaths == nil {
		o.HubPaths = DeployedHubPaths()
	}
	if len(o.HubTransports) == 0 {
		o.HubTransports = HubTransports()
	}
	if o.HubKey == nil {
		o.HubKey = []byte(rand.Text())
	}
	o.Limits.setDefaults()
	if o.Drain <= 0 {
		o.Drain = 2 * time.Second
	}
}

// Handler answers every route.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves until ctx ends, then says goodbye to every connection over the drain window and waits for them. It closes ln.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	return Serve(ctx, ln, Door{Server: s})
}
