package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/cdc/propose"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// TestInitProposesWhatAPersonWouldWrite holds init against the finished mappings of the targets: its file passes check as it
// is, says at least four fifths of what the finished one says, and asks about every difference.
func TestInitProposesWhatAPersonWouldWrite(t *testing.T) {
	t.Parallel()
	targets, err := filepath.Glob("../../testdata/targets/*")
	if err != nil || len(targets) < 2 {
		t.Fatal(targets, err)
	}
	for _, dir := range targets {
		name := filepath.Base(dir)
		file := filepath.Join("../../testdata/mappings", name+".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn, out := pgtest.Database(t), filepath.Join(t.TempDir(), "rxvigil.yaml")
			oneRole(t, dsn)
			pgtest.Load(t, dsn, filepath.Join(dir, "schema.sql"), filepath.Join(dir, "seed.sql"))
			if code, said := command(t, "init", "--dsn", dsn, "--out", out); code != 0 {
				t.Fatalf("init gives %d: %s", code, said)
			}
			if code, said := command(t, "check", "--config", out); code != 0 {
				t.Errorf("check gives %d: %s", code, said)
			}
			if _, err := os.Stat(file); err != nil {
				t.Logf("%s has no finished mapping to compare with", name)
				return
			}
			got, want := linesOf(t, out), linesOf(t, file)
			asked := doubts(t, dsn)
			same := 0
			for _, line := range slices.Sorted(maps.Keys(want)) {
				switch {
				case got[line] == want[line]:
					same++
				case !slices.Contains(asked, line):
					t.Errorf("%s is %s, not %s, and nobody asks", line, got[line], want[line])
				default:
					t.Logf("asked: %s is %s, not %s", line, got[line], want[line])
				}
			}
			t.Logf("%s: %d of %d lines are as a person wrote them", name, same, len(want))
			if same*5 < len(want)*4 {
				t.Errorf("only %d of %d lines are right", same, len(want))
			}
		})
	}
}

// linesOf is what a mapping says, by path.
func linesOf(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parseConfig(file, text)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{"tenants.zone": c.Tenants.Zone}
	say := func(path string, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(b) != "null" {
			lines[path] = string(b)
		}
	}
	for k, sources := range map[rxvigil.Kind]cdc.Sources{
		rxvigil.KindTenant: c.Mapping.Tenant, rxvigil.KindBranch: c.Mapping.Branch, rxvigil.KindMedicine: c.Mapping.Medicine, rxvigil.KindLot: c.Mapping.Lot,
		rxvigil.KindSale: c.Mapping.Sale, rxvigil.KindSaleLine: c.Mapping.SaleLine, rxvigil.KindPrescription: c.Mapping.Prescription,
		rxvigil.KindPrescriptionLine: c.Mapping.PrescriptionLine, rxvigil.KindPatient: c.Mapping.Patient, rxvigil.KindMovement: c.Mapping.Movement, rxvigil.KindLevel: c.Mapping.Level,
	} {
		for i, s := range sources {
			path := "mapping." + k.String()
			if i > 0 {
				path += fmt.Sprintf("[%d]", i)
			}
			say(path+".table", s.Table)
			say(path+".key", s.Key)
			say(path+".where", s.Where)
			say(path+".gone", s.Gone)
			say(path+".tenant", s.Tenant)
			say(path+".branch", s.Branch)
			say(path+".parent", s.Parent)
			for name, e := range s.Fields {
				say(path+".fields."+name, e)
			}
		}
	}
	return lines
}

func doubts(t *testing.T, dsn string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	db, err := propose.Read(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, d := range propose.Propose(db).Doubts {
		paths = append(paths, d.Paths...)
	}
	return paths
}

func TestInitWritesOverNothingAndTellsNoPassword(t *testing.T) {
	t.Parallel()
	dsn, out := pgtest.Database(t), filepath.Join(t.TempDir(), "rxvigil.yaml")
	pgtest.Load(t, dsn, "../../testdata/targets/single/schema.sql")
	if code, said := command(t, "init"); code != 2 || !strings.Contains(said, "--dsn") {
		t.Errorf("without a database it gives %d: %s", code, said)
	}
	secret := strings.Replace(dsn, "postgres@", "postgres:hunter2@", 1)
	if code, said := command(t, "init", "--dsn", secret, "--out", out); code != 0 || !strings.Contains(said, "next: rxvigil check") {
		t.Fatalf("it gives %d: %s", code, said)
	}
	text, err := os.ReadFile(out)
	if err != nil || strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "dsn: env:RXVIGIL_SOURCE_DSN") {
		t.Errorf("%v, the file says\n%s", err, text)
	}
	if code, said := command(t, "init", "--dsn", dsn, "--out", out); code != 1 || !strings.Contains(said, "--force") {
		t.Errorf("over a file it gives %d: %s", code, said)
	}
	if code, said := command(t, "init", "--dsn", dsn, "--out", out, "--force"); code != 0 {
		t.Errorf("with --force it gives %d: %s", code, said)
	}
}
