package cdc

import "strings"

// pgType is a type of the matrix: values as Postgres reads them, and the fields it goes together with. Every type goes with
// text, references and statuses.
type pgType struct {
	name   string
	as     string // number, day, zoned day, instant, zoned instant, truth
	values []string
}

func typ(name, as string, values ...string) pgType { return pgType{name, as, values} }

// typeSetup makes the types that a database does not have by itself.
const typeSetup = `
CREATE TYPE mood AS ENUM ('fine', 'not so');
CREATE TYPE pair AS (a int, b text, at timestamptz);
CREATE DOMAIN quantity AS int CHECK (VALUE >= 0);
CREATE DOMAIN shelf AS quantity;
CREATE DOMAIN price AS numeric(30, 20);
CREATE DOMAIN code AS varchar(9);
CREATE DOMAIN day AS date;
CREATE DOMAIN moment AS timestamptz;
CREATE DOMAIN civil AS timestamp;
CREATE DOMAIN flag AS bool;
CREATE DOMAIN state AS mood;
CREATE DOMAIN list AS int[];`

const (
	likeText  = "number,day,zoned day,truth"
	likeTime  = "zoned day,zoned instant"
	likeTimeZ = "zoned day,instant,zoned instant"
	likeDate  = "day,zoned day"
)

