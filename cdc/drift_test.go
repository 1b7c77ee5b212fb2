package cdc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestAColumnRenamedWhileRunningDegradesItsMappingAlone(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.exec("ALTER TABLE lots RENAME packs TO boxes")
	for range 2 { // every row that cannot be read is counted
		want(t, "a row of a renamed column", s.tells("UPDATE lots SET reserved = 1; UPDATE medicines SET level = level + 1 WHERE id = 1"), `
			~ medicine 1 [t1/] reorder_level=10>11
			! unreadable of lot public.lots. "public.lots has no column \"packs\"" []`)
		s.exec("UPDATE medicines SET level = 10 WHERE id = 1")
		s.settle()
	}
	if !s.says("mapping_degraded", "lot from public.lots") {
		t.Errorf("it said\n%s", s.said)
	}
	s.breakLine()
	s.until("the stream to go on", func(m *memory) bool { return m.resumed == 1 })
	want(t, "after a reconnect", s.tells("UPDATE medicines SET level = 1 WHERE id = 1"), "~ medicine 1 [t1/] reorder_level=10>1")
	must(t, s.stop())
	s.start() // an engine that starts refuses
	if err := s.ended(); err == nil || !strings.Contains(err.Error(), `table public.lots has no column "packs"`) {
		t.Errorf("ended with %v", err)
	}
}

func TestAnAddedColumnIsNothing(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.exec("ALTER TABLE lots ADD colour text DEFAULT 'red'")
	want(t, "an update", s.tells("UPDATE lots SET packs = 7, colour = 'blue'"), "~ lot 11 [t1/b1] on_hand=80>70 reserved=5>4")
	s.exec("ALTER TABLE lots ALTER packs TYPE numeric(10,2)")
	want(t, "another number type", s.tells("UPDATE lots SET packs = 6.5"), "~ lot 11 [t1/b1] on_hand=70>65.00 reserved=4>3.50")
}

func TestAMessageUnderOurPrefixWithoutOurKeyIsCounted(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	txs := s.retold(`BEGIN; SELECT pg_logical_emit_message(true, 'rxvigil', 'forged'); SELECT pg_logical_emit_message(true, 'other', 'x');
		SELECT pg_logical_emit_message(false, 'rxvigil', 'loose'); UPDATE lots SET packs = 7; COMMIT`)
	if len(txs) != 1 || txs[0].Forged != 1 || txs[0].Rows != 3 || len(txs[0].Changes) != 1 || txs[0].Changes[0].Row != 2 {
		t.Errorf("%+v", txs)
	}
}

func TestDomainsAreReadAsWhatTheyAreMadeOf(t *testing.T) {
	t.Parallel()
	s := open(t, `CREATE DOMAIN quantity AS int CHECK (VALUE >= 0); CREATE DOMAIN shelf AS quantity; CREATE DOMAIN day AS date; CREATE TYPE state AS ENUM ('fine');
		CREATE TABLE medicines (id int PRIMARY KEY, tenant text); CREATE TABLE lots (id int PRIMARY KEY, tenant text, packs shelf, expires day, state state)`,
		`{medicine: {table: medicines, key: id, tenant: tenant}, lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: packs, expires: expires, number: state}}}`)
	s.boot()
	want(t, "a row of domains", s.tells("INSERT INTO lots VALUES (1, 't1', 5, 'infinity', 'fine')"), "+ lot 1 [t1/] number=fine expires=infinity on_hand=5")
}

const partitioned = `
CREATE TABLE medicines (id int PRIMARY KEY, tenant text, name text);
CREATE TABLE lots (id int, tenant text, medicine int, packs int, note text, PRIMARY KEY (id, tenant)) PARTITION BY LIST (tenant);
CREATE TABLE lots_1 PARTITION OF lots FOR VALUES IN ('t1');
CREATE TABLE lots_2 (note text, packs int, medicine int, id int, tenant text, PRIMARY KEY (id, tenant));
ALTER TABLE lots_2 ALTER id SET NOT NULL, ALTER tenant SET NOT NULL;
ALTER TABLE lots ATTACH PARTITION lots_2 FOR VALUES IN ('t2', 't3');
ALTER TABLE lots ALTER note SET STORAGE EXTERNAL;
INSERT INTO lots VALUES (1, 't1', 7, 5, repeat('long ', 1000)), (2, 't2', 7, 6, NULL);`

const partitionedMapping = `{medicine: {table: medicines, key: id, tenant: tenant}, lot: {table: lots, key: id, tenant: {const: t}, branch: tenant, fields: {on_hand: packs}, extra: {note: note}}}`

func TestPartitionsAreOneTable(t *testing.T) {
	t.Parallel()
	s := open(t, partitioned, partitionedMapping)
	s.boot()
	want(t, "updates in two partitions", s.tells("UPDATE lots SET packs = packs + 1"), `
		~ lot 1 [t/t1] on_hand=5>6
		~ lot 2 [t/t2] on_hand=6>7`)
	want(t, "a row that moves is one update", s.tells("UPDATE lots SET tenant = 't2', packs = 8 WHERE id = 1"), "~ lot 1 [t/t2] on_hand=6>8")
	want(t, "a new partition", s.tells("CREATE TABLE lots_4 PARTITION OF lots FOR VALUES IN ('t4'); INSERT INTO lots VALUES (4, 't4', 7, 1)"), "+ lot 4 [t/t4] on_hand=1 note=null")
	want(t, "the whole table truncated", s.tells("TRUNCATE lots"), `
		- lot 1 [t/t2] on_hand=8 note=(5000 bytes)
		- lot 2 [t/t2] on_hand=7 note=null
		- lot 4 [t/t4] on_hand=1 note=null`)
	s.tells("INSERT INTO lots VALUES (1, 't1', 7, 5), (2, 't2', 7, 6)")
	want(t, "a partition truncated", s.rereads("TRUNCATE lots_1; INSERT INTO lots VALUES (3, 't1', 7, 9)"), "- lot 1 [t/t1] on_hand=5 note=null")
	want(t, "updates after that", s.tells("UPDATE lots SET packs = 0"), `
		~ lot 3 [t/t1] on_hand=9>0
		~ lot 2 [t/t2] on_hand=6>0`)
	if got := pgtest.Ask(t, s.dsn, "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_publication_tables WHERE pubname = 'rxvigil'"); got != "lots_1 lots_2 lots_4 medicines" {
		t.Errorf("published are %s", got)
	}
}

func TestAnUnreadableRowIsCountedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	st := &stream{Reader: s.newReader(), c: newCollector(s.sink)}
	must(t, st.undecodable(t.Context(), []byte("I…"), errTruncated))
	if f := st.c.out.Faults; len(f) != 1 || f[0].Reason != "unreadable" || st.c.row != 1 {
		t.Errorf("%+v", st.c.out)
	}
	for _, message := range []string{"", "B", "C", "R", "Z"} {
		if err := st.undecodable(t.Context(), []byte(message), errTruncated); err == nil {
			t.Errorf("an unreadable %q is passed over", message)
		}
	}
	if err := st.commit(t.Context(), &Frame{Kind: 'C', LSN: 7}); err == nil || !strings.Contains(fmt.Sprint(err), "0/7") {
		t.Errorf("a commit without its begin: %v", err)
	}
}

func (s *shop) newReader() *Reader { return NewReader(s.cfg, Kept{}) }
