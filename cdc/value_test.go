package cdc

import (
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

const valueSchema = `
CREATE TABLE medicines (id int PRIMARY KEY, tenant text, name text, generic text, state text, details jsonb, price float8, packs float8);
CREATE TABLE lots (id int PRIMARY KEY, tenant text, medicine int, note text, stamp timestamp, moment timestamptz, day date, number int);
ALTER TABLE medicines ALTER name SET STORAGE EXTERNAL, ALTER generic SET STORAGE EXTERNAL;`

func TestTextsAreMadeReady(t *testing.T) {
	t.Parallel()
	s := open(t, valueSchema, `
medicine:
  table: medicines
  key: id
  tenant: {column: tenant, trim: true, case: lower}
  fields:
    name: {first: [{column: name, trim: true}, generic, {column: details, json: label}, {const: unnamed}]}
    category: {column: details, json: items.0.code}
    reorder_level: {column: details, json: min}
    controlled: {column: details, json: locked}
    price: {column: price, round: 6}
    cost: {column: price, times: packs, round: 2}
    status: {column: state, trim: true, case: upper, words: {ON: active, OFF: inactive}}
lot: {table: lots, key: id, tenant: tenant}`)
	s.boot()
	want(t, "everything", s.tells(`INSERT INTO medicines VALUES (1, ' T1 ', ' Zinc ', 'zinc', ' on', '{"items": [{"code": "A\u00e9"}], "min": 12.50, "locked": true}', 0.1::float8 + 0.2::float8, 3)`),
		"+ medicine 1 [t1/] name=Zinc category=Aé price=0.3 cost=0.9 reorder_level=12.50 controlled=true status=active")
	want(t, "nothing", s.tells(`INSERT INTO medicines VALUES (2, 't1', NULL, NULL, NULL, NULL, NULL, 1)`),
		"+ medicine 2 [t1/] name=unnamed category=null price=null cost=null reorder_level=null controlled=null status=null")
	want(t, "nulls in JSON, and what is not there", s.tells(`INSERT INTO medicines VALUES (3, 't1', NULL, 'zinc', 'off', '{"items": [], "min": null}', 1e-7, 1e300)`), `
		+ medicine 3 [t1/] name=zinc category=null price=0 reorder_level=null controlled=null status=inactive
		! bad_number of medicine public.medicines.packs "1e+300" [t1]`)
	want(t, "what does not fit", s.tells(`INSERT INTO medicines VALUES (4, 't1', 'x', NULL, 'so', '{"items": [{"code": {}}], "min": "many", "locked": 1}', 'NaN', 1)`), `
		+ medicine 4 [t1/] name=x price=NaN controlled=true status=unknown native_status=SO
		! bad_json of medicine public.medicines.details "" [t1]
		! bad_number of medicine public.medicines.price "NaN" [t1]
		! bad_number of medicine public.medicines.price "NaN" [t1]
		! bad_number of medicine public.medicines.details "many" [t1]
		! unknown_status of medicine public.medicines.state "SO" [t1]`)
}

func TestTheFirstValueIsRightAlsoWhereARowDoesNotTell(t *testing.T) {
	t.Parallel()
	s := open(t, valueSchema, `
medicine: {table: medicines, key: id, tenant: tenant, fields: {name: {first: [name, generic]}}}
lot: {table: lots, key: id, tenant: tenant}`)
	s.boot()
	s.tells("INSERT INTO medicines VALUES (1, 't1', repeat('name', 1000), repeat('generic', 1000))")
	want(t, "the first goes, and the second is too long to be sent again", s.tells("UPDATE medicines SET name = NULL"), "~ medicine 1 [t1/] name=(4000 bytes)>(7000 bytes)")
	want(t, "the first comes", s.tells("UPDATE medicines SET name = 'short'"), "~ medicine 1 [t1/] name=(7000 bytes)>short")
	want(t, "another column", s.tells("UPDATE medicines SET name = NULL; UPDATE medicines SET price = 1"), "~ medicine 1 [t1/] name=short>(7000 bytes)")
}

func TestDaysAreReadAsTheMappingSays(t *testing.T) {
	t.Parallel()
	s := open(t, valueSchema, `
medicine: {table: medicines, key: id, tenant: tenant}
lot:
  table: lots
  key: id
  tenant: tenant
  fields: {expires: {column: note, format: DD/MM/YYYY}}
  extra:
    month: {column: number, format: YYYYMM}
    stamp: {column: stamp, zone: UTC, day_in: Africa/Lusaka}
    moment: {column: moment, day_in: Asia/Kolkata}
    end: {column: day, month_end: true}`)
	s.boot()
	want(t, "days", s.tells("INSERT INTO lots VALUES (1, 't1', 1, ' 3/7/2027', '2027-01-30 22:00', '2027-01-30 18:29:59+00', '2028-02-01', 202802)"),
		"+ lot 1 [t1/] expires=2027-07-03 end=2028-02-29 moment=2027-01-30 month=2028-02-29 stamp=2027-01-31")
	want(t, "days of no calendar", s.tells("INSERT INTO lots VALUES (2, 't1', 1, '31/02/2027', 'infinity', '-infinity', 'infinity', 202813)"), `
		+ lot 2 [t1/] end=infinity moment=-infinity stamp=infinity
		! bad_day of lot public.lots.note "31/02/2027" [t1]
		! bad_day of lot public.lots.number "202813" [t1]`)
}

func TestFormatsOfDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ format, text, want string }{
		{"DD/MM/YYYY", "31/12/2026", "2026-12-31"},
		{"DD/MM/YYYY", "1/2/2026", "2026-02-01"},
		{"DD/MM/YYYY", "29/02/2027", ""},
		{"DD/MM/YYYY", "1/2/26", ""},
		{"DD/MM/YYYY", "1/2/2026 ", ""},
		{"MM-YYYY", "02-2028", "2028-02-29"},
		{"MM/YY", "9/27", "2027-09-30"},
		{"YYYYMMDD", "20270331", "2027-03-31"},
		{"YYYYMMDD", "2027331", ""},
		{"YYYY.MM.DD", "2027.3.31", "2027-03-31"},
		{"YYYY-MM", "2027-13", ""},
		{"YYYY-MM", "0000-01", ""},
		{"Exp MM/YYYY", "Exp 05/2027", "2027-05-31"},
		{"Exp MM/YYYY", "05/2027", ""},
		{"DDMMYY", "310127", "2027-01-31"},
	} {
		l, err := parseLayout(c.format)
		must(t, err)
		got := ""
		if d, ok := l.read([]byte(c.text)); ok {
			got = d.String()
		}
		if got != c.want {
			t.Errorf("%q as %s is %q, want %q", c.text, c.format, got, c.want)
		}
	}
	for _, format := range []string{"", "DD", "YYYY", "MM/MM/YYYY", "D/M/YYYY", "DD/MM/YYY", "hello"} {
		if _, err := parseLayout(format); err == nil {
			t.Errorf("%q is no format", format)
		}
	}
}

