package cdc

import (
	"slices"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// In chainSchema a lot knows its branch alone, and a line its lot alone: everything else is looked up.
const chainSchema = `
CREATE TABLE pharmacies (id text PRIMARY KEY, name text);
CREATE TABLE branches (id text PRIMARY KEY, pharmacy text, name text);
CREATE TABLE products (id int PRIMARY KEY, pharmacy text, name text, pack int);
CREATE TABLE batches (id int PRIMARY KEY, product int, branch text, packs int);
CREATE TABLE receipts (id int PRIMARY KEY, branch text, total numeric);
CREATE TABLE items (id int PRIMARY KEY, receipt int, batch int, quantity int);
CREATE TABLE reasons (code text PRIMARY KEY, direction text, spare text);
CREATE TABLE entries (id int PRIMARY KEY, batch int, quantity int, reason text);`

const chainMapping = `
medicine: {table: products, key: id, tenant: pharmacy, fields: {name: name}}
lot:
  table: batches
  key: id
  tenant: {column: pharmacy, from: branches, by: branch}
  branch: branch
  fields: {medicine: product, on_hand: {column: pack, from: products, by: product, times: packs}}
  extra: {shop: {column: name, from: branches, by: branch}}
sale:
  table: receipts
  key: id
  tenant: {column: pharmacy, from: branches, by: branch}
  branch: branch
  fields: {total: total}
sale_line:
  table: items
  key: id
  parent: receipt
  fields: {medicine: {column: product, from: batches, by: batch}, lot: batch, quantity: quantity}
movement:
  table: entries
  key: id
  tenant: {column: pharmacy, from: branches, by: {column: branch, from: batches, by: batch}}
  fields: {medicine: {column: product, from: batches, by: batch}, quantity: {column: quantity, sign: {column: direction, from: reasons, by: reason, values: {in: 1, out: -1}}}}`

const chainRows = `
INSERT INTO pharmacies VALUES ('t1', 'One'), ('t2', 'Two');
INSERT INTO branches VALUES ('b1', 't1', 'Main'), ('b2', 't2', 'Other');
INSERT INTO products VALUES (1, 't1', 'Paracetamol', 10), (2, 't1', 'Ibuprofen', 20);
INSERT INTO reasons VALUES ('got', 'in'), ('gave', 'out');
INSERT INTO batches VALUES (1, 1, 'b1', 3);`

func chainShop(t *testing.T) *shop {
	t.Helper()
	s := open(t, chainSchema+chainRows, chainMapping)
	s.boot()
	return s
}

func TestWhatARowLooksUpIsFound(t *testing.T) {
	t.Parallel()
	s := chainShop(t)
	if faults := s.sink.look().faults; len(faults) > 0 {
		t.Errorf("faults of the picture: %+v", faults)
	}
	want(t, "a lot", s.tells("INSERT INTO batches VALUES (2, 2, 'b1', 4)"), "+ lot 2 [t1/b1] medicine=2 on_hand=80 shop=Main")
	want(t, "its quantity", s.tells("UPDATE batches SET packs = 5 WHERE id = 2"), "~ lot 2 [t1/b1] on_hand=80>100")
	want(t, "a lot of the picture", s.tells("UPDATE batches SET packs = 5 WHERE id = 1"), "~ lot 1 [t1/b1] on_hand=30>50")
	want(t, "a sale and its line", s.tells("BEGIN; INSERT INTO items VALUES (1, 1, 2, 6); INSERT INTO receipts VALUES (1, 'b1', 9); COMMIT"), `
		+ sale 1 [t1/b1] total=9
		| 1 [t1/b1] sale=1 medicine=2 lot=2 quantity=6
		+ sale_line 1 [t1/b1] sale=1 medicine=2 lot=2 quantity=6`)
	want(t, "two hops, and a sign", s.tells("INSERT INTO entries VALUES (1, 2, 7, 'gave'), (2, 1, 5, 'got')"), `
		+ movement 1 [t1/] medicine=2 quantity=-7
		+ movement 2 [t1/] medicine=1 quantity=5`)
	want(t, "a lot of another branch", s.tells("UPDATE batches SET branch = 'b2' WHERE id = 1"), `
		- lot 1 [t1/b1] medicine=1 on_hand=50 shop=Main
		+ lot 1 [t2/b2] medicine=1 on_hand=50 shop=Other
		- movement 2 [t1/] medicine=1 quantity=5
		+ movement 2 [t2/] medicine=1 quantity=5`)
	want(t, "a lot that goes", s.tells("DELETE FROM batches WHERE id = 1"), `
		- lot 1 [t2/b2] medicine=1 on_hand=50 shop=Other
		- movement 2 [t2/] medicine=1 quantity=5
		! no_parent of movement public.entries.batch "1" []
		! no_tenant of movement public.entries. "" []`)
}

func TestALookedUpRowMayComeLater(t *testing.T) {
	t.Parallel()
	s := chainShop(t)
	want(t, "later in the transaction", s.tells(`BEGIN; INSERT INTO batches VALUES (2, 3, 'b3', 4); INSERT INTO products VALUES (3, 't1', 'Zinc', 5);
		INSERT INTO branches VALUES ('b3', 't1', 'New'); COMMIT`), `
		+ lot 2 [t1/b3] medicine=3 on_hand=20 shop=New
		+ medicine 3 [t1/] name=Zinc`)
	want(t, "in no transaction yet", s.tells("INSERT INTO batches VALUES (3, 4, 'b4', 4)"), `
		! no_parent of lot public.batches.branch "b4" []
		! no_parent of lot public.batches.product "4" []
		! no_tenant of lot public.batches. "" []`)
	want(t, "one of two, in another transaction", s.tells("INSERT INTO branches VALUES ('b4', 't2', 'Late')"), `
		+ lot 3 [t2/b4] medicine=4 shop=Late
		! no_parent of lot public.batches.product "4" [t2]`)
	want(t, "the other", s.tells("INSERT INTO products VALUES (4, 't2', 'Late', 6)"), `
		+ medicine 4 [t2/] name=Late
		~ lot 3 [t2/b4] on_hand=?>24`)
	want(t, "nothing to look up", s.tells("INSERT INTO batches VALUES (4, NULL, 'b1', 4)"), "+ lot 4 [t1/b1] medicine=null on_hand=null shop=Main")
	want(t, "and then something", s.tells("UPDATE batches SET product = 1 WHERE id = 4"), "~ lot 4 [t1/b1] medicine=null>1 on_hand=null>40")
}

func TestALookedUpRowThatChangesChangesThoseThatLookedItUp(t *testing.T) {
	t.Parallel()
	s := chainShop(t)
	s.tells("INSERT INTO receipts VALUES (1, 'b1', 9); INSERT INTO items VALUES (1, 1, 1, 6); INSERT INTO entries VALUES (1, 1, 7, 'gave')")
	want(t, "a branch with another name", s.tells("UPDATE branches SET name = 'Renamed' WHERE id = 'b1'"), "~ lot 1 [t1/b1] shop=Main>Renamed")
	want(t, "a column that nobody reads", s.tells("UPDATE reasons SET spare = 'x'"), "")
	want(t, "a lot of another medicine", s.tells("UPDATE batches SET product = 2"), `
		~ lot 1 [t1/b1] medicine=1>2 on_hand=30>60
		~ sale 1 [t1/b1]
		| was 1 [t1/b1] sale=1 medicine=1 lot=1 quantity=6
		| 1 [t1/b1] sale=1 medicine=2 lot=1 quantity=6
		~ sale_line 1 [t1/b1] medicine=1>2
		~ movement 1 [t1/] medicine=1>2`)
	want(t, "a branch of another pharmacy", s.tells("UPDATE branches SET pharmacy = 't2' WHERE id = 'b1'"), `
		- lot 1 [t1/b1] medicine=2 on_hand=60 shop=Renamed
		+ lot 1 [t2/b1] medicine=2 on_hand=60 shop=Renamed
		- sale 1 [t1/b1] total=9
		| 1 [t1/b1] sale=1 medicine=2 lot=1 quantity=6
		+ sale 1 [t2/b1] total=9
		| 1 [t2/b1] sale=1 medicine=2 lot=1 quantity=6
		- movement 1 [t1/] medicine=2 quantity=-7
		+ movement 1 [t2/] medicine=2 quantity=-7`)
	want(t, "the branch goes", s.tells("DELETE FROM branches WHERE id = 'b1'"), `
		- lot 1 [t2/b1] medicine=2 on_hand=60 shop=Renamed
		- sale 1 [t2/b1] total=9
		| 1 [t2/b1] sale=1 medicine=2 lot=1 quantity=6
		- movement 1 [t2/] medicine=2 quantity=-7
		! no_parent of lot public.batches.branch "b1" []
		! no_parent of sale public.receipts.branch "b1" []
		! no_parent of movement public.entries.batches.branch "b1" []
		! no_tenant of lot public.batches. "" []
		! no_tenant of movement public.entries. "" []
		! no_tenant of sale public.receipts. "" []`)
	want(t, "and comes again", s.tells("INSERT INTO branches VALUES ('b1', 't1', 'Again')"), `
		+ lot 1 [t1/b1] medicine=2 on_hand=60 shop=Again
		+ sale 1 [t1/b1] total=9
		| 1 [t1/b1] sale=1 medicine=2 lot=1 quantity=6
		+ movement 1 [t1/] medicine=2 quantity=-7`)
	want(t, "a key that changes away and back", s.tells("BEGIN; UPDATE branches SET id = 'x' WHERE id = 'b1'; UPDATE branches SET id = 'b1' WHERE id = 'x'; COMMIT"), "")
	want(t, "all products truncated", s.tells("TRUNCATE products"), `
		- medicine 1 [t1/] name=Paracetamol
		- medicine 2 [t1/] name=Ibuprofen
		~ lot 1 [t1/b1] on_hand=60>?
		! no_parent of lot public.batches.product "2" [t1]`)
}

func TestARowIsLookedUpByAColumnThatIsNotItsIdentity(t *testing.T) {
	t.Parallel()
	s := open(t, `
		CREATE TABLE shops (id int PRIMARY KEY, code text UNIQUE, tenant text);
		CREATE TABLE lots (id int PRIMARY KEY, shop text);
		INSERT INTO shops VALUES (1, 'a', 't1'), (2, 'b', 't2'), (3, NULL, 't3');
		INSERT INTO lots VALUES (1, 'a'), (2, 'c');`, `
medicine: {table: lots, key: id, tenant: {column: tenant, from: shops, by: shop, key: code}}
lot: {table: lots, key: id, tenant: {column: tenant, from: shops, by: shop, key: code}, branch: {column: id, from: shops, by: shop, key: code}}`)
	s.boot()
	medicines := func(told string) string { // told without medicines
		return strings.Join(slices.DeleteFunc(strings.Split(told, "\n"), func(l string) bool { return strings.Contains(l, "medicine ") }), "\n")
	}
	want(t, "another lot", medicines(s.tells("INSERT INTO lots VALUES (3, 'b')")), "+ lot 3 [t2/2]")
	want(t, "a code that is given", medicines(s.tells("UPDATE shops SET code = 'c' WHERE id = 3")), "+ lot 2 [t3/3]")
	want(t, "two codes exchanged", medicines(s.tells("BEGIN; UPDATE shops SET code = 'x' WHERE id = 1; UPDATE shops SET code = 'a' WHERE id = 2; UPDATE shops SET code = 'b' WHERE id = 1; COMMIT")), `
		- lot 1 [t1/1]
		+ lot 1 [t2/2]
		- lot 3 [t2/2]
		+ lot 3 [t1/1]`)
	want(t, "a code that is taken over from one who goes", medicines(s.tells("BEGIN; DELETE FROM shops WHERE id = 1; INSERT INTO shops VALUES (4, 'b', 't1'); COMMIT")), "~ lot 3 [t1/4]")
	want(t, "a shop without a code", medicines(s.tells("UPDATE shops SET tenant = 't9', code = NULL WHERE id = 4; UPDATE shops SET tenant = 't8' WHERE id = 4")), `
		- lot 3 [t1/4]
		! no_parent of lot public.lots.shop "b" []
		! no_tenant of lot public.lots. "" []`)
	want(t, "all shops truncated", medicines(s.tells("TRUNCATE shops")), `
		- lot 1 [t2/2]
		- lot 2 [t3/3]
		! no_parent of lot public.lots.shop "a" []
		! no_parent of lot public.lots.shop "c" []
		! no_tenant of lot public.lots. "" []
		! no_tenant of lot public.lots. "" []`)
}

func TestALookupOutlivesARestart(t *testing.T) {
	t.Parallel()
	s := chainShop(t)
	must(t, s.stop())
	s.exec("INSERT INTO batches VALUES (2, 1, 'b2', 1)")
	s.resume()
	s.settle()
	want(t, "what a lot of the picture and one of the stream look up", s.tells("UPDATE products SET pack = 100 WHERE id = 1"), `
		~ lot 1 [t1/b1] on_hand=30>300
		~ lot 2 [t2/b2] on_hand=10>100`)
}

func TestEachMistakeInALookupIsOneSentenceWithTheCure(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, chainSchema+`
		CREATE TABLE keyless (id text, pharmacy text); ALTER TABLE keyless REPLICA IDENTITY FULL;
		CREATE TABLE twokeys (id text, region text, pharmacy text, code text UNIQUE, PRIMARY KEY (id, region));
		CREATE TABLE stamped (id date PRIMARY KEY, pharmacy text);
		CREATE TABLE numbered (id int PRIMARY KEY, pharmacy text, batch int);`)
	conn := session(t, dsn)
	for tenant, want := range map[string]string{
		"{column: pharmacy, from: branches, by: branch}":                                 "",
		"{column: pharmacy, from: branch, by: branch}":                                   `$.mapping.lot.tenant: there is no table "branch": did you mean "branches"?`,
		"{column: pharmcy, from: branches, by: branch}":                                  `$.mapping.lot.tenant: table public.branches has no column "pharmcy": did you mean "pharmacy"?`,
		"{column: pharmacy, from: branches, by: brunch}":                                 `$.mapping.lot.tenant: table public.batches has no column "brunch": did you mean "branch"?`,
		"{column: pharmacy, from: branches}":                                             `$.mapping.lot.tenant: nothing says which row of public.branches is meant: add by: with the column that holds its key`,
		"{from: branches, by: branch}":                                                   `$.mapping.lot.tenant: nothing says which column of public.branches is meant: add column:`,
		"{column: branch, by: branch}":                                                   `$.mapping.lot.tenant: by: and key: find a row of another table, and none is named: add from: with its name`,
		"{column: pharmacy, from: branches, by: {from: items}}":                          `$.mapping.lot.tenant: nothing says which row of public.items is meant`,
		"{column: pharmacy, from: branches, by: {column: receipt, from: itemz, by: id}}": `$.mapping.lot.tenant: there is no table "itemz": did you mean "items"?`,
		"{column: pharmacy, from: keyless, by: branch}":                                  `$.mapping.lot.tenant: table public.keyless has no primary key by which a row could be looked up: name a unique column with key:`,
		"{column: pharmacy, from: keyless, by: branch, key: id}":                         `$.mapping.lot.tenant: column "id" of public.keyless is not unique: more than one row could be meant: name a unique column with key:`,
		"{column: pharmacy, from: branches, by: branch, key: nome}":                      `$.mapping.lot.tenant: table public.branches has no column "nome": did you mean "name"?`,
		"{column: pharmacy, from: branches, by: branch, key: name}":                      `$.mapping.lot.tenant: column "name" of public.branches is not unique: more than one row could be meant: name a unique column with key: (id)`,
		"{column: pharmacy, from: twokeys, by: branch}":                                  `$.mapping.lot.tenant: the primary key of public.twokeys has 2 columns, and by: is one: name a unique column with key: (code)`,
		"{column: pharmacy, from: branches, by: product}":                                `$.mapping.lot.tenant: "product" is integer and key "id" of public.branches is text: they are compared as text: make sure that the app writes them alike`,
		"{column: pharmacy, from: stamped, by: product}":                                 `$.mapping.lot.tenant: "product" is integer and key "id" of public.stamped is date: they are never equal: name the column that holds the key`,
		"{column: branch, from: batches, by: id}":                                        `$.mapping.lot.tenant: public.batches looks up itself: no order could be found in which its rows are read: look up another table`,

		"{column: pharmacy, from: branches, by: branch}\n  extra: {x: {column: pack, from: products, by: product, zone: Mars}}":                `$.mapping.lot.extra.x: "Mars" is no time zone`,
		"{column: pharmacy, from: branches, by: branch}\n  fields: {on_hand: {column: name, from: products, by: product, times: branch}}":      "",
		"{column: pharmacy, from: branches, by: branch}\n  fields: {expires: {column: pack, from: products, by: product}}":                     `$.mapping.lot: column "pack": it is no date`,
		"{column: pharmacy, from: numbered, by: id}\nmovement: {table: numbered, key: id, tenant: {column: branch, from: batches, by: batch}}": `$.mapping.movement: lookups go round in a circle: public.batches needs public.numbered needs public.batches: no order could be found in which their rows are read: leave one of them out`,
	} {
		_, findings, err := Resolve(t.Context(), conn, parseMapping(t, "medicine: {table: products, key: id, tenant: pharmacy}\nlot:\n  table: batches\n  key: id\n  tenant: "+tenant))
		must(t, err)
		switch {
		case want == "" && len(findings) == 0:
		case want == "" || len(findings) != 1 || !strings.HasPrefix(oneLine(findings[0]), want):
			t.Errorf("%s\ngives %d findings: %s\nwant %s", tenant, len(findings), findings, want)
		}
	}
}

