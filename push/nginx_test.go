package push_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// Through a real nginx with the configuration of docs/portals.md: events arrive at once, over HTTP/1.1, HTTP/2 and
// WebSocket, and who hangs up there is gone here.
func TestThroughNginx(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(nginx); err != nil {
		lacking(t, "there is no nginx: install the package nginx-light")
	}
	log, url := serveLoopback(t)
	proxy := startNginx(t, nginx, strings.TrimPrefix(url, "http://"))
	lsn := uint64(1000)
	publish := func(medicine string) {
		lsn += 8
		e := sold(abyssinia, "b1", medicine, 10, 9)
		e.Pos, e.At = rxvigil.Position{Epoch: "e1", LSN: lsn}, time.Now()
		log.Publish(push.Entry{LSN: lsn, Events: []*push.Event{push.NewEvent(&e)}})
	}
	for _, major := range []int{1, 2} {
		client := &http.Client{Transport: &http.Transport{
			ForceAttemptHTTP2: major == 2, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a certificate of this test
		}}
		res, err := client.Get("https://" + proxy + "/api/tenant/abyssinia/stream")
		if err != nil {
			t.Fatal(err)
		}
		if res.ProtoMajor != major || res.StatusCode != http.StatusOK {
			t.Errorf("asked by HTTP/%d: %s, %s", major, res.Proto, res.Status)
		}
		lines := bufio.NewReader(res.Body)
		await(t, lines, "event: connection_established")
		for i := range 3 {
			name := fmt.Sprintf("http%d-%d", major, i)
			began := time.Now()
			publish(name)
			await(t, lines, name)
			if took := time.Since(began); took > 5*time.Second { // nothing else comes that would push it out of a buffer
				t.Errorf("by HTTP/%d an event took %s", major, took)
			}
		}
		_ = res.Body.Close()
		client.CloseIdleConnections()
		began := time.Now()
		for streams(t, url) != 0 {
			if time.Since(began) > 5*time.Second {
				t.Fatalf("by HTTP/%d: the viewer is there 5 s after it has gone", major)
			}
		}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // as above
	conn, _, err := websocket.Dial(t.Context(), "wss://"+proxy+"/api/tenant/abyssinia/ws", &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{push.Subprotocol}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	v := &wsViewer{conn}
	if got := v.answerTo(t, map[string]any{"op": "subscribe"}); got["op"] != "ok" {
		t.Errorf("subscribe: %v", got)
	}
	publish("websocket-1")
	for {
		f, err := v.next()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(f.raw, "websocket-1") {
			break
		}
	}
}

// startNginx starts one in front of a server, with TLS and HTTP/2, and gives its address.
func startNginx(t *testing.T, nginx, upstream string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/portals.md")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindSubmatch(page)
	if said == nil {
		t.Fatal("docs/portals.md has no configuration of nginx")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // its worker may be another user
		t.Fatal(err)
	}
	certificate(t, dir)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	var places strings.Builder
	for _, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		places.WriteString(fmt.Sprintf("  %s_temp_path %s/%s;\n", what, dir, what))
	}
	location := strings.ReplaceAll(string(said[1]), "127.0.0.1:8080", upstream)
	upgrade, server, _ := strings.Cut(location, "location")
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("daemon off; master_process off; pid %[1]s/pid; error_log stderr;\nevents {}\nhttp {\n  access_log off;\n%[2]s%[3]s\n"+
		"  server {\n    listen %[4]s ssl http2;\n    ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem;\n    location%[5]s\n  }\n}\n", dir, places.String(), upgrade, addr, server)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-c", conf, "-p", dir)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx said:\n%s\nof\n%s", out.String(), text)
		}
	})
	for began := time.Now(); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
			return addr
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("nginx does not listen")
		}
	}
}

func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
