package rules

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/rxvigil/rxvigil"
)

// packFile is a pack as a file says it. With extends, what it says is laid over the named pack: a rule of the same id takes the
// other's place, one without a kind changes only how the other behaves.
type packFile struct {
	Extends string
	Supply  *Supply
	Rules   []ruleFile
	Limits  []Limit
	Inhibit []Inhibition
	Scans   []Scan
	// ExpiresOnStart is nil where the file does not say.
	ExpiresOnStart *bool `yaml:"expires_on_start"`
}

type ruleFile struct {
	ID       string
	Off      bool
	Severity rxvigil.Severity
	When     string
	Conduct  Conduct  `yaml:",inline"`
	Kind     kindFile `yaml:",inline"`
}

// kindFile has a key for each kind. One of them is given, with the kind's parameters.
type kindFile struct {
	LowStock            *LowStock            `yaml:"low_stock"`
	NegativeStock       *NegativeStock       `yaml:"negative_stock"`
	Expiry              *Expiry              `yaml:"expiry"`
	LedgerMismatch      *LedgerMismatch      `yaml:"ledger_mismatch"`
	ProjectedStockout   *ProjectedStockout   `yaml:"projected_stockout"`
	RiskOfExpiry        *RiskOfExpiry        `yaml:"will_not_sell_before_expiry"`
	Overstock           *Overstock           `yaml:"overstock"`
	DeadStock           *DeadStock           `yaml:"dead_stock"`
	SalesSpike          *SalesSpike          `yaml:"sales_spike"`
	ExpiredDispense     *ExpiredDispense     `yaml:"expired_dispense"`
	FEFOViolation       *FEFOViolation       `yaml:"fefo_violation"`
	Oversell            *Oversell            `yaml:"oversell"`
	PrescriptionMissing *PrescriptionMissing `yaml:"rx_missing"`
	SaleStockMismatch   *SaleStockMismatch   `yaml:"sale_stock_mismatch"`
	DispensingMismatch  *DispensingMismatch  `yaml:"dispensing_mismatch"`
	PrescriptionPending *PrescriptionPending `yaml:"prescription_pending"`
	PrescriptionExpired *PrescriptionExpired `yaml:"prescription_expired"`
	DuplicateTherapy    *DuplicateTherapy    `yaml:"duplicate_therapy"`
	PriceBelowCost      *PriceBelowCost      `yaml:"price_below_cost"`
	PriceChange         *PriceChange         `yaml:"price_change"`
	Recall              *Recall              `yaml:"recall"`
	RecalledDispense    *RecalledDispense    `yaml:"recalled_dispense"`
	SoldBelowCost       *SoldBelowCost       `yaml:"sold_below_cost"`
	RefillDue           *RefillDue           `yaml:"refill_due"`
	RefillEarly         *RefillEarly         `yaml:"refill_early"`
	LowAdherence        *LowAdherence        `yaml:"low_adherence"`
	ColdChain           *ColdChain           `yaml:"cold_chain"`
	NoSales             *NoSales             `yaml:"no_sales"`
	Blind               *Blind               `yaml:"blind"`
	WALKept             *WALKept             `yaml:"wal_kept"`
}

// params are those of the one kind that is given; nil when none is.
func (k *kindFile) params() (found Params, err error) {
	v := reflect.ValueOf(k).Elem()
	for _, field := range v.Fields() {
		if field.IsNil() {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("a rule is of one kind, and this one is of %s and %s: make two rules of it", found.Kind(), field.Elem().Interface().(Params).Kind())
		}
		found = field.Elem().Interface().(Params)
	}
	return found, nil
}

//go:embed packs/*.yaml
var packs embed.FS

// Packs lists the packs that come with the program.
func Packs() []string {
	files, _ := fs.Glob(packs, "packs/*.yaml") // the pattern is a good one
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return files
}

// NamedPack is a pack that comes with the program.
func NamedPack(name string) (Pack, error) {
	text, err := packs.ReadFile("packs/" + name + ".yaml")
	if err != nil {
		return Pack{}, fmt.Errorf("there is no pack %q: there are %s", name, strings.Join(Packs(), ", "))
	}
	return ReadPack(name+".yaml", text)
}

