package push_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/push/auth"
)

// counted asks the metrics for a number that must be there.
func (b *bundle) counted(metric string) {
	b.t.Helper()
	all, _, err := b.ask(http.MethodGet, "http://localhost:8080/metrics", "")
	if err != nil || !strings.Contains(all, metric+"\n") {
		b.t.Errorf("the metrics lack %s (%v)", metric, err)
	}
}

// dialed is a bare connection to the server.
func (b *bundle) dialed() net.Conn {
	b.t.Helper()
	conn, err := b.wire.dial(context.Background(), "", "")
	if err != nil {
		b.t.Fatal(err)
	}
	return conn
}

// TestForgedTokensOpenNothing: no algorithm, the public key as a secret, a token of tomorrow, one without an end, another's key; each is
// told why, and counted.
func TestForgedTokensOpenNothing(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	synctest.Test(t, func(t *testing.T) {
		g, err := auth.NewGate(t.Context(), auth.Config{PublicKey: string(public)})
		if err != nil {
			t.Fatal(err)
		}
		b := setup(t, 1<<20, func(o *push.Options) { o.Gate = g })
		b.start()
		defer b.close()
		now := time.Now().Unix()
		claims := func(more string) string {
			return fmt.Sprintf(`{"sub":"eve","tenant_id":"abyssinia","role":"admin","exp":%d%s}`, now+3600, more)
		}
		signedWith := func(secret []byte) string {
			text := part64(`{"alg":"HS256","typ":"JWT"}`) + "." + part64(claims(""))
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(text))
			return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		}
		for name, token := range map[string]string{
			"alg none":                   part64(`{"alg":"none"}`) + "." + part64(claims("")) + ".",
			"alg None":                   part64(`{"alg":"None"}`) + "." + part64(claims("")) + ".",
			"public key as secret":       signedWith(public),
			"public key's DER as secret": signedWith(der),
			"empty secret":               signedWith(nil),
			"no signature":               part64(`{"alg":"RS256"}`) + "." + part64(claims("")) + ".",
			"a key of its own":           part64(`{"alg":"RS256","jku":"http://evil.example/keys","jwk":{"kty":"oct","k":"AA"}}`) + "." + part64(claims("")) + ".AAAA",
		} {
			b.token = token
			for _, door := range []string{"GET /api/tenant/testpharmacy/alerts", "GET /api/tenant/testpharmacy/stream", "GET /api/tenant/testpharmacy/ws", "POST /hubs/inventory/negotiate", "POST /api/session"} {
				if status, body, h := b.knock(door); status != http.StatusUnauthorized || !strings.Contains(body, `"detail"`) || !strings.Contains(h.Get("WWW-Authenticate"), "invalid_token") {
					t.Errorf("%s, %s: %d %s", name, door, status, body)
				}
			}
		}
	})
}

func part64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// TestTokensOfTomorrowAndWithoutEnd: what is not yet good is none, and neither is what would be good for ever.
func TestTokensOfTomorrowAndWithoutEnd(t *testing.T) {
	t.Parallel()
	guarded(t, func(t *testing.T, b *bundle, _ *auth.Gate) {
		now := time.Now().Unix()
		for reason, claims := range map[string]string{
			"future": fmt.Sprintf(`"nbf":%d,"exp":%d`, now+3600, now+7200), "claims": `"iat":1`,
		} {
			text := part64(`{"alg":"HS256","typ":"JWT"}`) + "." + part64(`{"sub":"eve","aud":"rxvigil","tenant_id":"abyssinia","role":"admin",`+claims+`}`)
			mac := hmac.New(sha256.New, []byte(strings.Repeat("s", 32)))
			mac.Write([]byte(text))
			b.token = text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
			status, body, _ := b.knock("GET /api/tenant/testpharmacy/alerts")
			if status != http.StatusUnauthorized || !strings.Contains(body, `"detail"`) {
				t.Errorf("%s: %d %s", reason, status, body)
			}
			b.counted(fmt.Sprintf(`rxvigil_auth_failures_total{reason=%q} 1`, reason))
		}
	})
}

