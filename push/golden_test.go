package push_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

var update = flag.Bool("update", false, "rewrite the golden frames in testdata")

// random is what differs from run to run.
var random = regexp.MustCompile(`(retry: |"retry_after_ms":|"connectionId":)("[A-Za-z0-9_-]+"|\d+)`)

func blank(s string) string { return random.ReplaceAllString(s, "$1…") }

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestFramesAreAsPromised tells one story over each transport and compares every byte but the random ones.
func TestFramesAreAsPromised(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				b.world.raise(abyssinia, lowStock("m1", 38), expiring("l1", "2000-01-20"), expiring("l2", "1999-12-31"))
				v, err := tr.connect(b, "testpharmacy", "", rxvigil.EndOf("e1", b.lsn).String())
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				var told strings.Builder
				read := func(until string) {
					for f := (frame{}); f.kind != until; {
						if f, err = v.next(); err != nil {
							t.Fatalf("after\n%s\n%v", told.String(), err)
						}
						told.WriteString(blank(strings.TrimRight(f.raw, "\n")) + "\n\n")
					}
				}
				story(b, read)
				name := tr.name
				if strings.HasPrefix(name, "signalr") { // what carries them does not change them
					name = "signalr"
				}
				checkGolden(t, name+".golden", told.String())
			})
		})
	}
}

// story is a day in a pharmacy; read reads up to a frame of a kind, on whatever transport.
func story(b *bundle, read func(until string)) {
	read("heartbeat")
	b.tx(
		event(abyssinia, "", rxvigil.MedicineCreated, `{"id":"m1","name":"Loratadine 10mg","category":"antihistamine","price":0.45,"reorder_level":20}`),
		event(abyssinia, "b1", rxvigil.LotReceived, `{"id":"l7","medicine":"m1","number":"LOR-0121","expires":"2000-10-01","on_hand":80,"medicine_name":"Loratadine 10mg"}`),
		event(abyssinia, "b1", rxvigil.StockChanged, `{"id":"m1","name":"Loratadine 10mg","before":{"on_hand":null,"available":null},"after":{"on_hand":80,"available":80}}`),
	)
	b.tx(
		event(abyssinia, "", rxvigil.MedicineUpdated, `{"id":"m2","name":"Zinc","changed":["name","reorder_level"],"before":{"name":"Zink","reorder_level":30},"after":{"name":"Zinc","reorder_level":40}}`),
		sold(abyssinia, "b1", "m2", 47, 43),
		sold(abyssinia, "b2", "m2", 5, 4),
		event(abyssinia, "b1", rxvigil.LotUpdated, `{"id":"l2","medicine":"m2","medicine_name":"Zinc","changed":["on_hand","expires"],"before":{"on_hand":47,"expires":"2000-02-01"},"after":{"on_hand":43,"expires":"2000-03-01"}}`),
	)
	b.world.raise(abyssinia, lowStock("m1", 0))
	b.tx(event(abyssinia, "b1", rxvigil.AlertChanged, `{"id":"low-m1","status":"firing"}`))
	b.tx(event(abyssinia, "", rxvigil.MedicineDeleted, `{"id":"m3","name":"Old","category":null,"price":1}`))
	read("medicine_deleted")
	b.log.Stale(time.Now(), "source_unreachable")
	read("stale")
	read("heartbeat")
	b.log.Fresh()
	read("fresh")
	b.tx(event(abyssinia, "", rxvigil.Resync, `{}`))
	read("resync")
	at := rxvigil.EndOf("e2", 9000)
	b.log.Start("e2", at, at)
	read("resync")
	go b.stop()
	read("bye")
}
