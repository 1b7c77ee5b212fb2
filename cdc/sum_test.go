package cdc

import "testing"

func TestStockIsWhatTheRowsOfALedgerComeTo(t *testing.T) {
	t.Parallel()
	s := open(t, `CREATE TABLE goods (id int PRIMARY KEY, tenant text);
		CREATE TABLE packs (id int PRIMARY KEY, good int, expires date);
		CREATE TABLE moves (id int PRIMARY KEY, tenant text, branch text, pack int, quantity numeric, kind text);
		INSERT INTO packs VALUES (5, 7, '2027-01-31'), (6, 7, NULL);`, `
medicine: {table: goods, key: id, tenant: tenant}
lot:
  table: moves
  key: [branch, pack]
  sum: on_hand
  tenant: tenant
  branch: branch
  fields:
    medicine: {column: good, from: packs, by: pack}
    expires: {column: expires, from: packs, by: pack}
    on_hand: {column: quantity, sign: {column: kind, values: {in: 1, out: -1}}}`)
	s.exec("INSERT INTO moves VALUES (1, 't', 'b', 5, 100, 'in'), (2, 't', 'b', 5, 30, 'out'), (3, 't', 'b', 6, 8, 'in')")
	s.boot()
	want(t, "less", s.tells("INSERT INTO moves VALUES (4, 't', 'b', 5, 20.5, 'out')"), "~ lot b/5 [t/b] on_hand=70>49.5")
	want(t, "two in one", s.tells("INSERT INTO moves VALUES (5, 't', 'b', 5, 1, 'in'), (6, 't', 'b', 6, 8, 'out')"), `
		~ lot b/5 [t/b] on_hand=49.5>50.5
		~ lot b/6 [t/b] on_hand=8>0`)
	want(t, "a new shelf", s.tells("INSERT INTO moves VALUES (7, 't', 'c', 5, 3, 'in')"), "+ lot c/5 [t/c] medicine=7 expires=2027-01-31 on_hand=3")
	want(t, "a correction", s.tells("UPDATE moves SET quantity = 4, kind = 'out' WHERE id = 5"), "~ lot b/5 [t/b] on_hand=50.5>45.5")
	want(t, "moved to another shelf", s.tells("UPDATE moves SET branch = 'c' WHERE id = 2"), `
		~ lot b/5 [t/b] on_hand=45.5>75.5
		~ lot c/5 [t/c] on_hand=3>-27`)
	want(t, "nobody knows how much", s.tells("INSERT INTO moves VALUES (8, 't', 'c', 5, NULL, 'in')"), "~ lot c/5 [t/c] on_hand=-27>?")
	want(t, "somebody does", s.tells("UPDATE moves SET quantity = 30 WHERE id = 8"), "~ lot c/5 [t/c] on_hand=?>3")
	want(t, "another expiry", s.tells("UPDATE packs SET expires = '2027-02-28' WHERE id = 6"), "~ lot b/6 [t/b] expires=null>2027-02-28")
	must(t, s.stop())
	s.resume()
	want(t, "after a restart", s.tells("DELETE FROM moves WHERE id IN (7, 8)"), "~ lot c/5 [t/c] on_hand=3>-30")
	want(t, "the last", s.tells("DELETE FROM moves WHERE id = 2"), "- lot c/5 [t/c] medicine=7 expires=2027-01-31 on_hand=-30")
}