// TestForeignCursorsFiltersAndAlertsOpenNothing: a cursor of another pharmacy's event tells one's own events and no others; another's
// alert is none.
func TestForeignCursorsFiltersAndAlertsOpenNothing(t *testing.T) {
	t.Parallel()
	guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
		theirs := lowStock("m9", 1)
		theirs.ID = "theirs"
		b.world.raise(blueNile, theirs)
		foreign := b.tx(sold(blueNile, "", "m9", 9, 8))[0]
		own := b.tx(sold(abyssinia, "b1", "m1", 9, 8), sold(blueNile, "", "m9", 8, 7))[0]
		b.token = signed(t, g, "admin", time.Hour)
		for _, tr := range transports() {
			v, err := tr.connect(b, "testpharmacy", "", foreign)
			if err != nil {
				t.Fatal(err)
			}
			if f := awaitEvent(t, v); f.id != own || strings.Contains(f.raw, "m9") {
				t.Errorf("%s: heard %s", tr.name, f.raw)
			}
			for {
				f, err := v.next()
				if err != nil {
					t.Fatal(err)
				}
				if f.event || strings.Contains(f.raw, "m9") {
					t.Errorf("%s: heard %s besides", tr.name, f.raw)
				}
				if f.kind == "heartbeat" {
					break
				}
			}
			v.cut()
		}
		for _, door := range []string{"GET /alerts/theirs", "POST /alerts/theirs/acknowledge", "POST /alerts/theirs/unsnooze"} {
			method, path, _ := strings.Cut(door, " ")
			if status, body, _ := b.knock(method + " /api/tenant/testpharmacy" + path); status != http.StatusNotFound {
				t.Errorf("%s: %d %s", door, status, body)
			}
		}
		if done := b.world.acted(); len(done) != 0 {
			t.Errorf("done: %+v", done)
		}
		v, err := b.rawWS("testpharmacy")
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		if got := v.answerTo(t, map[string]any{"op": "acknowledge", "id": "1", "alert": "theirs"}); got["type"] != "/problems/not-found" {
			t.Errorf("answered %v", got)
		}
	})
}

// TestRubbishIsCounted: what is too large, of no shape or of no kind is refused with a reason and counted, on every way in.
func TestRubbishIsCounted(t *testing.T) {
	t.Parallel()
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		const events = "http://localhost:8080/api/tenant/testpharmacy/events"
		for body, want := range map[string]int{strings.Repeat("x", 65<<10): 413, "{": 400} {
			if answer, status, err := b.ask(http.MethodPost, events, body); err != nil || status != want || !strings.Contains(answer, `"detail"`) {
				t.Errorf("%.9s: %d %s %v", body, status, answer, err)
			}
		}
		for _, path := range []string{"/stream?topics=weather", "/stream?format=xml", "/ws?format=xml", "/stock?brnch=b1"} {
			if answer, status, err := b.ask(http.MethodGet, "http://localhost:8080/api/tenant/testpharmacy"+path, ""); err != nil || status != http.StatusBadRequest || !strings.Contains(answer, `"detail"`) {
				t.Errorf("%s: %d %s %v", path, status, answer, err)
			}
		}
		v, err := b.rawWS("testpharmacy")
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		if err := v.conn.Write(context.Background(), websocket.MessageText, []byte("rubbish")); err != nil {
			t.Fatal(err)
		}
		awaitKind(t, v, "error")
		h := b.mustHub("WebSockets", "inventory", "")
		defer h.cut()
		if err := h.write("rubbish\x1e"); err != nil {
			t.Fatal(err)
		}
		for err = nil; err == nil; { // to the end, which the server makes
			_, err = h.record()
		}
		synctest.Wait()
		b.counted(`rxvigil_bad_input_total{kind="too_large"} 1`)
		b.counted(`rxvigil_bad_input_total{kind="request"} 5`)
		b.counted(`rxvigil_bad_input_total{kind="frame"} 1`)
		b.counted(`rxvigil_bad_input_total{kind="hub"} 1`)
	})
}

