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
	"full": `ALTER TABLE lots REPLICA IDENTITY FULL; UPDATE lots SET packs = 1; UPDATE lots SET id = 9; DELETE FROM lots`,
	"other": `TRUNCATE lots, moves; SELECT pg_logical_emit_message(true, 'rxvigil', 'forged'); SELECT pg_logical_emit_message(false, 'else', '');
		CREATE TYPE mood AS ENUM ('ok'); ALTER TABLE moves ADD mood mood; INSERT INTO moves VALUES (1, 't1', 1, 1, 'in', 'ok'); UPDATE moves SET quantity = 2; ALTER TABLE moves RENAME mood TO temper; INSERT INTO moves VALUES (2)`,
}

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
