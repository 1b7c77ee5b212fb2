package signalr_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil/push/signalr"
)

var update = flag.Bool("update", false, "rewrite the golden frames in testdata")

// frames is every kind of message that we say.
func frames() []byte {
	var b []byte
	for _, appended := range []func([]byte) []byte{
		func(b []byte) []byte { return signalr.AppendHandshake(b, "") },
		func(b []byte) []byte { return signalr.AppendHandshake(b, `no "messagepack"`) },
		func(b []byte) []byte { return signalr.AppendInvocation(b, "Nothing") },
		func(b []byte) []byte {
			return signalr.AppendInvocation(b, "StockLevelChanged", []byte(`{"currentStock":3}`), []byte(`{"id":"e.1.0"}`))
		},
		func(b []byte) []byte { return signalr.AppendResult(b, "0", nil) },
		func(b []byte) []byte { return signalr.AppendResult(b, "1", []byte(`"pong"`)) },
		func(b []byte) []byte { return signalr.AppendFailure(b, "2", "Unknown hub method 'Fly'") },
		signalr.AppendPing,
		func(b []byte) []byte { return signalr.AppendClose(b, "", false) },
		func(b []byte) []byte { return signalr.AppendClose(b, "the server is ending", true) },
		func(b []byte) []byte { return signalr.AppendAck(b, 7) },
		func(b []byte) []byte { return signalr.AppendSequence(b, 8) },
	} {
		b = appended(b)
	}
	return b
}

func TestFramesAreAsTheClientReadsThem(t *testing.T) {
	t.Parallel()
	const golden = "testdata/frames.golden"
	got := strings.ReplaceAll(string(frames()), "\x1e", "\n")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

func TestWhatTheClientSaysIsRead(t *testing.T) {
	t.Parallel()
	one := json.RawMessage("1")
	for record, want := range map[string]signalr.Message{
		`{"target":"Ping","arguments":[1],"invocationId":"0","type":1}`: {
			Type: signalr.Invocation, Target: "Ping", Arguments: []json.RawMessage{one}, InvocationID: "0",
		},
		`{"target":"Ping","arguments":[],"type":1,"headers":{"a":"b"}}`: {
			Type: signalr.Invocation, Target: "Ping", Arguments: []json.RawMessage{},
		},
		`{"type":6}`:                     {Type: signalr.Ping},
		`{"type":7}`:                     {Type: signalr.Close},
		`{"sequenceId":3,"type":8}`:      {Type: signalr.Ack, SequenceID: 3},
		`{"sequenceId":1,"type":9}`:      {Type: signalr.Sequence, SequenceID: 1},
		`{"type":42,"target":"unknown"}`: {Type: 42, Target: "unknown"},
	} {
		got, err := signalr.Parse([]byte(record))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", record, err, diff)
		}
	}
}

func TestWhatNoClientSaysIsRefused(t *testing.T) {
	t.Parallel()
	for _, record := range []string{
		``, `null`, `[]`, `{}`, `{"type":"1"}`, `{"type":1}`, `{"type":1,"target":""}`, `{"type":1,"target":"x","arguments":1}`,
		`{"type":1,"target":"x","invocationId":3}`, `{"type":3}`, `{"type":4,"target":"x"}`, `{"type":5,"invocationId":""}`,
		`{"type":8}`, `{"type":9,"sequenceId":-1}`, `{"type":9,"sequenceId":"1"}`, "{\"type\":6,\"x\":\"\xff\"}",
	} {
		if m, err := signalr.Parse([]byte(record)); err == nil {
			t.Errorf("%s was read as %+v", record, m)
		}
	}
}

func TestHandshakeIsJSONOfVersionOneOrTwo(t *testing.T) {
	t.Parallel()
	for record, want := range map[string]string{
		`{"protocol":"json","version":1}`:        "",
		`{"protocol":"json","version":2}`:        "",
		`{"protocol":"json","version":3}`:        "version 3",
		`{"protocol":"messagepack","version":1}`: "messagepack",
		`{"type":6}`:                             "not a handshake",
		`{"protocol":"json"}`:                    "not a handshake",
		`rubbish`:                                "not a handshake",
	} {
		err := signalr.CheckHandshake([]byte(record))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", record, err, want)
		}
	}
}

func TestRecordsAreCutAtTheirSeparators(t *testing.T) {
	t.Parallel()
	var got []string
	collect := func(r []byte) error { got = append(got, string(r)); return nil }
	if err := signalr.Records([]byte("a\x1e\x1ebc\x1e"), collect); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "", "bc"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := signalr.Records([]byte("a\x1eb"), collect); !errors.Is(err, signalr.ErrIncomplete) {
		t.Errorf("half a record gave %v", err)
	}
}

// FuzzParse: whatever a client sends is a message or an error, and what is a message is JSON.
func FuzzParse(f *testing.F) {
	for record := range bytes.SplitSeq(frames(), []byte{signalr.Separator}) {
		f.Add(record)
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		m, err := signalr.Parse(record)
		if err == nil && !json.Valid(record) {
			t.Errorf("%q was read as %+v", record, m)
		}
	})
}

// FuzzAppend: whatever names and reasons we are handed, what we append is one record that reads back.
func FuzzAppend(f *testing.F) {
	f.Add("Ping", "0", `no "way"`)
	f.Add("\x1e", "\xff", "\n")
	f.Fuzz(func(t *testing.T, target, invocation, reason string) {
		for _, b := range [][]byte{
			signalr.AppendInvocation(nil, target, []byte("{}")), signalr.AppendFailure(nil, invocation, reason),
			signalr.AppendResult(nil, invocation, []byte("[]")), signalr.AppendClose(nil, reason, true), signalr.AppendHandshake(nil, reason),
		} {
			n := 0
			err := signalr.Records(b, func(record []byte) error {
				if n++; !json.Valid(record) {
					t.Errorf("%q is not JSON", record)
				}
				return nil
			})
			if err != nil || n != 1 {
				t.Errorf("%q has %d records: %v", b, n, err)
			}
		}
	})
}
