package story

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Expected is what a target's expected.md says.
type Expected struct {
	Seed      []Standing // alerts that stand after the seed
	SeedLines []Line     // extended findings of the seed, and what must not be reported (Kind Finding, Not)
	Steps     []Expect
	End       []Standing // alerts still open after the last step
}

// Standing is one row of a table of open alerts.
type Standing struct {
	Ext      bool
	Rule     string // low_stock, expiry, …
	Severity string
	Subject  string
	Details  []Detail
	Text     []string
	Raw      string
}

// Expect is what one step must lead to, in the order of the file.
type Expect struct {
	Number int
	Title  string
	Rows   string // the row changes the stream carries, as the file words them
	Lines  []Line
}

// Kind says what a line promises.
type Kind string

// The kinds of a line.
const (
	Event     Kind = "event"
	Raised    Kind = "RAISED"
	Changed   Kind = "CHANGED"
	Resolved  Kind = "RESOLVED"
	Held      Kind = "HELD"       // the numbers moved, nobody is told again
	Finding   Kind = "finding"    // an (ext) line that names a rule without a verb
	NoAlert   Kind = "alert-none" // no transition in this step
	NoEvent   Kind = "event-none" // no event in this step
	Not       Kind = "NOT"        // what must not happen
	Note      Kind = "note"       // for the reader
	seedTitle      = "## After the seed"
	endTitle       = "## Alerts still open after the last step"
)

// Line is one bullet of a step.
type Line struct {
	Kind         Kind
	Ext          bool   // a rule beyond stock and expiry
	Name         string // stock.changed, low_stock
	Severity     string // of an alert; after the change
	SeverityFrom string // before the change, Kind Changed only
	Subject      string // tenant / branch / medicine / lot, as far as there are any
	Details      []Detail
	Text         []string // parts that are prose: "subject gone", or the whole of a note
	Raw          string   // the line without its bullet
}

// Detail is one key with its value, or with its move from one value to another.
type Detail struct {
	Key     string
	From    string
	To      string
	HasFrom bool
}

// Detail is the first detail with a key.
func (l Line) Detail(key string) (Detail, bool) { return find(l.Details, key) }

// Detail is the first detail with a key.
func (s Standing) Detail(key string) (Detail, bool) { return find(s.Details, key) }

// Path is the subject cut at its slashes: tenant, then branch where the target has branches, then the rest.
func (l Line) Path() []string { return strings.Split(l.Subject, " / ") }

// Path is the subject cut at its slashes.
func (s Standing) Path() []string { return strings.Split(s.Subject, " / ") }

func find(details []Detail, key string) (Detail, bool) {
	for _, d := range details {
		if d.Key == key {
			return d, true
		}
	}
	return Detail{}, false
}

// ParseExpected reads an expected.md. A bullet of a step that has no known form is an error, so that none is skipped.
func ParseExpected(text string) (*Expected, error) {
	e := &Expected{}
	section := ""
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "## ") {
			section = line
			continue
		}
		if err := e.read(section, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if len(e.Steps) == 0 || len(e.End) == 0 {
		return nil, fmt.Errorf("no steps, or no table of alerts still open")
	}
	return e, nil
}

func (e *Expected) read(section, line string) error {
	switch {
	case strings.HasPrefix(section, seedTitle):
		return e.readSeed(line)
	case section == "## The story":
		return e.readStory(line)
	case section == endTitle:
		return readStanding(&e.End, line)
	}
	return nil
}

func (e *Expected) readSeed(line string) error {
	if strings.HasPrefix(line, "- ") {
		l, err := parseLine(line)
		if err != nil { // what must not be reported, and what is easily missed
			l = Line{Kind: Not, Text: []string{line[2:]}, Raw: line[2:]}
		}
		e.SeedLines = append(e.SeedLines, l)
		return nil
	}
	return readStanding(&e.Seed, line)
}

var stepTitle = regexp.MustCompile(`^### (\d+) · (.+)$`)

func (e *Expected) readStory(line string) error {
	if m := stepTitle.FindStringSubmatch(line); m != nil {
		number, err := strconv.Atoi(m[1])
		if err != nil || number != len(e.Steps)+1 {
			return fmt.Errorf("step %s stands where step %d belongs", m[1], len(e.Steps)+1)
		}
		e.Steps = append(e.Steps, Expect{Number: number, Title: m[2]})
		return nil
	}
	if line == "" {
		return nil
	}
	if len(e.Steps) == 0 {
		return fmt.Errorf("%q stands before the first step", line)
	}
	step := &e.Steps[len(e.Steps)-1]
	if rows, ok := strings.CutPrefix(line, "rows: "); ok {
		step.Rows = rows
		return nil
	}
	l, err := parseLine(line)
	if err != nil {
		return err
	}
	step.Lines = append(step.Lines, l)
	return nil
}

var standingRow = regexp.MustCompile("^\\| \\d+ \\| (\\(ext\\) )?`([a-z_]+)` \\| (\\w*) \\| (.+) \\| (.+) \\|$")

// readStanding takes a numbered row that names an alert; headers, rules and other tables are passed over.
func readStanding(to *[]Standing, line string) error {
	m := standingRow.FindStringSubmatch(line)
	if m == nil {
		if strings.HasPrefix(line, "| 1") || strings.HasPrefix(line, "| 2") {
			return fmt.Errorf("%q is not a row of open alerts", line)
		}
		return nil
	}
	s := Standing{Ext: m[1] != "", Rule: m[2], Severity: m[3], Subject: m[4], Raw: line}
	numbers, dagger := strings.CutSuffix(m[5], " †")
	if dagger {
		s.Text = append(s.Text, "†")
	}
	details, text := parseDetails(numbers)
	s.Details, s.Text = details, append(s.Text, text...)
	*to = append(*to, s)
	return nil
}
