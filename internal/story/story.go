// Package story reads the targets' stories: a workload told in numbered steps of SQL, and what each step must lead to.
package story

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Story is one target: its SQL and what it must lead to.
type Story struct {
	Dir      string
	Schema   string
	Seed     string
	Steps    []Step
	Expected Expected
}

// Step is one step of a workload. Its SQL is what the app sends, usually one transaction.
type Step struct {
	Number int
	Title  string
	SQL    string
}

// Load reads schema.sql, seed.sql, workload.sql and expected.md of a target. Step i of the workload is step i of the
// expectations; steps that do not match by number and title are an error.
func Load(dir string) (*Story, error) {
	files := map[string]string{"schema.sql": "", "seed.sql": "", "workload.sql": "", "expected.md": ""}
	for name := range files {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("read a story: %w", err)
		}
		files[name] = string(b)
	}
	steps, err := ParseWorkload(files["workload.sql"])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "workload.sql"), err)
	}
	expected, err := ParseExpected(files["expected.md"])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "expected.md"), err)
	}
	s := &Story{Dir: dir, Schema: files["schema.sql"], Seed: files["seed.sql"], Steps: steps, Expected: *expected}
	return s, s.match()
}

func (s *Story) match() error {
	if len(s.Steps) != len(s.Expected.Steps) {
		return fmt.Errorf("%s: %d steps in the workload, %d expected", s.Dir, len(s.Steps), len(s.Expected.Steps))
	}
	for i, step := range s.Steps {
		want := s.Expected.Steps[i]
		if step.Number != want.Number || step.Title != want.Title {
			return fmt.Errorf("%s: step %d %q is expected as %d %q", s.Dir, step.Number, step.Title, want.Number, want.Title)
		}
	}
	return nil
}

var stepMark = regexp.MustCompile(`(?m)^-- step (\d+) · (.+)$`)

// ParseWorkload cuts a workload at its marks, "-- step N · title", numbered from 1. What stands before the first is comment.
func ParseWorkload(text string) ([]Step, error) {
	marks := stepMark.FindAllStringSubmatchIndex(text, -1)
	if len(marks) == 0 {
		return nil, fmt.Errorf("no step: want lines like %q", "-- step 1 · title")
	}
	steps := make([]Step, len(marks))
	for i, m := range marks {
		end := len(text)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		number, err := strconv.Atoi(text[m[2]:m[3]])
		if err != nil || number != i+1 {
			return nil, fmt.Errorf("step %s stands where step %d belongs", text[m[2]:m[3]], i+1)
		}
		steps[i] = Step{Number: number, Title: strings.TrimSpace(text[m[4]:m[5]]), SQL: strings.TrimSpace(text[m[1]:end])}
		if steps[i].SQL == "" {
			return nil, fmt.Errorf("step %d has no SQL", number)
		}
	}
	return steps, nil
}
