package cdc

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// conversions: what SQL gives, read as a field's type, is this canonical text; with a reason it is reported, and kept as raw
// text or, where want is "?", unknown.
var conversions = []struct {
	field  rxvigil.FieldType
	sql    string
	zone   string
	want   string
	reason string
}{
	{rxvigil.TypeNumber, "7::int2", "", "7", ""},
	{rxvigil.TypeNumber, "(-2147483648)::int4", "", "-2147483648", ""},
	{rxvigil.TypeNumber, "9223372036854775807::int8", "", "9223372036854775807", ""},
	{rxvigil.TypeNumber, "0.30::numeric(10,2)", "", "0.30", ""},
	{rxvigil.TypeNumber, "'NaN'::numeric", "", "NaN", "bad_number"},
	{rxvigil.TypeNumber, "'Infinity'::numeric", "", "Infinity", "bad_number"},
	{rxvigil.TypeNumber, "12345678901234567890.5::numeric", "", "12345678901234567890.5", "bad_number"},
	{rxvigil.TypeNumber, "0.1::float8", "", "0.1", ""},
	{rxvigil.TypeNumber, "1e-5::float8", "", "1e-05", ""},
	{rxvigil.TypeNumber, "'-Infinity'::float8", "", "-Infinity", "bad_number"},
	{rxvigil.TypeNumber, "0.1::float4", "", "0.1", ""},
	{rxvigil.TypeNumber, "' 12.50 '::text", "", "12.50", ""},
	{rxvigil.TypeNumber, "'a dozen'::varchar", "", "?", "bad_number"},
	{rxvigil.TypeNumber, "''::text", "", "?", "bad_number"},

	{rxvigil.TypeDay, "'2026-02-28'::date", "", "2026-02-28", ""},
	{rxvigil.TypeDay, "'infinity'::date", "", "infinity", ""},
	{rxvigil.TypeDay, "'-infinity'::date", "", "-infinity", ""},
	{rxvigil.TypeDay, "'0044-03-15 BC'::date", "", "0044-03-15 BC", "bad_day"},
	{rxvigil.TypeDay, "'10000-01-01'::date", "", "10000-01-01", "bad_day"},
	{rxvigil.TypeDay, "' 2026-02-28'::text", "", "2026-02-28", ""},
	{rxvigil.TypeDay, "'2026-02-30'::text", "", "?", "bad_day"},
	{rxvigil.TypeDay, "'28/02/2026'::text", "", "?", "bad_day"},
	{rxvigil.TypeDay, "'2026-02-28 23:30:00+00'::timestamptz", "Asia/Kolkata", "2026-03-01", ""},
	{rxvigil.TypeDay, "'2026-02-28 23:30:00'::timestamp", "Africa/Lusaka", "2026-03-01", ""},
	{rxvigil.TypeDay, "'infinity'::timestamptz", "Asia/Kolkata", "infinity", ""},
	{rxvigil.TypeDay, "'20000-01-01'::timestamptz", "Asia/Kolkata", "20000-01-01 00:00:00+00", "bad_time"},

	{rxvigil.TypeInstant, "'2026-02-28 12:00:00+05:30'::timestamptz", "", "2026-02-28T06:30:00Z", ""},
	{rxvigil.TypeInstant, "'2026-02-28 24:00:00+00'::timestamptz", "", "2026-03-01T00:00:00Z", ""},
	{rxvigil.TypeInstant, "'2026-02-28 12:00:00.123456+00'::timestamptz", "", "2026-02-28T12:00:00.123456Z", ""},
	{rxvigil.TypeInstant, "'2026-02-28 12:00:00.5+00'::timestamptz", "", "2026-02-28T12:00:00.5Z", ""},
	{rxvigil.TypeInstant, "'-infinity'::timestamptz", "", "-infinity", ""},
	{rxvigil.TypeInstant, "'0044-03-15 12:00:00+00 BC'::timestamptz", "", "0044-03-15 12:00:00+00 BC", "bad_time"},
	{rxvigil.TypeInstant, "'2026-07-01 12:00:00'::timestamp", "America/New_York", "2026-07-01T16:00:00Z", ""},
	{rxvigil.TypeInstant, "'2026-01-01 12:00:00.25'::timestamp", "America/New_York", "2026-01-01T17:00:00.25Z", ""},
	{rxvigil.TypeInstant, "'2026-01-01 12:00:00'::timestamp", "Asia/Kathmandu", "2026-01-01T06:15:00Z", ""},

	{rxvigil.TypeTruth, "true", "", "true", ""},
	{rxvigil.TypeTruth, "false", "", "false", ""},
	{rxvigil.TypeTruth, "1::int2", "", "true", ""},
	{rxvigil.TypeTruth, "0::int8", "", "false", ""},
	{rxvigil.TypeTruth, "2", "", "?", "bad_truth"},
	{rxvigil.TypeTruth, "' Yes'::text", "", "true", ""},
	{rxvigil.TypeTruth, "'NO'::char(5)", "", "false", ""},
	{rxvigil.TypeTruth, "'perhaps not'::text", "", "?", "bad_truth"},

	{rxvigil.TypeText, "ARRAY['a', NULL, 'b c']", "", `{a,NULL,"b c"}`, ""},
	{rxvigil.TypeText, "'24:00'::time", "", "24:00:00", ""},
	{rxvigil.TypeText, "interval '1 day 2 hours'", "", "1 day 02:00:00", ""},
	{rxvigil.TypeText, `'\xDEADBEEF'::bytea`, "", `\xdeadbeef`, ""},
	{rxvigil.TypeText, `'{"b": 1, "a": [null]}'::jsonb`, "", `{"a": [null], "b": 1}`, ""},
	{rxvigil.TypeText, "int4range(1, 5)", "", "[1,5)", ""},
	{rxvigil.TypeText, "'ab'::char(5)", "", "ab   ", ""},
	{rxvigil.TypeRef, "'0b5b1d4e-53a1-4b40-9e3c-6f2f2c0a6a01'::uuid", "", "0b5b1d4e-53a1-4b40-9e3c-6f2f2c0a6a01", ""},
}