func TestOnlyTheColumnsThatAreLookedUpAreKept(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, chainSchema)
	r, findings, err := Resolve(t.Context(), session(t, dsn), parseMapping(t, chainMapping))
	must(t, err)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	kept := map[string]string{}
	for _, s := range r.Sources {
		if s.isReference() {
			kept[s.table.Name] = strings.Join(s.columns(), " ")
		}
	}
	for table, want := range map[string]string{"branches": "id pharmacy name", "products": "id pack", "batches": "id product branch", "reasons": "code direction"} {
		if kept[table] != want {
			t.Errorf("of %s %q is kept, want %q", table, kept[table], want)
		}
	}
	place := func(name string) int {
		return slices.IndexFunc(r.order, func(t *Table) bool { return t.Name == name })
	}
	if place("branches") > place("batches") || place("products") > place("batches") || place("batches") > place("items") || place("reasons") > place("entries") || place("receipts") > place("items") {
		t.Errorf("read in the order %v", r.order)
	}
}

func TestWhatBelongsToNoTenantIsToldToNobody(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+"CREATE TABLE people (id int PRIMARY KEY, name text, phone text, gone bool DEFAULT false);", oneMedicine+`lot: {table: lots, key: id, tenant: tenant}
patient: {table: people, key: id, tenant: none, gone: {column: gone, true: true}, fields: {first_name: name, phone: phone}}`)
	s.boot()
	want(t, "a patient who comes, changes and goes", s.tells("INSERT INTO people VALUES (1, 'Mutinta', '1')", "UPDATE people SET phone = '2'", "UPDATE people SET gone = true", "DELETE FROM people"), "")
	want(t, "everybody else", s.tells("INSERT INTO lots VALUES (1, 't1')"), "+ lot 1 [t1/]")
}

