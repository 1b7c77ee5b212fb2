package cdc

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// Mapping says what the app's tables mean, in the words of a pharmacy. It is the "mapping:" part of the configuration file;
// Resolve checks it against a live catalog.
type Mapping struct {
	// Ignore names tables that are known and left out on purpose: they are not published, and check does not ask about them.
	Ignore []string `yaml:"ignore,omitempty"`
	// HashKey is the secret key of Expr.Hash, at least 16 bytes.
	HashKey string `yaml:"hash_key,omitempty" json:"-"`

	Tenant           Sources `yaml:"tenant,omitempty"`
	Branch           Sources `yaml:"branch,omitempty"`
	Medicine         Sources `yaml:"medicine,omitempty"`
	Lot              Sources `yaml:"lot,omitempty"`
	Sale             Sources `yaml:"sale,omitempty"`
	SaleLine         Sources `yaml:"sale_line,omitempty"`
	Prescription     Sources `yaml:"prescription,omitempty"`
	PrescriptionLine Sources `yaml:"prescription_line,omitempty"`
	Patient          Sources `yaml:"patient,omitempty"`
	Movement         Sources `yaml:"movement,omitempty"`
	Level            Sources `yaml:"level,omitempty"`
	Recall           Sources `yaml:"recall,omitempty"`
	Reading          Sources `yaml:"reading,omitempty"`
	User             Sources `yaml:"user,omitempty"`
	// Custom entities are of no kind that rules know: orders, suppliers. They are told under names of their own.
	Custom Sources `yaml:"custom,omitempty"`
}

// Sources are the tables an entity comes from: usually one, written without a list.
type Sources []Source

// UnmarshalYAML accepts one source or a list of them.
func (s *Sources) UnmarshalYAML(unmarshal func(any) error) error {
	var list []Source
	if unmarshal(&list) == nil {
		*s = list
		return nil
	}
	var one Source
	if err := unmarshal(&one); err != nil {
		return err
	}
	*s = Sources{one}
	return nil
}

// Source says how rows of one table become entities of one kind. One table may serve several kinds.
type Source struct {
	// Name is what a custom entity is called. Its events are NAME_created, NAME_updated and NAME_removed; Events names others.
	Name   string  `yaml:"name,omitempty"`
	Events *Events `yaml:"events,omitempty"`
	Table  string  `yaml:"table"`
	// Where keeps the rows that are this kind of entity; the others are none.
	Where Predicates `yaml:"where,omitempty"`
	// Key is the column, or the columns, of the entity's id. Where the stream does not send them of a row that goes, rows are kept
	// by what it sends.
	Key Columns `yaml:"key"`
	// Each is a json column that holds a list: each of its elements is an entity, and expressions that name the column read the
	// element. Element is the way to what tells one from another within the list; empty: its place.
	Each    string `yaml:"each,omitempty"`
	Element string `yaml:"element,omitempty"`
	// Sum is a number of the fields: the rows with one key are one entity, and the number is what theirs come to.
	Sum string `yaml:"sum,omitempty"`
	// Newest is a column by which one of several rows with one key is the newest: that one is the entity.
	Newest string `yaml:"newest,omitempty"`
	// Tenant and Branch name the columns that hold their ids; tenant: none is for patients who belong to no tenant,
	// tenant: every for a list of medicines that all tenants share. A line has a Parent instead and takes both from it.
	Tenant *Expr `yaml:"tenant,omitempty"`
	Branch *Expr `yaml:"branch,omitempty"`
	Parent *Expr `yaml:"parent,omitempty"`
	// Of names the table of a line's parent, where sales or prescriptions come from several and no foreign key tells.
	Of string `yaml:"of,omitempty"`
	// Silent keeps to itself what becomes of these entities: rules read them, and no event tells of them.
	Silent bool `yaml:"silent,omitempty"`
	// Settle is how long a sale or a prescription that comes without lines waits for them, such as 2s: an app may write them in a
	// later transaction. Then the first that is told of it has its lines.
	Settle string `yaml:"settle,omitempty"`
	// Gone tells a soft-deleted row.
	Gone   Predicates      `yaml:"gone,omitempty"`
	Fields map[string]Expr `yaml:"fields,omitempty"`
	// Extra fields travel with the events under their own names; no rule reads them.
	Extra map[string]Expr `yaml:"extra,omitempty"`
}

