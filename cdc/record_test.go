package cdc

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// recordings are workloads, by name; what Postgres made of them is in testdata/wal.
var recordings = map[string]string{
	"shop": `BEGIN; INSERT INTO lots VALUES (12, 't1', 'b1', 2, 'infinity', 3, NULL, 1); UPDATE lots SET packs = 2 WHERE id = 12; DELETE FROM lots WHERE id = 12; COMMIT;
		BEGIN; INSERT INTO sales VALUES ('s1', 't1', NULL, 'paid', 1.50, ''); SAVEPOINT a; DELETE FROM sales; ROLLBACK TO a; INSERT INTO sale_items VALUES (1, 's1', 1, 2); COMMIT;`,
	"toast": `ALTER TABLE medicines ALTER leaflet SET STORAGE EXTERNAL; UPDATE medicines SET leaflet = repeat('read me ', 1000) WHERE id = 1;
		UPDATE medicines SET name = 'ASA' WHERE id = 1; UPDATE medicines SET id = 9 WHERE id = 1; DELETE FROM medicines WHERE id = 9`,
	"fulltoast": `ALTER TABLE medicines ALTER leaflet SET STORAGE EXTERNAL; ALTER TABLE medicines REPLICA IDENTITY FULL; UPDATE medicines SET leaflet = repeat('read me ', 400) WHERE id = 1;
		UPDATE medicines SET name = 'ASA' WHERE id = 1; UPDATE medicines SET id = 9 WHERE id = 1; UPDATE medicines SET leaflet = NULL; DELETE FROM medicines`,
	"origin": `SELECT pg_replication_origin_create('` + origin + `'); SELECT pg_replication_origin_session_setup('` + origin + `');
		BEGIN; SELECT pg_replication_origin_xact_setup('0/ABC', '2026-02-28'); UPDATE lots SET packs = 1; COMMIT;
		SELECT pg_replication_origin_session_reset(); SELECT pg_replication_origin_drop('` + origin + `'); UPDATE lots SET packs = 2`,
	"index": `ALTER TABLE sales ALTER note SET NOT NULL; CREATE UNIQUE INDEX sales_note ON sales (note); ALTER TABLE sales REPLICA IDENTITY USING INDEX sales_note;
		INSERT INTO sales VALUES ('s1', 't1', NULL, 'paid', 1.50, 'n'); UPDATE sales SET total = 2; UPDATE sales SET note = 'm'; DELETE FROM sales`,
	"parts": `CREATE TABLE parts (id int, tenant text, note text, PRIMARY KEY (id, tenant)) PARTITION BY LIST (tenant); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN ('t1'); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN ('t2');
		INSERT INTO parts VALUES (1, 't1', 'x'); UPDATE parts SET tenant = 't2'; TRUNCATE parts CASCADE; CREATE TABLE empty (); INSERT INTO empty DEFAULT VALUES; CREATE TABLE "Odd Näme" ("Id" int PRIMARY KEY, "a ""b""" int[]); INSERT INTO "Odd Näme" VALUES (1, '{1,NULL}')`,
	"full": `ALTER TABLE lots REPLICA IDENTITY FULL; UPDATE lots SET packs = 1; UPDATE lots SET id = 9; DELETE FROM lots`,
	"other": `TRUNCATE lots, moves; SELECT pg_logical_emit_message(true, 'rxvigil', 'forged'); SELECT pg_logical_emit_message(false, 'else', '');
		CREATE TYPE mood AS ENUM ('ok'); ALTER TABLE moves ADD mood mood; INSERT INTO moves VALUES (1, 't1', 1, 1, 'in', 'ok'); UPDATE moves SET quantity = 2; ALTER TABLE moves RENAME mood TO temper; INSERT INTO moves VALUES (2)`,
}

// origin is a name for changes that came from elsewhere. Such names are the cluster's.
const origin = "rxvigil_recorded"

// record runs a workload on a fresh shop and gives the messages that the server's output plugin makes of it.
func record(t testing.TB, workload string) [][]byte {
	t.Helper()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, shopSchema+stocked)
	conn := session(t, dsn)
	name := conn.Config().Database
	run(t, conn, "CREATE PUBLICATION p FOR ALL TABLES")
	run(t, conn, "SELECT pg_create_logical_replication_slot('"+name+"', 'pgoutput')")
	for statement := range strings.SplitSeq(workload, ";") {
		run(t, conn, statement)
	}
	rows, err := conn.Query(t.Context(), "SELECT data FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', 'p', 'messages', 'true')", name)
	must(t, err)
	messages, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	must(t, err)
	return messages
}

// recorded reads a recording.
func recorded(t testing.TB, name string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "wal", name+".hex"))
	must(t, err)
	var messages [][]byte
	for line := range strings.Lines(string(text)) {
		b, err := hex.DecodeString(strings.TrimSpace(line))
		must(t, err)
		messages = append(messages, b)
	}
	return messages
}
