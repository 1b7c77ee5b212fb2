package cdc

import (
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

const oddSchema = shopSchema + `
CREATE TABLE keyless (id int, tenant text, packs int, medicine int);
CREATE TABLE nothing (id int PRIMARY KEY, tenant text, packs int); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE, tenant text, packs int);
CREATE TABLE gone (id int NOT NULL, tenant text, packs int); CREATE UNIQUE INDEX gone_id ON gone (id); ALTER TABLE gone REPLICA IDENTITY USING INDEX gone_id; DROP INDEX gone_id;
CREATE TABLE computed (id int PRIMARY KEY, tenant text, packs int, twice int GENERATED ALWAYS AS (packs * 2) STORED); ALTER TABLE computed REPLICA IDENTITY FULL;
CREATE TABLE stock (id int PRIMARY KEY, tenant text, packs int, twice int GENERATED ALWAYS AS (packs * 2) STORED, price money, expires timestamptz, code text, public_id text);
CREATE TABLE parts (id int, tenant text, packs int, PRIMARY KEY (id, tenant)) PARTITION BY LIST (tenant);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN ('t1'); ALTER TABLE parts_1 REPLICA IDENTITY NOTHING;
CREATE DOMAIN quantity AS int; CREATE DOMAIN shelf AS quantity; CREATE TABLE domains (id int PRIMARY KEY, tenant text, packs shelf);
CREATE TYPE state AS ENUM ('ok'); CREATE TABLE enums (id int PRIMARY KEY, tenant text, packs int, state state);
CREATE SCHEMA "Mixed Case"; CREATE TABLE "Mixed Case"."Lots" ("Id" int PRIMARY KEY, "tenantId" text, "On Hand" int);
CREATE VIEW shown AS SELECT * FROM lots;`

const oneMedicine = "medicine: {table: medicines, key: id, tenant: tenant}\n"

func TestEachMistakeInAMappingIsOneSentenceWithTheCure(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, oddSchema)
	conn := session(t, dsn)
	for mapping, want := range map[string]string{
		"lot: {table: lots, key: id, tenant: tenant}": `$.mapping: the mapping names no medicine and lot: without both there is nothing to watch: add medicine: and lot:`,

		oneMedicine + "lot: {table: lotz, key: id, tenant: tenant}":                                                                                                                     `$.mapping.lot.table: there is no table "lotz": did you mean "lots"?`,
		oneMedicine + "lot: {table: shown, key: id, tenant: tenant}":                                                                                                                    `$.mapping.lot.table: there is no table "shown"`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tennant}":                                                                                                                    `$.mapping.lot.tenant: table public.lots has no column "tennant": did you mean "tenant"?`,
		oneMedicine + "lot: {table: lots, key: idd, tenant: tenant}":                                                                                                                    `$.mapping.lot.key: table public.lots has no column "idd": did you mean "id"?`,
		oneMedicine + "lot: {table: lots, tenant: tenant}":                                                                                                                              `$.mapping.lot.key: a lot needs a key: name the column of its id`,
		oneMedicine + "lot: {table: lots, key: id}":                                                                                                                                     `$.mapping.lot: the lot names no tenant: add tenant: with the column of its id, or {const: name} where the database has one tenant`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {expire: expires}}":                                                                                          `$.mapping.lot.fields.expire: a lot has no field "expire": did you mean "expires"?, or put it under extra:`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, extra: {expires: expires}}":                                                                                          `$.mapping.lot.extra.expires: "expires" is a field of every lot: move it to fields:`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: {column: packs, times: syze}}}":                                                                    `$.mapping.lot.fields.on_hand: table public.lots has no column "syze": did you mean "size"?`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: {minus: size}}}":                                                                                   `$.mapping.lot.fields.on_hand: the value has neither column: nor const:: name the column it comes from`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: {column: packs, times: kind}}}":                                                                    ``,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: kind}}":                                                                                            ``,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: expires}}":                                                                                         `$.mapping.lot: column "expires": it is no number`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: {column: packs, times: expires}}}":                                                                 `$.mapping.lot: column "expires": it is no number`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: {const: lots}}}":                                                                                   `$.mapping.lot.fields.on_hand: "lots" is no number: write it as 12 or 12.50`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {held: {column: kind, words: {a: ja}}}}":                                                                     `$.mapping.lot.fields.held: "ja" is neither true nor false: use one of them`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, where: {column: sort, in: [a]}}":                                                                                     `$.mapping.lot.where: table public.lots has no column "sort": there are branch, expires, id, kind, medicine, packs, reserved, size, tenant`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, where: {column: kind}}":                                                                                              `$.mapping.lot.where: the predicate asks nothing: add in:, not_in:, null: or true:`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, where: [{column: kind, in: [a]}, {column: sort, in: [a]}]}":                                                          `$.mapping.lot.where[1]: table public.lots has no column "sort"`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, gone: [{in: [a]}]}":                                                                                                  `$.mapping.lot.gone: the predicate names no column: add column:`,
		oneMedicine + "lot: {table: lots, key: id, tenant: none}":                                                                                                                       `$.mapping.lot.tenant: a lot must belong to a tenant, or nobody would hear of it: only a patient may belong to none: name the column of its tenant's id`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant}\npatient: {table: sales, key: id, tenant: none, branch: branch}":                                                     `$.mapping.patient.branch: what belongs to no tenant belongs to no branch: leave branch: out`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant}\npatient: {table: sales, key: id, tenant: none}":                                                                     ``,
		oneMedicine + "lot: {table: lots, key: id, tenant: {const: ''}}":                                                                                                                `$.mapping.lot.tenant: the constant is empty: write the id that is meant`,
		oneMedicine + "lot: {table: stock, key: id, tenant: tenant, fields: {on_hand: twice}}":                                                                                          `$.mapping.lot.fields.on_hand: column "twice" of public.stock is generated, and the stream does not carry generated columns before PostgreSQL 18: map the columns it is computed from, with plus:, minus: or times:`,
		oneMedicine + "lot: {table: stock, key: id, tenant: tenant, fields: {cost: price}}":                                                                                             `$.mapping.lot: column "price": money is printed by the server's locale: convert the column to numeric, or map another one`,
		oneMedicine + "lot: {table: stock, key: id, tenant: tenant, fields: {expires: expires}}":                                                                                        `$.mapping.lot: column "expires": an instant is a day only in a time zone: add zone:`,
		oneMedicine + "lot: {table: stock, key: id, tenant: tenant, fields: {expires: {column: expires, zone: Zambia}}}":                                                                `$.mapping.lot.fields.expires: "Zambia" is no time zone: use a name of the tz database, such as Africa/Lusaka`,
		oneMedicine + "lot: {table: stock, key: public_id, tenant: tenant}":                                                                                                             ``,
		oneMedicine + "lot: {table: stock, key: code, newest: expirez, tenant: tenant}":                                                                                                 `$.mapping.lot.newest: table public.stock has no column "expirez": did you mean "expires"?`,
		oneMedicine + "lot: {table: stock, key: id, newest: code, tenant: tenant}":                                                                                                      `$.mapping.lot.newest: column "code" is text: nobody could say which of two is the newer: name a number, a date or a timestamp`,
		oneMedicine + "lot: {table: keyless, key: id, tenant: tenant}":                                                                                                                  `$.mapping.lot.table: table public.keyless has no usable replica identity: published, the app's own UPDATE and DELETE would fail: give it a primary key, or ALTER TABLE "public"."keyless" REPLICA IDENTITY FULL; -- as owner of public.keyless`,
		oneMedicine + "lot: {table: nothing, key: id, tenant: tenant}":                                                                                                                  `$.mapping.lot.table: table public.nothing has no usable replica identity`,
		oneMedicine + "lot: {table: deferred, key: id, tenant: tenant}":                                                                                                                 `$.mapping.lot.table: table public.deferred has no usable replica identity`,
		oneMedicine + "lot: {table: gone, key: id, tenant: tenant}":                                                                                                                     `$.mapping.lot.key: key column "id" of public.gone is not part of the replica identity`,
		oneMedicine + "lot: {table: parts, key: id, tenant: tenant}":                                                                                                                    `$.mapping.lot.table: partition parts_1 of public.parts has no usable replica identity: published, the app's own UPDATE and DELETE would fail`,
		oneMedicine + "lot: {table: computed, key: id, tenant: tenant}":                                                                                                                 `$.mapping.lot.table: table public.computed has REPLICA IDENTITY FULL and a generated column: published, the app's own UPDATE and DELETE would fail`,
		oneMedicine + "lot: {table: domains, key: id, tenant: tenant, fields: {on_hand: packs}}":                                                                                        ``,
		oneMedicine + "lot: {table: enums, key: id, tenant: tenant, fields: {number: state}}":                                                                                           ``,
		oneMedicine + `lot: {table: '"Mixed Case"."Lots"', key: Id, tenant: tenantId, fields: {on_hand: On Hand}}`:                                                                      ``,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, name: shelf}":                                                                                                        `$.mapping.lot.name: a lot has its name, and its events theirs: leave name: and events: out, or put it under custom:`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant}\ncustom: {table: lots, key: id, tenant: tenant}":                                                                     `$.mapping.custom: a custom entity needs name: what it is called in events`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant}\ncustom: {name: shelf, table: lots, key: id, tenant: tenant, events: {removed: Shelf}}":                              `$.mapping.custom.events.removed: "Shelf" is no type of an event: write small letters, digits and underscores`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {number: {column: kind, hash: true}}}":                                                                       `$.mapping.lot.fields.number: hash: needs a key that nobody can guess, of 16 characters or more`,
		"hash_key: 0123456789abcdef\n" + oneMedicine + "lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: {column: packs, hash: true}}}":                                    `$.mapping.lot.fields.on_hand: hash: is for texts, and this is none`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, each: kind}":                                                                                                         `$.mapping.lot.each: column "kind" is text, and no json: name the column that holds the list`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, element: sku}":                                                                                                       `$.mapping.lot.element: element: tells the elements of a list from one another, and there is none`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, settle: 2s}":                                                                                                         `$.mapping.lot.settle: a lot has no lines to wait for: leave it out`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, sum: on_hnad, fields: {on_hand: packs}}":                                                                             `$.mapping.lot.sum: sum: names none of the fields: "on_hnad": did you mean "on_hand"?`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant, sum: number, fields: {number: kind}}":                                                                                `$.mapping.lot.sum: number is no number: name one that is`,
		oneMedicine + "lot: {table: lots, key: id, tenant: every}":                                                                                                                      `$.mapping.lot.tenant: a lot belongs to one tenant: only medicines may be every tenant's: name the column of its tenant's id`,
		oneMedicine + "lot: [{table: lots, key: id, tenant: tenant, where: {column: kind, in: [a, b]}}, {table: lots, key: id, tenant: tenant, where: {column: kind, in: [b]}}]":        `$.mapping.lot[1]: a row of public.lots may be claimed by $.mapping.lot[0], too: it would be two of a kind under one id: add where: to both, with words of one column that differ`,
		oneMedicine + "lot: [{table: lots, key: id, tenant: tenant, where: {column: kind, in: [a, b]}}, {table: lots, key: id, tenant: tenant, where: {column: kind, not_in: [a, b]}}]": ``,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant}\nignore: [logs]":                                                                                                     `$.mapping.ignore[0]: there is no table "logs" to ignore: did you mean "lots"?`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant}\nsale_line: {table: sale_items, key: id}":                                                                            `$.mapping.sale_line: a sale_line needs parent: the column that names its sale`,
		oneMedicine + "lot: {table: lots, key: id, tenant: tenant}\nsale_line: {table: sale_items, key: id, parent: sale}":                                                              `$.mapping.sale_line: a sale_line is mapped but no sale: map both or none`,
		oneMedicine + "lot: [{table: lots, key: id, tenant: tenant}, {table: lotz, key: id, tenant: tenant}]":                                                                           `$.mapping.lot[1].table: there is no table "lotz"`,
		"medicine: {table: medicines, key: id, tenant: tenant, fields: {status: {column: status, words: {x: aktive}}}}\nlot: {table: lots, key: id, tenant: tenant}":                    `$.mapping.medicine.fields.status: "aktive" is no status of a medicine: did you mean "active"?`,
		"medicine: {table: medicines, key: id, tenant: tenant, fields: {status: {const: aktive}}}\nlot: {table: lots, key: id, tenant: tenant}":                                         `$.mapping.medicine.fields.status: "aktive" is no status of a medicine: did you mean "active"?`,
	} {
		_, findings, err := Resolve(t.Context(), conn, parseMapping(t, mapping))
		must(t, err)
		switch {
		case want == "" && len(findings) == 0:
		case want == "" || len(findings) != 1 || !strings.HasPrefix(oneLine(findings[0]), want):
			t.Errorf("%s\ngives %d findings: %s\nwant %s", mapping, len(findings), findings, want)
		}
	}
}

// oneLine is a finding with its path, in a line.
func oneLine(f Finding) string { return strings.Join(strings.Fields(f.Path+": "+f.String()), " ") }

func TestAConstantStatusHasNoNativeWord(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema, "medicine: {table: medicines, key: id, tenant: tenant, fields: {status: {const: active}}}\nlot: {table: lots, key: id, tenant: tenant}")
	s.boot()
	want(t, "a medicine", s.tells("INSERT INTO medicines VALUES (1, 't1')"), "+ medicine 1 [t1/] status=active")
}
