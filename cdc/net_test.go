package cdc

import (
	"fmt"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

const stocked = `
INSERT INTO tenants VALUES ('t1', 'Umi'), ('t2', 'Beras');
INSERT INTO medicines VALUES (1, 't1', 'Aspirin', 10), (2, 't1', 'Ibuprofen', 5);
INSERT INTO lots VALUES (11, 't1', 'b1', 1, '2027-01-31', 8, 10, 3);`

// stockedShop is a shop with something on its shelves, read and followed.
func stockedShop(t *testing.T) *shop {
	t.Helper()
	s := open(t, shopSchema+stocked, shopMapping)
	s.boot()
	return s
}

func TestSeveralChangesOfOneRowAreOneFirstImageAgainstLast(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	want(t, "three updates", s.tells("UPDATE lots SET packs = 7; UPDATE lots SET packs = 6, size = 5; UPDATE lots SET expires = 'infinity'"),
		"~ lot 11 [t1/b1] expires=2027-01-31>infinity on_hand=80>30 reserved=5>3")
	want(t, "there and back", s.tells("BEGIN; UPDATE lots SET packs = 1; UPDATE lots SET packs = 6; COMMIT"), "")
	want(t, "insert, update", s.tells("BEGIN; INSERT INTO lots VALUES (12, 't1', 'b1', 1, NULL, 1); UPDATE lots SET packs = 2 WHERE id = 12; COMMIT"),
		"+ lot 12 [t1/b1] medicine=1 expires=null on_hand=2 reserved=2")
	want(t, "insert and delete", s.tells("BEGIN; INSERT INTO lots VALUES (13, 't1', 'b1', 1, NULL, 1); DELETE FROM lots WHERE id = 13; COMMIT"), "")
	want(t, "delete and insert of one key", s.tells("BEGIN; DELETE FROM lots WHERE id = 12; INSERT INTO lots VALUES (12, 't1', 'b1', 1, NULL, 5); COMMIT"),
		"~ lot 12 [t1/b1] on_hand=2>5 reserved=2>5")
	want(t, "update and delete", s.tells("BEGIN; UPDATE lots SET packs = 99 WHERE id = 12; DELETE FROM lots WHERE id = 12; COMMIT"),
		"- lot 12 [t1/b1] medicine=1 expires=null on_hand=5 reserved=5")
}

func TestWhatWasRolledBackToASavepointNeverHappened(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	want(t, "a savepoint", s.tells(`BEGIN;
		UPDATE lots SET packs = 7;
		SAVEPOINT a; UPDATE lots SET packs = 1; INSERT INTO lots VALUES (12, 't1', 'b1', 1); ROLLBACK TO a;
		SAVEPOINT b; INSERT INTO lots VALUES (13, 't1', 'b1', 2, NULL, 4); RELEASE b;
		COMMIT`), `
		~ lot 11 [t1/b1] on_hand=80>70 reserved=5>4
		+ lot 13 [t1/b1] medicine=2 expires=null on_hand=4 reserved=4`)
	want(t, "a rolled back transaction", s.tells("BEGIN; UPDATE lots SET packs = 1; ROLLBACK"), "")
}

// K3: the old row and the new one come without the long value: neither is a null.
func TestK3AKeyChangeCarriesWhatWasTooLongToSendAgain(t *testing.T) {
	t.Parallel()
	for _, identity := range []string{"DEFAULT", "FULL"} {
		t.Run(identity, func(t *testing.T) {
			t.Parallel()
			s := open(t, shopSchema+stocked+"ALTER TABLE medicines REPLICA IDENTITY "+identity+";"+
				"ALTER TABLE medicines ALTER leaflet SET STORAGE EXTERNAL; UPDATE medicines SET leaflet = repeat('read me ', 2000) WHERE id = 1", shopMapping)
			s.boot()
			want(t, "another field", s.tells("UPDATE medicines SET name = 'ASA' WHERE id = 1"), "~ medicine 1 [t1/] name=Aspirin>ASA")
			want(t, "a key change", s.tells("UPDATE medicines SET id = 9 WHERE id = 1"), `
				- medicine 1 [t1/] name=ASA reorder_level=10 status=active leaflet=(16000 bytes)
				+ medicine 9 [t1/] name=ASA reorder_level=10 status=active leaflet=(16000 bytes)`)
			want(t, "a key changed twice", s.tells("BEGIN; UPDATE medicines SET id = 8 WHERE id = 9; UPDATE medicines SET id = 7 WHERE id = 8; COMMIT"), `
				- medicine 9 [t1/] name=ASA reorder_level=10 status=active leaflet=(16000 bytes)
				+ medicine 7 [t1/] name=ASA reorder_level=10 status=active leaflet=(16000 bytes)`)
			want(t, "two keys exchanged", s.tells("BEGIN; UPDATE medicines SET id = 0 WHERE id = 7; UPDATE medicines SET id = 7 WHERE id = 2; UPDATE medicines SET id = 2 WHERE id = 0; COMMIT"), `
				~ medicine 7 [t1/] name=ASA>Ibuprofen reorder_level=10>5 leaflet=(16000 bytes)>null
				~ medicine 2 [t1/] name=Ibuprofen>ASA reorder_level=5>10 leaflet=null>(16000 bytes)`)
			want(t, "the long value itself", s.tells("UPDATE medicines SET leaflet = 'short' WHERE id = 2"), "~ medicine 2 [t1/] leaflet=(16000 bytes)>short")
		})
	}
}

func TestCompositeKeysNeverMeet(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+`DROP TABLE lots; CREATE TABLE lots (medicine text, number text, tenant text, packs int, PRIMARY KEY (medicine, number))`,
		`{medicine: {table: medicines, key: id, tenant: tenant}, lot: {table: lots, key: [medicine, number], tenant: tenant, fields: {on_hand: packs}}}`)
	s.boot()
	want(t, "keys with slashes", s.tells(`INSERT INTO lots VALUES ('a/b', 'c', 't1', 1), ('a', 'b/c', 't1', 2), ('a\', '/b', 't1', 3), ('a', 'b', 't1', 4)`), `
		+ lot a\/b/c [t1/] on_hand=1
		+ lot a/b\/c [t1/] on_hand=2
		+ lot a\\/\/b [t1/] on_hand=3
		+ lot a/b [t1/] on_hand=4`)
}