// Events are the types under which a custom entity is told.
type Events struct {
	Created string `yaml:"created,omitempty"`
	Updated string `yaml:"updated,omitempty"`
	Removed string `yaml:"removed,omitempty"`
}

// Columns is one column name or a list of them.
type Columns []string

// UnmarshalYAML accepts a name or a list of names.
func (c *Columns) UnmarshalYAML(unmarshal func(any) error) error {
	var list []string
	if unmarshal(&list) == nil {
		*c = list
		return nil
	}
	var one string
	if err := unmarshal(&one); err != nil {
		return err
	}
	*c = Columns{one}
	return nil
}

// Predicates are questions about a row, all of which must hold: usually one, written without a list.
type Predicates []Predicate

// UnmarshalYAML accepts one predicate or a list of them.
func (p *Predicates) UnmarshalYAML(unmarshal func(any) error) error {
	var list []any
	if unmarshal(&list) == nil {
		return unmarshal((*[]Predicate)(p))
	}
	var one Predicate
	if err := unmarshal(&one); err != nil {
		return err
	}
	*p = Predicates{one}
	return nil
}

// Predicate is a question about one column, of this row or of one that it looks up: one of In, NotIn, Null, True. Where the row
// that is looked up does not exist no question holds.
type Predicate struct {
	Column string   `yaml:"column"`
	From   string   `yaml:"from,omitempty"` // as in Expr
	By     *Expr    `yaml:"by,omitempty"`
	Key    string   `yaml:"key,omitempty"`
	In     []string `yaml:"in,omitempty"`
	NotIn  []string `yaml:"not_in,omitempty"`
	Null   *bool    `yaml:"null,omitempty"`
	True   *bool    `yaml:"true,omitempty"`
}