func TestNumbersAreRoundedExactly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		decimals int
		want     string
	}{
		{"0.30000000000000004", 6, "0.3"},
		{"2.5", 0, "3"},
		{"-2.5", 0, "-3"},
		{"1e-7", 6, "0"},
		{"1.5e+3", 2, "1500"},
		{"12345678.125", 2, "12345678.13"},
		{"1e300", 2, ""},
		{"1e999999999", 2, ""},
		{"NaN", 2, ""},
		{"Infinity", 2, ""},
		{"1/3", 2, ""},
		{"0x10", 2, ""},
		{"", 2, ""},
		{"1_000", 2, ""},
	} {
		got, err := roundText(nil, []byte(c.text), c.decimals)
		if (err == nil) != (c.want != "") || err == nil && string(got) != c.want {
			t.Errorf("%s to %d decimals is %s, %v; want %s", c.text, c.decimals, got, err, c.want)
		}
	}
}

func TestEachMistakeInAValueIsOneSentenceWithTheCure(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, valueSchema)
	conn := session(t, dsn)
	for fields, want := range map[string]string{
		"fields: {number: {column: note, case: Lower}}":                                           `$.mapping.lot.fields.number: case: cannot be "Lower": did you mean "lower"?`,
		"fields: {number: {column: note, json: a}}":                                               `$.mapping.lot: column "note": it is no json`,
		"fields: {number: {column: note, json: a..b}}":                                            `$.mapping.lot.fields.number: json: "a..b" has an empty step: join keys and numbers by single dots`,
		"fields: {number: {column: note, format: DD/MM/YYYY}}":                                    `$.mapping.lot.fields.number: format:, month_end: and day_in: make a day, and this is none: leave them out`,
		"fields: {expires: {column: note, format: DD/MM/YYY}}":                                    `$.mapping.lot.fields.expires: "DD/MM/YYY" is no format of a day: write it with YYYY, MM and DD, such as DD/MM/YYYY or MM-YYYY`,
		"fields: {expires: {column: day, format: DD/MM/YYYY}}":                                    `$.mapping.lot: column "day": format: says how a day is written in a text, and this is none`,
		"fields: {expires: {column: stamp, day_in: Africa/Lusaka}}":                               `$.mapping.lot: column "stamp": a timestamp without time zone needs zone: to say what it means`,
		"fields: {expires: {column: stamp, zone: UTC, day_in: Lusaka}}":                           `$.mapping.lot.fields.expires: "Lusaka" is no time zone: use a name of the tz database, such as Africa/Lusaka`,
		"fields: {expires: {column: day, day_in: Africa/Lusaka}}":                                 `$.mapping.lot: column "day": day_in: makes a day of an instant, and this is none`,
		"fields: {expires: {column: day, round: 2}}":                                              `$.mapping.lot.fields.expires: round: is for numbers, and this is none: leave it out`,
		"fields: {on_hand: {column: number, round: -1}}":                                          `$.mapping.lot.fields.on_hand: round: cannot be -1: it is the number of decimals, 0 to 18`,
		"fields: {number: {first: [note], trim: true}}":                                           `$.mapping.lot.fields.number: first: is a list of values, and says all there is to say: write column: and all else inside the list`,
		"fields: {number: {first: []}}":                                                           `$.mapping.lot.fields.number: first: is a list of values`,
		"fields: {number: {first: [note, nota]}}":                                                 `$.mapping.lot.fields.number.first[1]: table public.lots has no column "nota": did you mean "note"?`,
		"fields: {on_hand: {first: [number, {const: many}]}}":                                     `$.mapping.lot.fields.on_hand.first[1]: "many" is no number: write it as 12 or 12.50`,
		"fields: {on_hand: {first: [number, day]}}":                                               `$.mapping.lot: column "day": it is no number`,
		"fields: {number: {first: [{column: name, from: medicine, by: medicine}, note]}}":         `$.mapping.lot.fields.number.first[0]: there is no table "medicine": did you mean "medicines"?`,
		"fields: {number: {first: [{column: name, from: medicines, by: medicine}, note]}}":        ``,
		"extra: {x: {first: [number, {column: packs, from: medicines, by: medicine, round: 2}]}}": ``,
	} {
		_, findings, err := Resolve(t.Context(), conn, parseMapping(t, "medicine: {table: medicines, key: id, tenant: tenant}\nlot:\n  table: lots\n  key: id\n  tenant: tenant\n  "+fields))
		must(t, err)
		switch {
		case want == "" && len(findings) == 0:
		case want == "" || len(findings) != 1 || !strings.HasPrefix(oneLine(findings[0]), want):
			t.Errorf("%s\ngives %d findings: %s\nwant %s", fields, len(findings), findings, want)
		}
	}
}

