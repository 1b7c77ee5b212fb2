package push

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Webhook posts each letter to an address, signed as Standard Webhooks says (standardwebhooks.com).
type Webhook struct {
	url    string
	key    []byte
	client *http.Client
}

// letterTime is how long a receiver may take to answer.
const letterTime = 15 * time.Second

// NewWebhook checks address and secret. The secret is base64, as whsec_… or bare, of 24 to 64 bytes.
func NewWebhook(address, secret string) (*Webhook, error) {
	if err := CheckReceiver(address); err != nil {
		return nil, err
	}
	key, err := WebhookKey(secret)
	if err != nil {
		return nil, err
	}
	return &Webhook{url: address, key: key, client: newOutClient()}, nil
}

// CheckReceiver tells what is wrong with the address of a receiver.
func CheckReceiver(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("this is no address: write it as https://host/path")
	}
	return nil
}

// WebhookKey reads a secret.
func WebhookKey(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("the secret is not base64 of 24 to 64 bytes: make one with: echo whsec_$(openssl rand -base64 32)")
	}
	return key, nil
}

// newOutClient follows no redirects: what is signed for one address is not for another.
func newOutClient() *http.Client {
	return &http.Client{
		Timeout:       letterTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Deliver posts the envelope. The id is the event's cursor, the same at each try, so that a receiver can tell a repetition.
func (w *Webhook) Deliver(ctx context.Context, l Letter) error {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	return post(ctx, w.client, w.url, l.Body, map[string]string{
		"webhook-id": l.ID, "webhook-timestamp": at, "webhook-signature": w.sign(l.ID, at, l.Body),
	})
}

func (w *Webhook) sign(id, at string, body []byte) string {
	mac := hmac.New(sha256.New, w.key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// post sends JSON, and gives a refusal for any answer but 2xx.
func post(ctx context.Context, client *http.Client, address string, body []byte, headers map[string]string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "rxvigil")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	const mostSaid = 200
	said, _ := io.ReadAll(io.LimitReader(resp.Body, mostSaid)) // for the operator; as much as came
	if resp.StatusCode/100 != 2 {
		return &refusal{resp.StatusCode, strings.TrimSpace(string(said))}
	}
	return nil
}