// typeMatrix is what real schemas hold, at its ends and beyond what our own numbers and days can count.
func typeMatrix() []pgType {
	words := []string{
		"", " ", "null", "NULL", `\N`, "tab\tline\nend\\", "0", "-0", "NaN", "infinity", "+5", ".5", "5.", "1e5", "1e-20", "1e-19", "-1e-25", "1E+2", "100e-2", "0e0", "0e-99", "1.234567890123456e+18", "0x10", "1_000", "１",
		"12345678901234567890", "0.12345678901234567890", " 12.50 ", "1,5", "2026-02-28", "2026-2-8", "2026-02-30", "0000-00-00", "0000-01-01", "0001-01-01", "28/02/2026", "2026-02-28 BC",
		"true", "F", "Yes", "on", "2", "𝄞 ñ \u2028",
	}
	var short []string
	for _, w := range words {
		if w != "" && len(w) < 9 && strings.TrimSpace(w) == w && w[0] < 0x80 {
			short = append(short, w)
		}
	}
	return []pgType{
		typ("int2", "number,truth", "-32768", "0", "1", "32767"),
		typ("int4", "number,truth", "-2147483648", "0", "1", "2147483647"),
		typ("int8", "number,truth", "-9223372036854775808", "0", "1", "9223372036854775807"),
		typ("numeric", "number", "NaN", "Infinity", "-Infinity", "0", "0.00", "-0.5", "1e-20", "1e-19", "1e300", "1e18", "1e19", "12345678901234567890.5", "0.30"),
		typ("numeric(10,2)", "number", "0", "12345678.90", "NaN"),
		typ("float4", "number", "0.1", "0", "-0", "1e-20", "1e-45", "3.4e38", "NaN", "Infinity", "-Infinity", "16777216"),
		typ("float8", "number", "0.1", "0", "-0", "1e-20", "1e-19", "1.5e-19", "5e-324", "1e308", "1e15", "1e16", "1.234567890123456e15", "1.5e19", "NaN", "Infinity", "-Infinity", "123456789.123456789"),
		typ("money", "", "1.50", "-2", "0"),
		typ("text", likeText, words...),
		typ("varchar(60)", likeText, words...),
		typ("char(9)", likeText, append(short, "")...),
		typ("citext", "", "Yes", "1", "2026-02-28"),
		typ("hstore", "", `a=>1,"b c"=>NULL`, ""),
		typ("name", "", "a name", ""),
		typ(`"char"`, "", "x", ""),
		typ("uuid", "", "0B5B1D4E-53A1-4B40-9E3C-6F2F2C0A6A01"),
		typ("bool", "truth", "true", "false"),
		typ("date", likeDate, "2026-02-28", "infinity", "-infinity", "0044-03-15 BC", "0001-01-01 BC", "0001-01-01", "0099-12-31", "9999-12-31", "10000-01-01", "5874897-12-31"),
		typ("timestamp", likeTime, "2026-02-28 12:00:00.123456", "2026-02-28 24:00", "infinity", "-infinity", "0044-03-15 12:00 BC", "0001-01-01", "1799-12-31 23:59:59.9",
			"9999-12-31 23:59:59.999999", "10000-01-01", "294276-12-31"),
		typ("timestamptz", likeTimeZ, "2026-02-28 12:00+05:30", "2026-02-28 23:59:59.000001-00:44", "2026-02-28 24:00+00", "infinity", "-infinity", "0044-03-15 12:00+00 BC",
			"0001-01-01 00:00+00", "0001-01-01 00:00+05:30", "1799-12-31 23:59+00", "9999-12-31 23:59:59.999999+00", "9999-12-31 23:00-02", "294276-12-31 00:00+00"),
		typ("time", "", "24:00", "00:00", "12:00:00.5"),
		typ("timetz", "", "24:00+05:30", "12:00+15:59", "00:00-00:44"),
		typ("interval", "", "1 day 2 hours", "-1 mon +3 days -04:05:06.789", "0", "P1Y2M"),
		typ("bytea", "", "", `\xDEADBEEF00`, `\x5c0a09`),
		typ("json", "", `{"a": [1, null], "a": "two"}`, "null", `"tab\tx"`),
		typ("jsonb", "", `{"b": 1e-20, "a": [null]}`, "null"),
		typ("int[]", "", "{1,NULL,3}", "{}", "[0:1]={1,2}", "{{1,2},{3,4}}"),
		typ("text[]", "", `{a,NULL,"NULL","b c","","\\",tab	}`, `{"{}"}`),
		typ("date[]", "", "{infinity,NULL,2026-02-28,0044-03-15 BC}"),
		typ("timestamptz[]", "", "{infinity,NULL,2026-02-28 12:00+05:30}"),
		typ("float8[]", "", "{0.1,1e-20,NaN,NULL}"),
		typ("bytea[]", "", `{"\\xDEADBEEF",NULL}`),
		typ("interval[]", "", `{"1 day 2 hours",NULL}`),
		typ("mood", "", "fine", "not so"),
		typ("mood[]", "", `{fine,NULL,"not so"}`),
		typ("quantity", "number,truth", "0", "1", "2147483647"),
		typ("shelf", "number,truth", "0", "7"),
		typ("price", "number", "0.00000000000000000001", "0", "NaN"),
		typ("code", likeText, short...),
		typ("day", likeDate, "2026-02-28", "infinity", "0044-03-15 BC"),
		typ("moment", likeTimeZ, "2026-02-28 12:00+05:30", "infinity", "0044-03-15 12:00+00 BC"),
		typ("civil", likeTime, "2026-02-28 12:00", "infinity", "0044-03-15 12:00 BC"),
		typ("flag", "truth", "true", "false"),
		typ("state", "", "fine"),
		typ("list", "", "{1,NULL}"),
		typ("int4range", "", "[1,5]", "empty", "(,)"),
		typ("numrange", "", "[1e-20,0.1)", "[1e-20,NaN]"),
		typ("daterange", "", "[2026-02-28,infinity]", "(,0044-03-15 BC]"),
		typ("tstzrange", "", "[2026-02-28 12:00+05:30,infinity)"),
		typ("int4multirange", "", "{[1,5],[7,9]}", "{}"),
		typ("pair", "", `(1,"x,y",2026-02-28 12:00+05:30)`, "(,,)", `(,"",infinity)`),
		typ("inet", "", "10.0.0.1/8", "::1"),
		typ("cidr", "", "10.0.0.0/8"),
		typ("macaddr", "", "08:00:2B:01:02:03"),
		typ("xml", "", "<a>1</a>"),
		typ("bit(3)", "", "101"),
		typ("varbit", "", "", "00"),
		typ("tsvector", "", "a:1 'b c':2A", ""),
		typ("tsquery", "", "a & !b"),
		typ("oid", "", "0", "4294967295"),
		typ("xid8", "", "18446744073709551615"),
		typ("pg_lsn", "", "FFFFFFFF/16B3748"),
		typ("point", "", "(0.1,1e-20)"),
		typ("jsonpath", "", "$.a[*]"),
	}
}