func TestATruncationTakesEveryRecordOfItsTable(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.tells("INSERT INTO lots VALUES (12, 't1', 'b1', 2, NULL, 1), (13, 't1', 'b1', 2, NULL, 1)")
	want(t, "a truncation among other changes", s.tells(`BEGIN;
		INSERT INTO lots VALUES (14, 't1', 'b1', 2, NULL, 1);
		UPDATE lots SET packs = 5 WHERE id = 12;
		TRUNCATE lots, medicines;
		INSERT INTO lots VALUES (13, 't1', 'b1', 2, NULL, 3);
		COMMIT`), `
		- lot 12 [t1/b1] medicine=2 expires=null on_hand=1 reserved=1
		- medicine 1 [t1/] name=Aspirin reorder_level=10 status=active leaflet=null
		- medicine 2 [t1/] name=Ibuprofen reorder_level=5 status=active leaflet=null
		- lot 11 [t1/b1] medicine=1 expires=2027-01-31 on_hand=80 reserved=5
		~ lot 13 [t1/b1] on_hand=1>3 reserved=1>3`)
}

func TestARowIsAnEntityOnlyWhereThePredicateHolds(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	want(t, "a row of another kind", s.tells("INSERT INTO lots VALUES (12, 't1', 'b1', 2, NULL, 1, 1, 0, 'sample')"), "")
	want(t, "it becomes stock", s.tells("UPDATE lots SET kind = 'stock' WHERE id = 12"), "+ lot 12 [t1/b1] medicine=2 expires=null on_hand=1 reserved=1")
	want(t, "and is none any more", s.tells("UPDATE lots SET kind = NULL WHERE id = 12"), "- lot 12 [t1/b1] medicine=2 expires=null on_hand=1 reserved=1")
	want(t, "a soft delete", s.tells("UPDATE medicines SET deleted = true WHERE id = 2"), "~ medicine 2 [t1/] gone")
	want(t, "an undelete", s.tells("UPDATE medicines SET deleted = NULL WHERE id = 2"), "~ medicine 2 [t1/]")
}

