package rules

import (
	"fmt"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// kind is one kind of alert. Both functions are pure: they read the hearing and nothing else.
type kind struct {
	name string
	// judge appends a verdict for every subject of the kind on the shelf; nil: it is of no shelf.
	judge func(dst []verdict, h *hearing) []verdict
	// describe gives the numbers behind a verdict; it is called only when somebody will read them.
	describe func(h *hearing, v verdict) description
	// limit is the threshold of the rule at hand on a shelf, which people may override; nil: it has none.
	limit func(h *hearing) (rxvigil.Number, string)
	// retell names the value whose change is told although neither rung nor severity moved.
	retell string
	// lasting kinds are of events: they end by acknowledgement and are never judged again.
	lasting bool
	// standing kinds are of what stands on no shelf, and are judged when it changes or comes of age.
	standing bool
	// sale and prescription are asked about those that a transaction changed.
	sale         func(e *Engine, r *rule, s *saleChange)
	prescription func(e *Engine, r *rule, c *prescriptionChange)
}

// kinds is the table of all kinds. A new kind is a file of its own and one line here.
func kinds() []kind {
	return []kind{
		{name: LowStock{}.Kind(), judge: judgeLowStock, describe: describeLowStock, limit: (*hearing).level},
		{name: NegativeStock{}.Kind(), judge: judgeNegativeStock, describe: describeNegativeStock},
		{name: Expiry{}.Kind(), judge: judgeExpiry, describe: describeExpiry},
		{name: LedgerMismatch{}.Kind(), judge: judgeLedger, describe: describeLedger, retell: "drift"},
		{name: ProjectedStockout{}.Kind(), judge: judgeStockout, describe: describeStockout, limit: (*hearing).horizon},
		{name: RiskOfExpiry{}.Kind(), judge: judgeRiskOfExpiry, describe: describeRiskOfExpiry, limit: (*hearing).leastValue},
		{name: Overstock{}.Kind(), judge: judgeOverstock, describe: describeOverstock, limit: (*hearing).most},
		{name: DeadStock{}.Kind(), judge: judgeDeadStock, describe: describeDeadStock, limit: (*hearing).deadAfter},
		{name: SalesSpike{}.Kind(), judge: judgeSpike, describe: describeSpike, limit: (*hearing).spikeScore},
		{name: ExpiredDispense{}.Kind(), sale: reportExpired, lasting: true},
		{name: FEFOViolation{}.Kind(), sale: reportFEFO, lasting: true},
		{name: Oversell{}.Kind(), sale: reportOversell, lasting: true},
		{name: PrescriptionMissing{}.Kind(), sale: watchPrescription, lasting: true},
		{name: SaleStockMismatch{}.Kind(), sale: watchReturn, lasting: true},
		{name: DispensingMismatch{}.Kind(), sale: watchSold, prescription: watchHanded, lasting: true},
		{name: PrescriptionPending{}.Kind(), standing: true},
		{name: PrescriptionExpired{}.Kind(), prescription: reportOutdated, lasting: true},
		{name: DuplicateTherapy{}.Kind(), prescription: reportDuplicate, lasting: true},
		{name: PriceBelowCost{}.Kind(), standing: true},
		{name: PriceChange{}.Kind(), lasting: true},
		{name: Recall{}.Kind(), judge: judgeRecall, describe: describeRecall},
		{name: RecalledDispense{}.Kind(), sale: reportRecalled, lasting: true},
		{name: SoldBelowCost{}.Kind(), sale: reportBelowCost, lasting: true},
		{name: RefillDue{}.Kind(), standing: true},
		{name: LowAdherence{}.Kind(), standing: true},
		{name: RefillEarly{}.Kind(), prescription: noteFills, lasting: true},
		{name: ColdChain{}.Kind(), standing: true},
		{name: NoSales{}.Kind(), sale: watchTill},
		{name: ruleBlind, lasting: true},
		{name: ruleWALKept},
	}
}

// rule is one rule of the pack that is asked, with its kind.
type rule struct {
	Rule
	kind   *kind
	limits []Limit // the pack's for this rule
	hides  []Inhibition
	when   when // nil: always
}

// rulesOf are the rules of a pack that are asked. At most 32 are judged by shelf.
func rulesOf(p *Pack) ([]rule, error) {
	var all []rule
	table := kinds()
	shelves := 0
	for _, r := range p.Rules {
		if r.Off {
			continue
		}
		i := slices.IndexFunc(table, func(k kind) bool { return k.name == r.Params.Kind() })
		if i < 0 {
			return nil, fmt.Errorf("pack: rule %q: kind %q is not known", r.ID, r.Params.Kind())
		}
		if table[i].judge != nil {
			shelves++
		}
		added := rule{Rule: r, kind: &table[i], limits: p.limitsOf(r.ID), hides: p.inhibitionsBy(r.ID)}
		if (added.waits() || r.When != "") && table[i].judge == nil {
			return nil, fmt.Errorf("pack: rule %q: for, keep_firing_for, flap and when are of rules that are judged by shelf", r.ID)
		}
		if r.When != "" {
			condition, err := newWhen(r.When)
			if err != nil {
				return nil, fmt.Errorf("pack: rule %q: %w", r.ID, err)
			}
			added.when = condition
		}
		all = append(all, added)
	}
	if shelves > mostShelfRules {
		return nil, fmt.Errorf("pack: %d rules are judged by shelf, at most %d can be", shelves, mostShelfRules)
	}
	return all, nil
}

const mostShelfRules = 32

// hearing is one shelf on one day, with the parameters to judge it by.
type hearing struct {
	pack  *Pack
	rule  *rule
	today rxvigil.Day
	shelf *shelf
	stock rxvigil.Stock
	// reading says that the shelf is only looked at, beside others: nothing on it may be written.
	reading bool
}

type finding uint8

const (
	clears finding = iota // it is not so: an open alert resolves
	holds                 // an open alert stays, but none is raised: inside the recovery band
	fires                 // it is so
	unsure                // nobody can tell: an open alert stays as it is, and none is raised
)

// verdict is what a kind found about one subject: the shelf's medicine, or one lot of it.
type verdict struct {
	finding  finding
	rung     string
	severity rxvigil.Severity
	lot      *lot
	// vague says that an input was missing although the finding is certain enough to act on.
	vague bool
	// hidden says that it would be told, if another alert did not say more.
	hidden bool
}

// description is the numbers of an alert. Inputs go into its why.
type description struct {
	values, inputs rxvigil.Facts
	threshold      *rxvigil.Threshold
}

// The types of subjects that stand on shelves.
const (
	subjectMedicine = "medicine"
	subjectLot      = "lot"
)

func (h *hearing) subject(v verdict) rxvigil.Subject {
	m := h.shelf.medicine
	if v.lot == nil {
		return rxvigil.Subject{Type: subjectMedicine, ID: m.id(), Name: m.name()}
	}
	return rxvigil.Subject{Type: subjectLot, ID: v.lot.id(), Name: m.name(), Lot: v.lot.number(), Medicine: m.id()}
}
