package rules

import "github.com/rxvigil/rxvigil"

// kind is one kind of alert. Both functions are pure: they read the hearing and nothing else.
type kind struct {
	rule string
	// judge appends a verdict for every subject of the kind on the shelf.
	judge func(dst []verdict, h *hearing) []verdict
	// describe gives the numbers behind a verdict; it is called only when somebody will read them.
	describe func(h *hearing, v verdict) description
	// retell names the value whose change is told although neither rung nor severity moved.
	retell string
	// sentence says it to a person.
	sentence func(a *rxvigil.Alert) string
	// lasting kinds are of events: they end by acknowledgement and are never judged again.
	lasting bool
}

// kinds is the table of all kinds. A new kind is a file of its own and one line here; at most eight are judged by shelf.
func kinds() []kind {
	return []kind{
		{rule: "low_stock", judge: judgeLowStock, describe: describeLowStock, sentence: saysLowStock},
		{rule: "negative_stock", judge: judgeNegativeStock, describe: describeNegativeStock, sentence: saysNegativeStock},
		{rule: "expiry", judge: judgeExpiry, describe: describeExpiry, sentence: saysExpiry},
		{rule: "ledger_mismatch", judge: judgeLedger, describe: describeLedger, sentence: saysLedger, retell: "drift"},
		{rule: ruleBlind, sentence: saysBlind, lasting: true},
	}
}

// hearing is one shelf on one day, with the parameters to judge it by.
type hearing struct {
	pack  *Pack
	today rxvigil.Day
	shelf *shelf
	stock rxvigil.Stock
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
		return rxvigil.Subject{Type: subjectMedicine, ID: m.id, Name: m.name}
	}
	return rxvigil.Subject{Type: subjectLot, ID: v.lot.id, Name: m.name, Lot: v.lot.number, Medicine: m.id}
}
