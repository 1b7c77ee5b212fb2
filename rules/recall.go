package rules

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rxvigil/rxvigil"
)

// Recall are the parameters of recall: it has none.
type Recall struct{}

// Kind is recall.
func (Recall) Kind() string { return "recall" }

func (Recall) validate() error { return nil }

// RecalledDispense are the parameters of recalled_dispense: it has none.
type RecalledDispense struct{}

// Kind is recalled_dispense.
func (RecalledDispense) Kind() string { return "recalled_dispense" }

func (RecalledDispense) validate() error { return nil }

// recalled is a lot number that was called back.
type recalled struct {
	number, medicine, reason string // number: normalised
}

// lotNumber normalises the number of a lot, for people write it in many ways: letters in upper case and digits, nothing else.
func lotNumber(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, text)
}

// recall keeps the list of recalls, and has every shelf judged that the change may be about.
func (f *folding) recall(c *rxvigil.Change) {
	t := f.book.tenant(c.Record().Tenant)
	was := t.recalls[c.Record().ID]
	now := recalled{}
	if r := c.After; r != nil && !r.Gone {
		now = recalled{cloned(lotNumber(r.Text(rxvigil.RecallNumber))), cloned(r.Text(rxvigil.RecallMedicine)), cloned(r.Text(rxvigil.RecallReason))}
	}
	t.eachShelf(func(s *shelf) {
		for _, l := range s.lots {
			if was.covers(l) || now.covers(l) {
				f.touch(s, c.Row)
			}
		}
	})
	if now.number == "" {
		delete(t.recalls, c.Record().ID)
		return
	}
	if t.recalls == nil {
		t.recalls = map[string]recalled{}
	}
	t.recalls[cloned(c.Record().ID)] = now
}

func (r recalled) covers(l *lot) bool {
	return r.number != "" && (r.medicine == "" || r.medicine == l.shelf.medicine.id()) && r.number == lotNumber(l.number())
}

// recallOf is why a lot was called back; false when it was not. Where several recalls are of it, the first by its reason.
func (t *tenant) recallOf(l *lot) (reason string, ok bool) {
	for _, r := range t.recalls {
		if r.covers(l) && (!ok || r.reason < reason) {
			reason, ok = r.reason, true
		}
	}
	return reason, ok
}

// judgeRecall finds lots that were called back and still stand on the shelf.
func judgeRecall(dst []verdict, h *hearing) []verdict {
	t := h.shelf.medicine.tenant
	if len(t.recalls) == 0 && h.shelf.quiet {
		return dst
	}
	for _, l := range h.shelf.lots {
		v := verdict{lot: l, rung: "recalled", severity: rxvigil.Critical}
		if len(t.recalls) > 0 {
			if _, back := t.recallOf(l); back && (!l.onHand.Known() || l.onHand.Sign() > 0) {
				v.finding = fires
			}
		}
		dst = append(dst, v)
	}
	return dst
}

func describeRecall(h *hearing, v verdict) description {
	reason, _ := h.shelf.medicine.tenant.recallOf(v.lot)
	values := rxvigil.FactsOf(named("quantity", rxvigil.NumberValue(v.lot.onHand)), named("why", rxvigil.TextOf(reason)))
	if b := h.shelf.medicine.tenant.book.boughtOf(v.lot); b != nil {
		values.Set("sold", rxvigil.NumberValue(b.sold))
		values.Set("patients", rxvigil.TextOf(b.names()))
	}
	return description{values: values, inputs: values}
}

// bought is what was sold of a lot that was called back, and who has it: by id.
type bought struct {
	sold     rxvigil.Number
	patients []string
}

func (b *bought) add(n rxvigil.Number, patient string) {
	b.sold = b.sold.Add(n).Trim()
	if patient != "" && !slices.Contains(b.patients, patient) {
		b.patients = append(b.patients, patient)
		slices.Sort(b.patients)
	}
}

// recount takes a sale into what was sold of lots that were called back, or out of it.
func (b *book) recount(s *saleChange) {
	for i := range s.lines {
		l := &s.lines[i]
		sold := b.bought[l.lot]
		switch {
		case l.lot == nil || sold == nil:
		case s.sold && !s.wasSold:
			sold.add(l.quantity, s.patient)
		case s.cancelled && s.wasSold:
			sold.add(l.quantity.Neg(), "")
		}
	}
}

// mostPatients is how many patients an alert names.
const mostPatients = 100

func (b *bought) names() string {
	if n := len(b.patients) - mostPatients; n > 0 {
		return strings.Join(b.patients[:mostPatients], ", ") + " +" + strconv.Itoa(n)
	}
	return strings.Join(b.patients, ", ")
}

// boughtOf is asked for once of each lot; nil where nobody can say.
func (b *book) boughtOf(l *lot) *bought {
	if b.sold == nil {
		return nil
	}
	if b.bought[l] == nil {
		sold, patients := b.sold(l.shelf.medicine.tenant.id, l.id())
		slices.Sort(patients)
		b.bought[l] = &bought{sold, slices.Compact(patients)}
	}
	return b.bought[l]
}

// reportRecalled finds sales of lots that were called back: each is told, whatever was told before.
func reportRecalled(e *Engine, r *rule, s *saleChange) {
	if !s.sold || s.wasSold || len(s.tenant.recalls) == 0 {
		return
	}
	for i := range s.lines {
		l := &s.lines[i]
		if l.lot == nil {
			continue
		}
		if reason, back := s.tenant.recallOf(l.lot); back {
			values := s.facts(l)
			values.Set("why", rxvigil.TextOf(reason))
			values.Set("patient", rxvigil.TextOf(s.patient))
			e.report(r, s.tenant, incident{branch: s.branch.id, subject: s.subject(l), rung: "recalled", severity: rxvigil.Critical, values: values})
		}
	}
}
