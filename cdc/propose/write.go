package propose

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Write writes the proposal as a configuration file. dsn is the line that says where the database is: an address without a
// password, or env:NAME.
func (p *Proposal) Write(w io.Writer, dsn string) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "# What rxvigil init thinks of the database %s. Each line carries how sure it is and why; \"ask 3\" is question 3\n", p.database)
	fmt.Fprintf(b, "# below. Answer the questions, run rxvigil check, look at some rows with rxvigil map try, and start rxvigil run.\n#\n")
	for i, d := range p.Doubts {
		line := fmt.Sprintf("ask %d, %s: %s", i+1, where(d.Paths), d.Question)
		if len(d.Alternatives) > 0 {
			line += " Or: " + strings.Join(d.Alternatives, ", ") + "."
		}
		wrap(b, line)
	}
	fmt.Fprintf(b, "\nsource:\n  dsn: %s\ndata_dir: rxvigil-data # what the engine remembers; on a disk of its own if you can\npush:\n  listen: 127.0.0.1:8080\n\ntenants:\n  zone: %s%s\n\nmapping:\n", scalar(dsn), scalar(p.Zone), p.mark("tenants.zone"))
	if len(p.Ignored) > 0 {
		fmt.Fprintf(b, "  ignore: # known, and left out: they are not published\n")
		for _, t := range p.Ignored {
			fmt.Fprintf(b, "    - %s # %s\n", scalar(t.Table), t.Why)
		}
	}
	for i, e := range p.Entities {
		listed := e.nth > 0 || i+1 < len(p.Entities) && p.Entities[i+1].nth > 0
		p.entity(b, e, listed)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const width = 118

// wrap writes a comment in lines that can be read.
func wrap(b *strings.Builder, text string) {
	line := "#"
	for word := range strings.SplitSeq(text, " ") {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = "#   "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

// mark is the end of a line that questions are about.
func (p *Proposal) mark(path string) string {
	for i, d := range p.Doubts {
		if slices.Contains(d.Paths, path) {
			return fmt.Sprintf(" # ask %d", i+1)
		}
	}
	return ""
}

func (e *Entity) ask(line string) string {
	var asks []string
	for _, n := range e.asks[line] {
		asks = append(asks, fmt.Sprintf("ask %d", n))
	}
	return strings.Join(asks, ", ")
}

func comment(parts ...string) string {
	var said []string
	for _, s := range parts {
		if s != "" {
			said = append(said, s)
		}
	}
	if len(said) == 0 {
		return ""
	}
	return " # " + strings.Join(said, "; ")
}

// entity writes one entity; one of several of its kind is an element of a list.
func (p *Proposal) entity(to *strings.Builder, e *Entity, listed bool) {
	b := &strings.Builder{}
	fmt.Fprintf(to, "\n  # %s: %s\n", percent(e.Confidence), strings.Join(e.Why, ", "))
	if e.nth == 0 {
		fmt.Fprintf(to, "  %s:\n", e.Kind)
	}
	defer func() {
		text := b.String()
		if listed {
			text = "    - " + strings.ReplaceAll(strings.TrimSuffix(text[4:], "\n"), "\n", "\n  ") + "\n"
		}
		to.WriteString(text)
	}()
	fmt.Fprintf(b, "    table: %s%s\n", scalar(e.Table), comment(e.ask("table")))
	switch len(e.where) {
	case 0:
	case 1:
		fmt.Fprintf(b, "    where: %s%s\n", e.where[0], comment(e.ask("where")))
	default:
		fmt.Fprintf(b, "    where:%s\n", comment(e.ask("where")))
		for _, p := range e.where {
			fmt.Fprintf(b, "      - %s\n", p)
		}
	}
	if e.silent {
		fmt.Fprintf(b, "    silent: true%s\n", comment(e.ask("silent")))
	}
	key := scalar(e.key[0])
	if len(e.key) > 1 {
		key = "[" + list(e.key) + "]"
	}
	fmt.Fprintf(b, "    key: %s%s\n", key, comment(e.ask("key")))
	if e.newest != "" {
		fmt.Fprintf(b, "    newest: %s%s\n", scalar(e.newest), comment(e.ask("newest")))
	}
	for _, o := range []struct {
		name  string
		value *expr
	}{{"tenant", e.tenant}, {"branch", e.branch}, {"parent", e.parent}} {
		if o.value != nil {
			fmt.Fprintf(b, "    %s: %s%s\n", o.name, o.value, comment(e.ask(o.name)))
		}
	}
	if e.gone != nil {
		fmt.Fprintf(b, "    gone: %s%s\n", e.gone, comment(e.ask("gone")))
	}
	if len(e.Fields) > 0 {
		fmt.Fprintf(b, "    fields:\n")
	}
	for _, f := range e.Fields {
		fmt.Fprintf(b, "      %s: %s%s\n", f.Name, f.value, comment(percent(f.Confidence)+", "+f.Why, e.ask("fields."+f.Name)))
	}
	if len(e.missing) > 0 {
		fmt.Fprintf(b, "      # not found, %s: %s\n", e.ask("missing"), strings.Join(e.missing, ", "))
	}
}

// String is the expression as a mapping writes it.
func (e expr) String() string {
	switch {
	case e.none:
		return "none"
	case e.konst != "":
		return "{const: " + scalar(e.konst) + "}"
	case e.from == "" && e.words == nil && e.sign == "" && e.zone == "" && e.times == "" && e.minus == "" && e.over == "" && e.round == 0:
		return scalar(e.column)
	}
	parts := []string{"column: " + scalar(e.column)}
	if e.from != "" {
		parts = append(parts, "from: "+scalar(e.from), "by: "+e.by.String())
	}
	if e.words != nil {
		parts = append(parts, "words: {"+pairs(e.words)+"}")
	}
	if e.sign != "" {
		parts = append(parts, "sign: {column: "+scalar(e.sign)+", values: {"+signs(e.signs)+"}}")
	}
	if e.minus != "" {
		parts = append(parts, "minus: "+scalar(e.minus))
	}
	if e.times != "" {
		parts = append(parts, "times: "+scalar(e.times))
	}
	if e.over != "" {
		parts = append(parts, "over: "+scalar(e.over))
	}
	if e.round != 0 {
		parts = append(parts, fmt.Sprintf("round: %d", e.round))
	}
	if e.zone != "" {
		parts = append(parts, "zone: "+scalar(e.zone))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (p *predicate) String() string {
	of := "{column: " + scalar(p.column)
	if p.from != "" {
		of += ", from: " + scalar(p.from) + ", by: " + p.by.String()
	}
	switch {
	case p.in != nil:
		return of + ", in: [" + list(p.in) + "]}"
	case p.null != nil:
		return fmt.Sprintf("%s, null: %t}", of, *p.null)
	}
	return fmt.Sprintf("%s, true: %t}", of, *p.truth)
}

func list(words []string) string {
	var all []string
	for _, w := range words {
		all = append(all, scalar(w))
	}
	return strings.Join(all, ", ")
}

func pairs(words [][2]string) string {
	var all []string
	for _, w := range words {
		all = append(all, scalar(w[0])+": "+scalar(w[1]))
	}
	return strings.Join(all, ", ")
}

// where names what a question is about: several fields of an entity by the entity.
func where(paths []string) string {
	if len(paths) == 1 {
		return paths[0]
	}
	return paths[0][:strings.LastIndex(paths[0], ".")]
}

func signs(words [][2]string) string {
	var all []string
	for _, w := range words {
		all = append(all, scalar(w[0])+": "+w[1]) // a number
	}
	return strings.Join(all, ", ")
}

// bare are texts that YAML reads as themselves wherever they stand.
var bare = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./+-]*(:[A-Za-z0-9_./@?=&%+-]+)*$`)

// scalar writes a text so that YAML reads it back as that text.
func scalar(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", "":
		return fmt.Sprintf("%q", s)
	}
	if bare.MatchString(s) && !strings.Contains(s, "::") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
