package cdc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/migrations"
)

func TestASealedMessageOpensAsItWas(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	want := Message{Op: "snooze", At: until, ID: "op", Tenant: "t1", Branch: "b", Type: "x", Data: json.RawMessage(`{"a":1}`), Alert: "a1", Until: &until, Scan: "s", Wall: "w"}
	content, err := testKey.Seal(want)
	must(t, err)
	got, err := testKey.open(content)
	must(t, err)
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	if _, err := testKey.Seal(Message{Data: json.RawMessage(`"` + string(bytes.Repeat([]byte("x"), MaxMessage)) + `"`)}); err == nil {
		t.Error("a message of more than 64 kB is sealed")
	}
}

func TestAMessageOfSomebodyElseIsForged(t *testing.T) {
	t.Parallel()
	content, err := testKey.Seal(Message{Op: "tick"})
	must(t, err)
	for n := range content {
		if _, err := testKey.open(content[:n]); !errors.Is(err, errForged) {
			t.Errorf("%d of %d bytes: %v", n, len(content), err)
		}
		altered := bytes.Clone(content)
		altered[n] ^= 1
		if _, err := testKey.open(altered); !errors.Is(err, errForged) {
			t.Errorf("byte %d altered: %v", n, err)
		}
	}
	other := Key{Inner: testKey.Outer, Outer: testKey.Inner}
	if _, err := other.open(content); !errors.Is(err, errForged) {
		t.Errorf("under another key: %v", err)
	}
	unset, err := Key{}.Seal(Message{Op: "tick"})
	must(t, err)
	if _, err := (Key{}).open(unset); !errors.Is(err, errForged) {
		t.Errorf("a key that was never set opens what anybody can seal: %v", err)
	}
}

func TestWhatNotifySignsInSQLOpens(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	must(t, migrations.Up(t.Context(), dsn))
	conn := session(t, dsn)
	var key Key
	must(t, conn.QueryRow(t.Context(), "SELECT ipad, opad FROM rxvigil.install").Scan(&key.Inner, &key.Outer))
	name := conn.Config().Database
	run(t, conn, "SELECT pg_create_logical_replication_slot('"+name+"', 'pgoutput'); CREATE PUBLICATION p")
	run(t, conn, `SELECT rxvigil.notify('t1', 'fridge_warm', '{"degrees": 9.5, "where": "naïve \"b\"", "list": [null]}')`)
	_, err := key.Emit(t.Context(), conn, Message{Op: "canary", ID: "c"})
	must(t, err)

	rows, err := conn.Query(context.Background(), "SELECT data FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', 'p', 'messages', 'true')", name)
	must(t, err)
	frames, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	must(t, err)
	var got []Message
	for _, data := range frames {
		var d Decoder
		f, err := d.Decode(data)
		must(t, err)
		if f.Kind == 'M' {
			m, err := key.open(f.Content)
			must(t, err)
			got = append(got, m)
		}
	}
	if len(got) != 2 || got[1].ID != "c" {
		t.Fatalf("%+v", got)
	}
	var data map[string]any
	must(t, json.Unmarshal(got[0].Data, &data))
	if m := got[0]; m.Op != "event" || m.Tenant != "t1" || m.Type != "fridge_warm" || data["degrees"] != 9.5 || time.Since(m.At).Abs() > time.Minute {
		t.Errorf("notify sent %+v", m)
	}
}
