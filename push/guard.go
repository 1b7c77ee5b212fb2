package push

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// CheckListen refuses an address that others than this machine could reach while nobody is asked who they are.
func CheckListen(addr string, auth bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("push.listen %q is not host:port, such as 127.0.0.1:8080", addr)
	}
	if auth || loopback(host) {
		return nil
	}
	return fmt.Errorf("push.listen %q could be reached by other machines, but no auth is configured: listen on 127.0.0.1, or configure auth", addr)
}

// loopback tells whether a host can only mean this machine. An empty one means every interface.
func loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// hostname is the name in a Host header, without its port.
func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

// guard stands before every route. Without authentication a page of another site could reach us through the visitor's own
// browser: by a name of its own that resolves to 127.0.0.1, or by a plain cross-origin POST. Both are refused here.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Gate == nil && !loopback(hostname(r.Host)) {
			writeProblem(w, problemHost)
			return
		}
		origin := r.Header.Get("Origin")
		known := origin == "" || s.sameOrigin(r, origin)
		if known && origin != "" {
			allowOrigin(w.Header(), origin)
		}
		switch {
		case r.Method == http.MethodOptions && known && r.Header.Get("Access-Control-Request-Method") != "":
			preflight(w)
		case !known && (r.Method != http.MethodGet && r.Method != http.MethodHead || r.Header.Get("Upgrade") != ""):
			writeProblem(w, problemOrigin)
		case s.hearOut(w, r):
			next.ServeHTTP(w, r)
		}
	})
}

// bodyTimeout is how long a request's body may take.
const bodyTimeout = 10 * time.Second

// hearOut reads the body of a request, so that who sends one byte by byte holds nobody up. When it is not ok the client has been answered.
func (s *Server) hearOut(w http.ResponseWriter, r *http.Request) bool {
	if r.Body == nil || r.Body == http.NoBody {
		return true
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(bodyTimeout)) // no writer of a server's refuses
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err == nil { // else net/http would patiently read the rest, to keep the connection
		_ = c.SetReadDeadline(time.Time{})
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		s.reject(w, "too_large", problemTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.reject(w, "slow", problemSlow)
	case err != nil:
		s.reject(w, "request", problemBadRequest.with("the body cannot be read"))
	}
	return err == nil
}

// sameOrigin tells whether a page of that origin may write: our own host's, or a configured one.
func (s *Server) sameOrigin(r *http.Request, origin string) bool {
	if slices.Contains(s.CORSOrigins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func allowOrigin(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Add("Vary", "Origin")
}

func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "authorization, content-type, last-event-id, x-requested-with, x-signalr-user-agent")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// checkOrigin refuses what no browser would send as an Origin.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || origin != u.Scheme+"://"+u.Host {
		return fmt.Errorf("push.cors_origins: %q is not scheme://host[:port], such as https://portal.example.com", origin)
	}
	return nil
}
