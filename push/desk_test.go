package push_test

import (
	"io"
	"net/http"
	"strings"
)

// call makes one REST request and gives the answer.
func (b *bundle) call(method, path, body string, headers ...string) (int, http.Header, string) {
	b.t.Helper()
	req, err := http.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// metric is the value of an unlabelled metric, as /metrics shows it.
func (b *bundle) metric(name string) string {
	b.t.Helper()
	_, _, text := b.call(http.MethodGet, "/metrics", "")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