// ReadPack reads a pack file, or says which line cannot be meant, and what would be right.
func ReadPack(name string, text []byte) (Pack, error) { return Pack{}.Lay(name, text) }

// Lay lays what a pack file says over a pack, as if the file extended it.
func (p Pack) Lay(name string, text []byte) (Pack, error) {
	f := &packText{name, string(text)}
	var file packFile
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return Pack{}, f.mistake(err)
	}
	p.Rules, p.Limits = slices.Clone(p.Rules), slices.Clone(p.Limits)
	if file.Extends != "" {
		if len(p.Rules) > 0 {
			return Pack{}, f.at("$.extends", errors.New("another file comes before this one: only the first may extend a pack"))
		}
		var err error
		if p, err = NamedPack(file.Extends); err != nil {
			return Pack{}, f.at("$.extends", err)
		}
	}
	if err := f.lay(&p, &file); err != nil {
		return Pack{}, err
	}
	if _, err := p.prepare(); err != nil { // what no line alone is to blame for
		return Pack{}, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// lay puts what a file says over a pack.
func (f *packText) lay(p *Pack, file *packFile) error {
	said := map[string]bool{}
	for i := range file.Rules {
		place := fmt.Sprintf("$.rules[%d]", i)
		r, err := file.Rules[i].over(p)
		if err != nil {
			return f.at(place, err)
		}
		if said[r.ID] {
			return f.at(place, fmt.Errorf("two rules are called %q: give this one an id of its own", r.ID))
		}
		said[r.ID] = true
		if err := r.validate(); err != nil {
			return f.at(place, err)
		}
		p.put(r)
	}
	if file.Supply != nil {
		p.Supply = *file.Supply
	}
	if file.Scans != nil {
		p.Scans = file.Scans
	}
	if file.ExpiresOnStart != nil {
		p.ExpiresOnStart = *file.ExpiresOnStart
	}
	p.Limits = append(p.Limits, file.Limits...)
	p.Inhibit = append(slices.Clone(p.Inhibit), file.Inhibit...)
	return f.rest(p, file)
}

// rest looks at what is no rule.
func (f *packText) rest(p *Pack, file *packFile) error {
	if err := p.Supply.validate(); err != nil {
		return f.at("$.supply", err)
	}
	ids := map[string]bool{}
	for _, r := range p.Rules {
		ids[r.ID] = true
	}
	for i, l := range file.Limits {
		if err := l.validate(ids); err != nil {
			return f.at(fmt.Sprintf("$.limits[%d]", i), err)
		}
	}
	for i, h := range file.Inhibit {
		if err := h.validate(p.Rules); err != nil {
			return f.at(fmt.Sprintf("$.inhibit[%d]", i), err)
		}
	}
	for i, s := range file.Scans {
		if err := s.validate(); err != nil {
			return f.at(fmt.Sprintf("$.scans[%d]", i), err)
		}
	}
	return nil
}

// over is the rule that a file's entry makes over a pack.
func (r *ruleFile) over(p *Pack) (Rule, error) {
	params, err := r.Kind.params()
	if err != nil {
		return Rule{}, err
	}
	made := Rule{ID: r.ID, Off: r.Off, Severity: r.Severity, When: r.When, Conduct: r.Conduct, Params: params}
	if params != nil {
		made.ID = cmp.Or(made.ID, params.Kind())
		return made, nil
	}
	i := p.index(r.ID)
	if i < 0 {
		return Rule{}, errors.New("a rule needs a kind, such as low_stock: {recovery: 1.1}, or the id of a rule in the pack it extends")
	}
	made.Params = p.Rules[i].Params
	return made, nil
}

func (p *Pack) index(id string) int {
	return slices.IndexFunc(p.Rules, func(r Rule) bool { return r.ID == id })
}

// put adds a rule, or lets it take the place of the one of its id.
func (p *Pack) put(r Rule) {
	if i := p.index(r.ID); i >= 0 {
		p.Rules[i] = r
		return
	}
	p.Rules = append(p.Rules, r)
}