func TestAnExpressionMayTakeAwayAndMultiply(t *testing.T) {
	t.Parallel()
	s := open(t, `
		CREATE TABLE medicines (id int PRIMARY KEY, tenant text, code text);
		CREATE TABLE lots (id int PRIMARY KEY, tenant text, medicine int, total float8, available float8, size float8);`, `
medicine:
  table: medicines
  key: id
  tenant: tenant
  fields:
    reorder_level: {column: code, words: {PCM: "100"}, else: none}
    controlled: {column: code, words: {MOR: "true"}, else: "false"}
lot:
  table: lots
  key: id
  tenant: tenant
  fields:
    medicine: medicine
    on_hand: {column: total, times: size, round: 6}
    reserved: {column: total, minus: available, times: size, round: 6}`)
	s.boot()
	want(t, "packs of doubles", s.tells("INSERT INTO lots VALUES (1, 't1', 1, 11.2, 10.6, 10), (2, 't1', 1, -8.881784197001252e-16, 0, 10), (3, 't1', 1, 0.30000000000000004, 0.1, 100)"), `
		+ lot 1 [t1/] medicine=1 on_hand=112 reserved=6
		+ lot 2 [t1/] medicine=1 on_hand=0 reserved=0
		+ lot 3 [t1/] medicine=1 on_hand=30 reserved=20`)
	want(t, "words, and what all others mean", s.tells("INSERT INTO medicines VALUES (1, 't1', 'PCM'), (2, 't1', 'MOR')"), `
		+ medicine 1 [t1/] reorder_level=100 controlled=false
		+ medicine 2 [t1/] reorder_level=null controlled=true`)
}
