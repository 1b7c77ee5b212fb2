package cdc

import "testing"

const newestSchema = `
CREATE TABLE medicines (id int PRIMARY KEY, tenant text, name text);
CREATE TABLE balances (id int PRIMARY KEY, tenant text, medicine int, batch text, quantity int);
CREATE TABLE counts (id int PRIMARY KEY, tenant text, shelf text, medicine int, quantity int, at timestamptz, state text DEFAULT 'done');`

const newestMapping = `
medicine: {table: medicines, key: id, tenant: tenant, fields: {name: name}}
lot:
  - {table: balances, key: batch, tenant: tenant, fields: {medicine: medicine, on_hand: quantity}}
  - table: counts
    key: [shelf, medicine]
    newest: at
    where: {column: state, in: [done]}
    tenant: tenant
    fields: {medicine: medicine, on_hand: quantity}
    extra: {shop: {column: name, from: medicines, by: medicine}}`

func TestTheNewestRowIsTheEntity(t *testing.T) {
	t.Parallel()
	s := open(t, newestSchema+`
		INSERT INTO medicines VALUES (1, 't1', 'Aspirin');
		INSERT INTO counts SELECT n, 't1', 'A/' || n % 2, 1, n, '2026-01-01'::timestamptz + n * interval '1 day' FROM generate_series(1, 5000) n;`, newestMapping)
	s.boot()
	want(t, "an older count", s.tells(`INSERT INTO counts VALUES (9001, 't1', 'A/0', 1, 7, '2020-01-01')`), "")
	want(t, "a newer one", s.tells(`INSERT INTO counts VALUES (9002, 't1', 'A/0', 1, 8, '2050-01-01')`), `~ lot A\/0/1 [t1/] on_hand=5000>8`)
	want(t, "one that is not done", s.tells(`INSERT INTO counts VALUES (9003, 't1', 'A/0', 1, 9, '2051-01-01', 'open')`), "")
	want(t, "that is done", s.tells(`UPDATE counts SET state = 'done' WHERE id = 9003`), `~ lot A\/0/1 [t1/] on_hand=8>9`)
	want(t, "its going", s.tells(`DELETE FROM counts WHERE id = 9003`), `~ lot A\/0/1 [t1/] on_hand=9>8`)
	want(t, "the going of what does not count", s.tells(`DELETE FROM counts WHERE id = 2`), ``)
	want(t, "the newest made the oldest", s.tells(`UPDATE counts SET at = '2019-01-01' WHERE id = 9002`), `~ lot A\/0/1 [t1/] on_hand=8>5000`)
	want(t, "rows deleted and made anew", s.tells(`BEGIN; DELETE FROM counts WHERE shelf = 'A/1';
		INSERT INTO counts VALUES (9005, 't1', 'A/1', 1, 3, '2026-02-02'), (9004, 't1', 'A/1', 1, 4999, '2026-03-03'); COMMIT`), "")
	want(t, "a row that goes to another shelf", s.tells(`UPDATE counts SET shelf = 'B' WHERE id = 9004`), `
		~ lot A\/1/1 [t1/] on_hand=4999>3
		+ lot B/1 [t1/] medicine=1 on_hand=4999 shop=Aspirin`)
	want(t, "its last row", s.tells(`DELETE FROM counts WHERE shelf = 'B'`), `- lot B/1 [t1/] medicine=1 on_hand=4999 shop=Aspirin`)
	want(t, "what is looked up", s.tells(`UPDATE medicines SET name = 'ASA'`), `
		~ medicine 1 [t1/] name=Aspirin>ASA
		~ lot A\/0/1 [t1/] shop=Aspirin>ASA
		~ lot A\/1/1 [t1/] shop=Aspirin>ASA`)
	want(t, "all of them", s.tells(`TRUNCATE counts`), `
		- lot A\/0/1 [t1/] medicine=1 on_hand=5000 shop=ASA
		- lot A\/1/1 [t1/] medicine=1 on_hand=3 shop=ASA`)
}

func TestAnIDMayBeAColumnThatADeleteDoesNotCarry(t *testing.T) {
	t.Parallel()
	s := open(t, newestSchema, newestMapping)
	s.boot()
	want(t, "rows", s.tells(`INSERT INTO balances VALUES (1, 't1', 1, 'PCM', 5), (2, 't1', 1, NULL, 6)`), "+ lot PCM [t1/] medicine=1 on_hand=5")
	want(t, "a change", s.tells(`UPDATE balances SET quantity = 6 WHERE id = 1`), "~ lot PCM [t1/] on_hand=5>6")
	want(t, "another id", s.tells(`UPDATE balances SET batch = 'PCM-2' WHERE id = 1`), `
		- lot PCM [t1/] medicine=1 on_hand=6
		+ lot PCM-2 [t1/] medicine=1 on_hand=6`)
	want(t, "its going", s.tells(`DELETE FROM balances`), "- lot PCM-2 [t1/] medicine=1 on_hand=6")
}

// TestALargeTransactionFollowsItsNewestRows spills.
func TestALargeTransactionFollowsItsNewestRows(t *testing.T) {
	t.Parallel()
	s := open(t, newestSchema+"INSERT INTO medicines VALUES (0, 't1', 'A'), (1, 't1', 'B');", newestMapping)
	s.boot()
	want(t, "many rows of few", s.tells(`INSERT INTO counts SELECT n, 't1', 'A', n % 2, n, '2026-01-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 40000) n`), `
		+ lot A/1 [t1/] medicine=1 on_hand=39999 shop=B
		+ lot A/0 [t1/] medicine=0 on_hand=40000 shop=A`)
	want(t, "most of them going", s.tells(`DELETE FROM counts WHERE id > 10`), `
		~ lot A/0 [t1/] on_hand=40000>10
		~ lot A/1 [t1/] on_hand=39999>9`)
}
