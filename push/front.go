package push

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// Door is the server of one source, and the source's name; empty where there is only one.
type Door struct {
	Name   string
	Server *Server
}

// Serve serves the tenants of one or more sources at one address until ctx ends, then says goodbye to every connection over the drain
// window and waits for them. It closes ln.
func Serve(ctx context.Context, ln net.Listener, doors ...Door) error {
	first := doors[0].Server
	srv := &http.Server{
		Handler: Front(doors...), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(first.Logger.Handler(), slog.LevelDebug),
	}
	first.metrics.hearing(srv)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }() // ends with srv.Shutdown, awaited below
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	var goodbyes sync.WaitGroup
	for _, d := range doors {
		goodbyes.Go(func() { // each takes the drain window
			d.Server.connections.drain(d.Server.Drain)
			d.Server.connections.wait() // polls are still answered: a goodbye may wait for one
		})
	}
	goodbyes.Wait()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), first.Drain+writeTimeout)
	defer cancel()
	err := srv.Shutdown(end)
	if err != nil {
		err = srv.Close()
	}
	<-served
	return err
}

// front leads each request to the server of its tenant's source. What is about no tenant is answered for all of them.
type front struct{ doors []Door }

// Front answers every route of some servers. They share their tickets; they must not be served by themselves any more.
func Front(doors ...Door) http.Handler {
	first := doors[0].Server
	if len(doors) == 1 {
		return first.handler
	}
	f := &front{doors}
	for _, d := range doors {
		d.Server.tickets, d.Server.beside = first.tickets, true
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/tenants", f.tenants)
	mux.HandleFunc("GET /readyz", f.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(f, promhttp.HandlerOpts{}))
	whole := first.guard(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			whole.ServeHTTP(w, r)
			return
		}
		f.serverOf(r).handler.ServeHTTP(w, r)
	})
}

// serverOf is the server that has the tenant of a request: the one it names, else the caller's own. Where nobody has it, or more than
// one has, none is found by the first.
func (f *front) serverOf(r *http.Request) *Server {
	first := f.doors[0].Server
	name := r.URL.Query().Get("tenant")
	if rest, ok := strings.CutPrefix(r.URL.Path, "/api/tenant/"); ok {
		name, _, _ = strings.Cut(rest, "/")
	}
	if name == "" && first.Gate != nil {
		token := first.bearer(r)
		if t := r.URL.Query().Get("ticket"); t != "" && !first.bears(r) {
			token = first.tickets.peek(t) // it is used where the request is led
		}
		if c, err := first.Gate.Admit(token); err == nil {
			name = c.Tenant
		}
	}
	if name == string(AllTenants) {
		for _, d := range f.doors {
			if d.Name == r.URL.Query().Get("source") {
				return d.Server
			}
		}
		return &Server{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeProblem(w, problemBadRequest.with("there are several sources: name one with ?source="))
		})}
	}
	var found *Server
	for _, d := range f.doors {
		if _, ok := d.Server.Directory.Tenant(name); !ok {
			continue
		}
		if found != nil {
			first.Logger.Error("tenant_in_two_sources", "source", d.Name)
			return &Server{handler: http.HandlerFunc(notFound)}
		}
		found = d.Server
	}
	if found == nil {
		return first
	}
	return found
}

// tenants answers GET /api/tenants with those of every source.
func (f *front) tenants(w http.ResponseWriter, r *http.Request) {
	first := f.doors[0].Server
	who, ok := first.who(w, r)
	if !ok {
		return
	}
	head, _ := first.Log.Head()
	var shown []Tenant
	for _, d := range f.doors {
		if _, started := d.Server.Log.Head(); !started {
			writeProblem(w, problemStarting)
			return
		}
		for _, t := range d.Server.Directory.Tenants() {
			if d.Server.ofTenant(who, t.ID) {
				shown = append(shown, t.shown(who))
			}
		}
	}
	writeJSON(w, http.StatusOK, newPage(shown, "", head))
}

// readyz is ready when every source is.
func (f *front) readyz(w http.ResponseWriter, _ *http.Request) {
	all, status := readiness{Ready: true, Reasons: []string{}}, http.StatusOK
	for _, d := range f.doors {
		one := d.Server.readiness()
		if !one.Ready {
			all.Ready, status = false, http.StatusServiceUnavailable
		}
		for _, reason := range one.Reasons {
			all.Reasons = append(all.Reasons, d.Name+": "+reason)
		}
		for _, warning := range one.Warnings {
			all.Warnings = append(all.Warnings, d.Name+": "+warning)
		}
		if one.Lag.Seconds >= all.Lag.Seconds {
			all.Lag = one.Lag
		}
	}
	writeJSON(w, status, all)
}

// Gather gives the metrics of every source, each labelled with its name; what is about the process is told once.
func (f *front) Gather() ([]*dto.MetricFamily, error) {
	var all prometheus.Gatherers
	for i, d := range f.doors {
		all = append(all, prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
			families, err := d.Server.Registry.Gather()
			var kept []*dto.MetricFamily
			for _, family := range families {
				if !strings.HasPrefix(family.GetName(), "rxvigil_") {
					if i == 0 {
						kept = append(kept, family)
					}
					continue
				}
				for _, m := range family.Metric {
					m.Label = append(m.Label, &dto.LabelPair{Name: new("source"), Value: new(d.Name)})
				}
				kept = append(kept, family)
			}
			return kept, err
		}))
	}
	return all.Gather()
}