// UnmarshalYAML reads a predicate key by key: YAML takes a bare null or true for a value, also where it is a name.
func (p *Predicate) UnmarshalYAML(unmarshal func(any) error) error {
	var raw map[any]any
	if err := unmarshal(&raw); err != nil {
		return err
	}
	for key, value := range raw {
		name := fmt.Sprint(key)
		if key == nil {
			name = "null"
		}
		if err := p.set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (p *Predicate) set(name string, value any) error {
	var ok bool
	switch name {
	case "column":
		p.Column, ok = value.(string)
	case "from":
		p.From, ok = value.(string)
	case "key":
		p.Key, ok = value.(string)
	case "by":
		p.By, ok = lookupKeyOf(value)
	case "in":
		p.In, ok = wordsOf(value)
	case "not_in":
		p.NotIn, ok = wordsOf(value)
	case "null", "true":
		var b bool
		if b, ok = value.(bool); name == "null" {
			p.Null = &b
		} else {
			p.True = &b
		}
	default:
		return fmt.Errorf("unknown field %q: %s", name, didYouMean(name, []string{"column", "from", "by", "key", "in", "not_in", "null", "true"}))
	}
	if !ok {
		return fmt.Errorf("field %q cannot be %v", name, value)
	}
	return nil
}

// expr is the expression of the value that is asked about.
func (p *Predicate) expr() *Expr { return &Expr{Column: p.Column, From: p.From, By: p.By, Key: p.Key} }

// lookupKeyOf reads what a predicate looks a row up by: a column, or a lookup again.
func lookupKeyOf(value any) (*Expr, bool) {
	if name, ok := value.(string); ok {
		return &Expr{Column: name}, true
	}
	parts, ok := value.(map[string]any)
	e := &Expr{}
	for name, part := range parts {
		text, isText := part.(string)
		switch name {
		case "column":
			e.Column = text
		case "from":
			e.From = text
		case "key":
			e.Key = text
		case "by":
			e.By, isText = lookupKeyOf(part)
		default:
			return nil, false
		}
		ok = ok && isText
	}
	return e, ok
}

func wordsOf(value any) (words []string, ok bool) {
	list, ok := value.([]any)
	for _, v := range list {
		words = append(words, fmt.Sprint(v))
	}
	return words, ok
}

// Expr says where a value comes from: a column's name alone, or a column with what is to be done to it.
type Expr struct {
	Column string `yaml:"column,omitempty"`
	// From, By and Key find the column in another table: it is that of the row of From whose key is By. What else the
	// expression says is done to the value found; the other columns that it names are this row's.
	From string `yaml:"from,omitempty"`
	By   *Expr  `yaml:"by,omitempty"`  // a column of this row, or a lookup again
	Key  string `yaml:"key,omitempty"` // the column of From that By is compared with, where it is not the primary key
	// First is the first of some expressions that is not null. It stands alone.
	First []Expr `yaml:"first,omitempty"`
	// JSON is the way to a value in a json column: keys and, in lists, numbers from 0, joined by dots.
	JSON string `yaml:"json,omitempty"`
	// Trim takes away space at both ends, and Case makes a text lower or upper, before anything else is done to it.
	Trim bool   `yaml:"trim,omitempty"`
	Case string `yaml:"case,omitempty"`
	// Const is a value that no column holds.
	Const *string `yaml:"const,omitempty"`
	// Words translates the app's words into canonical ones. A word that is missing is a visible fault.
	Words map[string]string `yaml:"words,omitempty"`
	// Else is the value of a word that Words lacks; none: there is no value. Then such a word is no fault.
	Else string `yaml:"else,omitempty"`
	// Sign gives a quantity its direction by another column's word.
	Sign *Sign `yaml:"sign,omitempty"`
	// Plus, Minus, Times and Over name further numeric columns; the value is the result, in this order: exact, but for a quotient, which
	// has 19 digits. What is divided by 0 is unknown.
	Plus  string `yaml:"plus,omitempty"`
	Minus string `yaml:"minus,omitempty"`
	Times string `yaml:"times,omitempty"`
	Over  string `yaml:"over,omitempty"`
	// Zone is the time zone in which a timestamp without zone was meant, or in which an instant becomes a day.
	Zone string `yaml:"zone,omitempty"`
	// DayIn is the zone in which an instant becomes a day, where Zone says what a timestamp without zone means.
	DayIn string `yaml:"day_in,omitempty"`
	// Format is how a day is written in a text: YYYY, MM and DD. One without DD is the last day of its month.
	Format string `yaml:"format,omitempty"`
	// MonthEnd makes a day the last of its month.
	MonthEnd bool `yaml:"month_end,omitempty"`
	// Round is how many decimals a number keeps; a half is rounded away from zero.
	Round *int `yaml:"round,omitempty"`
	// Personal keeps the value inside for roles that may not see patients.
	Personal bool `yaml:"personal,omitempty"`
	// Hash replaces a text by its keyed hash before anything is kept or told of it: it says whether two are the same, and no more.
	Hash bool `yaml:"hash,omitempty"`
}

// Sign multiplies a quantity by 1, -1 or 0, chosen by a column's word.
type Sign struct {
	Column string         `yaml:"column"`
	From   string         `yaml:"from,omitempty"` // as in Expr
	By     *Expr          `yaml:"by,omitempty"`
	Key    string         `yaml:"key,omitempty"`
	Values map[string]int `yaml:"values"`
}

// word is the expression of the word that chooses.
func (s *Sign) word() *Expr {
	if s == nil {
		return nil
	}
	return &Expr{Column: s.Column, From: s.From, By: s.By, Key: s.Key}
}

// UnmarshalYAML accepts a column's name alone.
func (e *Expr) UnmarshalYAML(unmarshal func(any) error) error {
	var name string
	if unmarshal(&name) == nil {
		*e = Expr{Column: name}
		return nil
	}
	type plain Expr
	return unmarshal((*plain)(e))
}

// In the place of a tenant's column, none says that there is no tenant, and every that it is all of them; as what else: gives, none
// says that there is no value.
const (
	none  = "none"
	every = "every"
)

// rest is what else: gives, as it stands in an image; nil without one.
func (e *Expr) rest() []byte {
	switch e.Else {
	case "":
		return nil
	case none:
		return appendNull(nil)
	}
	return appendText(nil, []byte(e.Else))
}

// says tells whether the expression is a word alone, and no column of a table.
func (e *Expr) says(word string, t *Table) bool {
	return e != nil && reflect.DeepEqual(*e, Expr{Column: word}) && t.column(word) == nil
}

// columns lists every column of its own row that the expression reads.
func (e *Expr) columns() []string {
	if e == nil {
		return nil
	}
	names := e.By.columns()
	for i := range e.First {
		names = append(names, e.First[i].columns()...)
	}
	if e.From == "" {
		names = append(names, e.Column)
	}
	names = append(names, e.Plus, e.Minus, e.Times, e.Over)
	names = append(names, e.Sign.word().columns()...)
	return slices.DeleteFunc(names, func(n string) bool { return n == "" })
}

// lookups lists the lookups in an expression, each behind those that find its key.
func (e *Expr) lookups() []*Expr {
	if e == nil {
		return nil
	}
	all := append(e.By.lookups(), e.Sign.word().lookups()...)
	for i := range e.First {
		all = append(all, e.First[i].lookups()...)
	}
	if e.From != "" {
		all = append(all, e)
	}
	return all
}

// waits tells whether the expression needs more than its own row as it was sent: other rows, or a column's value where another
// one was taken before.
func (e *Expr) waits() bool { return e != nil && (len(e.First) > 0 || len(e.lookups()) > 0) }

// of gives the sources of a kind.
func (m *Mapping) of(k rxvigil.Kind) Sources {
	switch k {
	case rxvigil.KindTenant:
		return m.Tenant
	case rxvigil.KindBranch:
		return m.Branch
	case rxvigil.KindMedicine:
		return m.Medicine
	case rxvigil.KindLot:
		return m.Lot
	case rxvigil.KindSale:
		return m.Sale
	case rxvigil.KindSaleLine:
		return m.SaleLine
	case rxvigil.KindPrescription:
		return m.Prescription
	case rxvigil.KindPrescriptionLine:
		return m.PrescriptionLine
	case rxvigil.KindPatient:
		return m.Patient
	case rxvigil.KindMovement:
		return m.Movement
	case rxvigil.KindLevel:
		return m.Level
	case rxvigil.KindRecall:
		return m.Recall
	case rxvigil.KindReading:
		return m.Reading
	case rxvigil.KindUser:
		return m.User
	case rxvigil.KindCustom:
		return m.Custom
	}
	return nil
}

// parentOf is the kind whose line k is, or 0.
func parentOf(k rxvigil.Kind) rxvigil.Kind {
	switch k {
	case rxvigil.KindSaleLine:
		return rxvigil.KindSale
	case rxvigil.KindPrescriptionLine:
		return rxvigil.KindPrescription
	}
	return 0
}

// statusWords are the canonical statuses of a kind.
func statusWords(k rxvigil.Kind) []string {
	switch k {
	case rxvigil.KindMedicine:
		return []string{"active", "inactive", "deleted"}
	case rxvigil.KindSale:
		return []string{"draft", "pending", "completed", "partially_returned", "returned", "cancelled", "void"}
	case rxvigil.KindPrescription:
		return []string{"pending", "validated", "partial", "dispensed", "cancelled", "expired"}
	}
	return nil
}