// TestWhoSendsByteByByteIsSentAway: heads and bodies that trickle, and connections on which nothing comes, are closed after ten seconds,
// however many there are; whoever asks in one go is served meanwhile.
func TestWhoSendsByteByByteIsSentAway(t *testing.T) {
	t.Parallel()
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		const crowd = 50
		begun := time.Now()
		ended := make(chan error, 3*crowd)
		var senders sync.WaitGroup
		defer senders.Wait()
		for _, head := range []string{"", "GET /api/tenants HTTP/1.1\r\nHost: localhost:8080\r\nX-Slow: ", "POST /api/tenant/testpharmacy/events HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 60000\r\n\r\n{"} {
			for range crowd {
				conn := b.dialed()
				go func() {
					if head != "" {
						_, _ = io.WriteString(conn, head)
						senders.Go(func() {
							for {
								if _, err := io.WriteString(conn, "x"); err != nil {
									return
								}
								time.Sleep(time.Second)
							}
						})
					}
					answer, err := io.ReadAll(conn) // to its end, which the server makes
					_ = conn.Close()
					if took := time.Since(begun); err == nil && took > 15*time.Second {
						err = fmt.Errorf("%.20q was let go on for %v", head, took)
					}
					if err == nil && strings.HasPrefix(head, "POST") && !strings.Contains(string(answer), "/problems/too-slow") {
						err = fmt.Errorf("no reason was given: %.200s", answer)
					}
					ended <- err
				}()
			}
		}
		time.Sleep(time.Second)
		if _, status, err := b.ask(http.MethodGet, "http://localhost:8080/api/tenants", ""); err != nil || status != http.StatusOK {
			t.Errorf("another caller: %d %v", status, err)
		}
		for range 3 * crowd {
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		b.counted(fmt.Sprintf(`rxvigil_bad_input_total{kind="unheard"} %d`, 2*crowd))
		b.counted(fmt.Sprintf(`rxvigil_bad_input_total{kind="slow"} %d`, crowd))
	})
}

// TestThousandsOfNegotiatesLeaveNothing: a connection that was negotiated and never opened costs no memory.
func TestThousandsOfNegotiatesLeaveNothing(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		negotiate := func(n int) {
			for range n {
				body, status, err := b.ask(http.MethodPost, "http://localhost:8080/hubs/inventory/negotiate?negotiateVersion=1&tenant=testpharmacy", "")
				if err != nil || status != http.StatusOK || !strings.Contains(body, "connectionToken") {
					t.Fatalf("%d %s %v", status, body, err)
				}
			}
		}
		held := func() uint64 {
			b.client.CloseIdleConnections()
			synctest.Wait()
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		negotiate(200)
		before := held()
		const thousands = 5000
		negotiate(thousands)
		if grown := int64(held()) - int64(before); grown > thousands*20 { // bytes; a connection's identity alone has 26
			t.Errorf("%d negotiates left %d bytes", thousands, grown)
		}
		var stats struct{ Connections map[string]int }
		if err := b.get("/api/tenant/testpharmacy/stats", &stats); err != nil {
			t.Fatal(err)
		}
		for transport, n := range stats.Connections {
			if n != 0 {
				t.Errorf("%d connections by %s", n, transport)
			}
		}
	})
}

// TestAHalfOpenSocketIsLetGo: a viewer that vanished without a word, and takes nothing any more, is cut off, counted, and its place is free.
func TestAHalfOpenSocketIsLetGo(t *testing.T) {
	t.Parallel()
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		conn := b.dialed()
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "GET /api/tenant/testpharmacy/stream HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatalf("%q %v", line, err)
		}
		for range 20 { // and never read again
			b.tx(sold(abyssinia, "b1", strings.Repeat("m", 500), 9, 8))
			time.Sleep(time.Second)
		}
		var stats struct{ Connections map[string]int }
		if err := b.get("/api/tenant/testpharmacy/stats", &stats); err != nil || stats.Connections["sse"] != 0 {
			t.Errorf("%+v, %v", stats, err)
		}
		b.counted("rxvigil_slow_clients_total 1")
	})
}
