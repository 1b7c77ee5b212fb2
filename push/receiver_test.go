package push_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// heard is a request that a receiver got.
type heard struct {
	path   string
	header http.Header
	body   string
}

// receiver is a server that answers a status and shows what it heard.
func receiver(t *testing.T, status int) (url string, calls chan heard) {
	t.Helper()
	calls = make(chan heard, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- heard{r.URL.Path, r.Header, string(body)}
		http.Error(w, "as it was told", status)
	}))
	t.Cleanup(s.Close)
	return s.URL, calls
}

// secret is the one of the specification's example.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestAWebhookIsSignedAsStandardWebhooksSays(t *testing.T) {
	t.Parallel()
	url, calls := receiver(t, http.StatusNoContent)
	w, err := push.NewWebhook(url+"/hook", secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Deliver(t.Context(), push.Letter{ID: "e1.1.2", Body: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	got := <-calls
	h := got.header
	if got.path != "/hook" || got.body != `{"a":1}` || h.Get("webhook-id") != "e1.1.2" || h.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v", got)
	}
	if want := push.SignForTest(secret, "e1.1.2", h.Get("webhook-timestamp"), got.body); h.Get("webhook-signature") != want {
		t.Errorf("signature %q, want %q", h.Get("webhook-signature"), want)
	}
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; push.SignForTest(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`) != want {
		t.Error("the example of the specification is signed otherwise")
	}
}

func TestAnAnswerThatIsNoSuccessIsAnError(t *testing.T) {
	t.Parallel()
	url, _ := receiver(t, http.StatusTeapot)
	w, err := push.NewWebhook(url, secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Deliver(t.Context(), push.Letter{}); err == nil || err.Error() != "answered 418 I'm a teapot: as it was told" {
		t.Errorf("got %v", err)
	}
}

func TestAReceiverThatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, secret, want string }{
		{"mail.example/hook", secret, "this is no address"},
		{"ftp://mail.example", secret, "this is no address"},
		{"https://mail.example", "short", "openssl rand"},
		{"https://mail.example", "whsec_AAAA", "24 to 64 bytes"},
	} {
		if _, err := push.NewWebhook(c.url, c.secret); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v", c.url, c.secret, err)
		}
	}
}

// toldAlert is what Alertmanager is told of an alert.
type toldAlert struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
}

func hear(t *testing.T, calls chan heard) (path string, alerts []toldAlert) {
	t.Helper()
	got := <-calls
	if err := json.Unmarshal([]byte(got.body), &alerts); err != nil {
		t.Fatalf("%v: %s", err, got.body)
	}
	return got.path, alerts
}

func TestAlertmanagerHearsOfStartRepetitionAndEnd(t *testing.T) {
	t.Parallel()
	url, calls := receiver(t, http.StatusOK)
	a, err := push.NewAlertmanager(url+"/", 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	alert := lowStock("m1", 10)
	alert.StartedAt, alert.Message = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), "Amoxicillin is low"
	tell := func() (string, []toldAlert) {
		if err := a.Deliver(t.Context(), push.Letter{Alert: &alert}); err != nil {
			t.Fatal(err)
		}
		return hear(t, calls)
	}
	path, got := tell()
	if l := got[0].Labels; path != "/api/v2/alerts" || l["alertname"] != "low_stock" || l["severity"] != "warning" || l["branch"] != "b1" || l["alert_id"] != alert.ID {
		t.Errorf("%s: %+v", path, got)
	}
	if left := time.Until(got[0].EndsAt); !got[0].StartsAt.Equal(alert.StartedAt) || left < 100*time.Second || left > 2*time.Minute || got[0].Annotations["summary"] != alert.Message {
		t.Errorf("it ends in %v: %+v", left, got[0])
	}
	alert.Severity = rxvigil.Critical
	if _, got = tell(); len(got) != 2 || got[0].Labels["severity"] != "warning" || got[0].EndsAt.After(time.Now()) || got[1].Labels["severity"] != "critical" {
		t.Errorf("after it rose: %+v", got)
	}
	if err := a.Repeat(t.Context(), []rxvigil.Alert{alert, lowStock("m2", 1)}); err != nil {
		t.Fatal(err)
	}
	if _, got = hear(t, calls); len(got) != 2 {
		t.Errorf("repeated: %+v", got)
	}
	end := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	alert.Status, alert.ResolvedAt = rxvigil.Resolved, &end
	if _, got = tell(); len(got) != 1 || !got[0].EndsAt.Equal(end) {
		t.Errorf("at its end: %+v", got)
	}
	if err := a.Deliver(t.Context(), push.Letter{Type: rxvigil.Resync}); err != nil || len(calls) != 0 {
		t.Errorf("a resync is told: %v", err)
	}
}