func TestWhatTheServerPrintsBecomesCanonical(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	name := session(t, dsn).Config().Database
	pgtest.Exec(t, dsn, "ALTER DATABASE "+name+" SET datestyle = 'German'; ALTER DATABASE "+name+" SET intervalstyle = 'iso_8601'; ALTER DATABASE "+name+
		" SET timezone = 'Asia/Kolkata'; ALTER DATABASE "+name+" SET extra_float_digits = -3; ALTER DATABASE "+name+" SET bytea_output = 'escape'")
	conn, err := Connect(t.Context(), dsn) // pinned against all of that
	must(t, err)
	defer func() { must(t, conn.Close(t.Context())) }()
	for _, c := range conversions {
		rows, err := conn.Query(t.Context(), "SELECT "+c.sql, pgx.QueryResultFormats{pgx.TextFormatCode})
		must(t, err)
		if !rows.Next() {
			t.Fatalf("%s: %v", c.sql, rows.Err())
		}
		got, reason := converted(t, c.field, rows.FieldDescriptions()[0].DataTypeOID, c.zone, rows.RawValues()[0])
		rows.Close()
		if got != c.want || reason != c.reason {
			t.Errorf("%s as type %d is %q %s, want %q %s", c.sql, c.field, got, reason, c.want, c.reason)
		}
	}
}

// converted runs one text through the converter of a column's type.
func converted(t testing.TB, field rxvigil.FieldType, oid uint32, zone string, text []byte) (got, reason string) {
	t.Helper()
	var in *time.Location
	if zone != "" {
		var err error
		in, err = time.LoadLocation(zone)
		must(t, err)
	}
	convert, why := converter(field, oid, in)
	if convert == nil {
		t.Fatalf("type %d of column type %d: %s", field, oid, why)
	}
	out, err := convert(nil, text)
	if err != nil {
		reason = err.Error()
		if len(out) == 0 {
			return "?", reason
		}
	}
	return string(out), reason
}

func TestTypesThatDoNotGoTogetherAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field  rxvigil.FieldType
		column uint32
		want   string
	}{
		{rxvigil.TypeNumber, oidMoney, "locale"},
		{rxvigil.TypeNumber, oidBool, "no number"},
		{rxvigil.TypeDay, oidInt4, "no date"},
		{rxvigil.TypeDay, oidTimestamptz, "zone:"},
		{rxvigil.TypeDay, oidTimestamp, "zone:"},
		{rxvigil.TypeInstant, oidTimestamp, "zone:"},
		{rxvigil.TypeInstant, oidDate, "no timestamp"},
		{rxvigil.TypeTruth, oidDate, "no boolean"},
	} {
		if convert, why := converter(c.field, c.column, nil); convert != nil || !strings.Contains(why, c.want) {
			t.Errorf("type %d of column type %d: %q, want a word about %q", c.field, c.column, why, c.want)
		}
	}
}

func FuzzInstant(f *testing.F) {
	for _, c := range conversions {
		f.Add(c.want)
	}
	f.Add("2026-02-28 12:00:00.123456+05:30:15")
	f.Add("2026-02-28 12:00:00-00:30")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseInstant([]byte(text), time.UTC)
		for _, layout := range []string{"2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07:00:00", "2006-01-02 15:04:05"} {
			if want, known := time.Parse(layout, text); known == nil && err == nil && !got.Equal(want) {
				t.Errorf("%q is %v, want %v", text, got, want)
			}
		}
	})
}