func TestALookedUpColumnThatIsMissingForAWhileIsFollowedAgain(t *testing.T) {
	t.Parallel()
	s := chainShop(t)
	s.exec("ALTER TABLE products RENAME pack TO box")
	want(t, "a row without the column: what looked it up stays as it was", s.tells("UPDATE products SET box = 100, name = 'Zinc' WHERE id = 1"), `
		~ medicine 1 [t1/] name=Paracetamol>Zinc
		! unreadable of lot public.products. "public.products has no column \"pack\"" []`)
	want(t, "a lot meanwhile", s.tells("UPDATE batches SET packs = 4 WHERE id = 1"), "~ lot 1 [t1/b1] on_hand=30>40")
	n := s.readAgain()
	s.exec("ALTER TABLE products RENAME box TO pack", "UPDATE products SET name = 'Ibuprofen 400mg' WHERE id = 2")
	s.until("the table to be read again", func(*memory) bool { return s.readAgain() > n })
	s.settle()
	want(t, "what looks up what was read again", all(s.again), "~ lot 1 [t1/b1] on_hand=40>400")
	s.sameBoot()
}

func TestATableThatLooksUpIsReadAgain(t *testing.T) {
	t.Parallel()
	s := chainShop(t)
	s.exec("INSERT INTO batches VALUES (2, 2, 'b2', 1)")
	s.exec("ALTER TABLE batches RENAME packs TO boxes")
	s.tells("UPDATE batches SET boxes = 7")
	n := s.readAgain()
	s.exec("ALTER TABLE batches RENAME boxes TO packs", "UPDATE batches SET packs = 7 WHERE id = 2")
	s.until("the table to be read again", func(*memory) bool { return s.readAgain() > n })
	s.settle()
	want(t, "what was lost, with what it looks up", all(s.again), "~ lot 1 [t1/b1] on_hand=30>70")
	s.sameBoot()
}