func TestQuantitiesAreComputedExactlyOrUnknown(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	want(t, "a null factor", s.tells("UPDATE lots SET size = NULL, reserved = NULL"), "~ lot 11 [t1/b1] on_hand=80>? reserved=5>8")
	want(t, "a product beyond 19 digits", s.tells("ALTER TABLE lots ALTER packs TYPE bigint; UPDATE lots SET size = 2000000000, packs = 9000000000000000000"),
		"~ lot 11 [t1/b1] reserved=8>9000000000000000000")
	want(t, "signs", s.tells("INSERT INTO moves VALUES (1, 't1', 1, 5, 'in'), (2, 't1', 1, 5, 'out'), (3, 't1', 1, 5, 'count'), (4, 't1', 1, 5, 'lent'), (5, 't1', 1, 5, NULL), (6, 't1', 1, NULL, 'in')"), `
		+ movement 1 [t1/] medicine=1 quantity=5
		+ movement 2 [t1/] medicine=1 quantity=-5
		+ movement 3 [t1/] medicine=1 quantity=0
		+ movement 4 [t1/] medicine=1
		+ movement 5 [t1/] medicine=1
		+ movement 6 [t1/] medicine=1 quantity=null
		! unknown_word of movement public.moves.direction "lent" [t1]
		! unknown_word of movement public.moves.direction "" [t1]`)
}

func TestAnUnknownStatusIsSaidAndItsWordKept(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	want(t, "a sale parked", s.tells("INSERT INTO sales VALUES ('s1', 't1', 'b1', 'parked', 1.50)"), `
		+ sale s1 [t1/b1] status=unknown native_status=parked total=1.50 note=null
		! unknown_status of sale public.sales.status "parked" [t1]`)
	want(t, "a sale paid", s.tells("UPDATE sales SET status = 'paid'"), "~ sale s1 [t1/b1] status=unknown>completed native_status=parked>?")
	want(t, "a sale without one", s.tells("UPDATE sales SET status = NULL"), "~ sale s1 [t1/b1] status=completed>null")
	want(t, "canonical words of the app", s.tells("UPDATE medicines SET status = 'inactive' WHERE id = 1; UPDATE medicines SET status = 'Active' WHERE id = 2"), `
		~ medicine 1 [t1/] status=active>inactive
		~ medicine 2 [t1/] status=active>unknown native_status=?>Active
		! unknown_status of medicine public.medicines.status "Active" [t1]`)
}

func TestNothingIsToldOfARecordWithoutTenant(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	want(t, "no tenant", s.tells("INSERT INTO lots VALUES (12, NULL, 'b1', 1, NULL, 1)"), `! no_tenant of lot public.lots. "" []`)
	want(t, "now it has one", s.tells("UPDATE lots SET tenant = 't2' WHERE id = 12"), "+ lot 12 [t2/b1] medicine=1 expires=null on_hand=1 reserved=1")
	want(t, "another one: it goes here and comes there", s.tells("UPDATE lots SET tenant = 't1', packs = 2 WHERE id = 12"), `
		- lot 12 [t2/b1] medicine=1 expires=null on_hand=1 reserved=1
		+ lot 12 [t1/b1] medicine=1 expires=null on_hand=2 reserved=2`)
	want(t, "and none again", s.tells("UPDATE lots SET tenant = NULL WHERE id = 12"), `
		- lot 12 [t1/b1] medicine=1 expires=null on_hand=2 reserved=2
		! no_tenant of lot public.lots. "" []`)
	want(t, "another branch is the same lot", s.tells("UPDATE lots SET branch = 'b2' WHERE id = 11"), "~ lot 11 [t1/b2]")
}

func TestATenantIsNeverGuessedFromAWord(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema, `{medicine: {table: medicines, key: id, tenant: {column: tenant, words: {A: t1}}, fields: {name: name}}, lot: {table: lots, key: id, tenant: tenant}}`)
	s.boot()
	want(t, "codes of tenants", s.tells("INSERT INTO medicines VALUES (1, 'A', 'x'), (2, 'B', 'y')"), `
		+ medicine 1 [t1/] name=x
		! unknown_word of medicine public.medicines.tenant "B" []
		! no_tenant of medicine public.medicines. "" []`)
}

func TestABigTransactionLeavesNoBurdenOnTheNext(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	n := 3 * manyTouches
	s.exec(fmt.Sprintf("INSERT INTO lots SELECT 100 + i, 't1', 'b1', 1, NULL, i FROM generate_series(1, %d) AS i", n))
	txs := s.settle()
	if len(txs) != 1 || len(txs[0].Changes) != n || txs[0].Rows != n {
		t.Fatalf("%d transactions", len(txs))
	}
	want(t, "the next one", s.tells("UPDATE lots SET packs = 1 WHERE id = 101; UPDATE lots SET packs = 3 WHERE id = 102"), "~ lot 102 [t1/b1] on_hand=2>3 reserved=2>3")
	if got := pgtest.Ask(t, s.dsn, "SELECT count(*) FROM lots"); got != fmt.Sprint(n+1) {
		t.Errorf("%s rows", got)
	}
}