func TestOnlyAListOfAllTenantsIsEveryTenants(t *testing.T) {
	t.Parallel()
	s := open(t, "CREATE TABLE goods (id int PRIMARY KEY, name text); CREATE TABLE own (id int PRIMARY KEY, name text, tenant text); CREATE TABLE lots (id int PRIMARY KEY, medicine int, tenant text)", `
medicine: [{table: goods, key: id, tenant: every, fields: {name: name}}, {table: own, key: id, tenant: tenant, fields: {name: name}}]
lot: {table: lots, key: id, tenant: tenant, fields: {medicine: medicine}}`)
	s.boot()
	want(t, "of all", s.tells("INSERT INTO goods VALUES (1, 'Zinc')"), "+ medicine 1 [~every/] name=Zinc")
	want(t, "of one that calls itself so", s.tells("INSERT INTO own VALUES (2, 'Iron', '~every')"), `! no_tenant of medicine public.own. "" []`)
	want(t, "of all, again", s.tells("UPDATE goods SET name = 'Zinc 20' WHERE id = 1"), "~ medicine 1 [~every/] name=Zinc>Zinc 20")
}

func TestWhatNoRuleKnowsIsToldUnderItsOwnName(t *testing.T) {
	t.Parallel()
	s := open(t, "CREATE TABLE goods (id int PRIMARY KEY, tenant text); CREATE TABLE lots (id int PRIMARY KEY, medicine int, tenant text); CREATE TABLE orders (id int PRIMARY KEY, tenant text, state text, phone text, gone boolean)", `
medicine: {table: goods, key: id, tenant: tenant}
lot: {table: lots, key: id, tenant: tenant, fields: {medicine: medicine}}
custom: {name: order, table: orders, key: id, tenant: tenant, gone: {column: gone, true: true}, events: {created: order_placed}, fields: {state: state, phone: {column: phone, personal: true}}}`)
	s.boot()
	var told []string
	tell := func(changes []rxvigil.Change) {
		for _, h := range Happenings(changes, func(rxvigil.Tenant, string) string { return "" }) {
			e := rxvigil.Event{Type: h.Type, Tenant: h.Tenant, Data: h.Data}
			text := string(e.AppendJSON(nil))
			told = append(told, string(h.Type)+" "+text[strings.Index(text, `"data":`):])
		}
	}
	for _, sql := range []string{
		"INSERT INTO orders VALUES (1, 't', 'new', '+260 1', false)", "UPDATE orders SET state = 'sent', phone = '+260 2'", "UPDATE orders SET gone = true",
	} {
		s.exec(sql)
		for _, tx := range s.settle() {
			tell(tx.Changes)
		}
	}
	want(t, "its life", strings.Join(told, "\n"), `
		order_placed "data":{"id":"1","state":"new"}}
		order_updated "data":{"id":"1","state":"sent","changed":["phone","state"],"before":{"state":"new"},"after":{"state":"sent"}}}
		order_removed "data":{"id":"1","state":"sent"}}`)
}
