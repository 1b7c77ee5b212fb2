package propose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// statusTerms are the words that apps use for each canonical status.
func statusTerms(k rxvigil.Kind) map[string]string {
	switch k {
	case rxvigil.KindMedicine:
		return map[string]string{
			"active": "active, enabled, available, actif, activo, ativo, aktif, t, true, 1, y, yes", "inactive": "inactive, disabled, discontinued, suspended, inactif, inactivo, inativo, nonaktif, f, false, 0, n, no",
			"deleted": "deleted, removed, archived, supprime, eliminado, excluido, dihapus",
		}
	case rxvigil.KindSale:
		return map[string]string{
			"draft": "draft, cart, parked, brouillon, borrador, rascunho, konsep, nhap", "pending": "pending, unpaid, processing, in progress, on hold, held, awaiting payment, ordered, confirmed:7, open:6, new:6, allocated:6, partial:6, partially paid, credit:6, en attente, pendiente, pendente, menunggu, cho, active:4",
			"completed":          "completed, complete, paid, done, finished, success, fulfilled, delivered, closed:7, posted, finalized, validated:6, shipped:7, verified:6, picked:6, received:6, paye, termine, pagado, pagada, completado, completada, pago, concluido, concluida, selesai, lunas, hoan thanh, da thanh toan",
			"partially_returned": "partially returned, partial return, partially refunded, partial refund", "returned": "returned, refunded, return, refund, retourne, devuelto, devuelta, devolvido, dikembalikan, tra hang",
			"cancelled": "cancelled, canceled, cancel, annule, annulee, cancelado, cancelada, batal, dibatalkan, huy, da huy, aborted, failed:6, rejected", "void": "void, voided",
		}
	case rxvigil.KindPrescription:
		return map[string]string{
			"pending": "pending, new, draft, open, active:7, submitted, received, waiting, allocated:6, en attente, pendiente, pendente, menunggu, cho", "validated": "validated, verified:6, approved, confirmed, reviewed, ready:7, picked:6, valide, validada, validado, disetujui, da duyet",
			"partial": "partial, partially dispensed, partially fulfilled, partially filled, partially", "dispensed": "dispensed, fulfilled, completed, complete, filled, collected, done, issued:7, delivre, delivree, dispensada, dispensado, diserahkan, selesai, da cap, da phat",
			"cancelled": "cancelled, canceled, cancel, rejected, void, voided, declined, annule, annulee, cancelada, cancelado, rechazada, batal, ditolak, huy, tu choi", "expired": "expired, lapsed, expire, expiree, vencida, kadaluarsa, het han",
		}
	}
	return nil
}

// words translates what a status column says.
func (g *guess) words(e *Entity, f *Field, c *column) {
	line := "fields." + f.Name
	vocabulary := c.vocabulary()
	if c.class == truth {
		vocabulary = []string{"t", "f"}
	}
	if len(vocabulary) == 0 {
		g.ask(e, line, fmt.Sprintf("Nothing says what %s may hold. Which words does the app write, and what do they mean?", c.name))
		return
	}
	var assumed []string
	if len(c.labels) == 0 && c.class != truth {
		assumed = g.unseen(e, vocabulary)
	}
	var unknown, unsure []string
	for _, word := range vocabulary {
		canonical, score := meaningOf(e.Kind, word)
		switch {
		case canonical == "":
			unknown = append(unknown, word)
			continue
		case score < 0.8:
			unsure = append(unsure, word+" as "+canonical)
		}
		f.value.words = append(f.value.words, [2]string{word, canonical})
	}
	for _, word := range assumed {
		canonical, _ := meaningOf(e.Kind, word)
		f.value.words = append(f.value.words, [2]string{word, canonical})
	}
	if len(assumed) > 0 {
		g.ask(e, line, fmt.Sprintf("Only %s was seen in %s. Does the app also write %s?", strings.Join(vocabulary, ", "), c.name, strings.Join(assumed, ", ")))
	}
	var valid []string
	for s := range statusTerms(e.Kind) {
		valid = append(valid, s)
	}
	slices.Sort(valid)
	if len(unknown) > 0 {
		g.ask(e, line, fmt.Sprintf("What does %s mean when %s says it? Until it is translated such rows show as a fault.", strings.Join(unknown, ", "), c.name), valid...)
	}
	if len(unsure) > 0 {
		g.ask(e, line, fmt.Sprintf("Is it right to take %s?", strings.Join(unsure, ", ")), valid...)
	}
	if e.Kind == rxvigil.KindMedicine {
		for _, w := range f.value.words {
			if w[1] == "deleted" {
				e.gone = &predicate{column: c.name, in: []string{w[0]}}
			}
		}
	}
}

// unseen are the canonical words that no row shows yet, written as the app writes those that are there.
func (g *guess) unseen(e *Entity, seen []string) []string {
	var words []string
	taken := map[string]bool{}
	for _, w := range seen {
		canonical, _ := meaningOf(e.Kind, w)
		taken[canonical] = true
	}
	for _, s := range slices.Sorted(maps.Keys(statusTerms(e.Kind))) {
		if taken[s] {
			continue
		}
		if seen[0] == strings.ToUpper(seen[0]) {
			s = strings.ToUpper(s)
		}
		words = append(words, s)
	}
	return words
}

func meaningOf(k rxvigil.Kind, word string) (canonical string, score float64) {
	words := wordsOf(word)
	all := statusTerms(k)
	for s, t := range all {
		if fits := fit(words, terms(t)); fits > score && fits >= 0.4 {
			canonical, score = s, fits
		}
	}
	return canonical, score
}

// sign says which movements add and which take away.
func (g *guess) sign(e *Entity, f *Field, c *column) {
	line := "fields." + f.Name
	kind, _ := bestColumn(e.table, e.Kind, "reason", nil)
	if c.negative && kind == nil {
		return
	}
	if kind == nil || len(kind.vocabulary()) == 0 {
		g.ask(e, line, fmt.Sprintf("Is %s signed: positive where goods come in, negative where they go out?", c.name))
		return
	}
	f.value.sign = kind.name
	var unsure []string
	for _, word := range kind.vocabulary() {
		sign, certain := signOf(word)
		if !certain {
			unsure = append(unsure, fmt.Sprintf("%s as %s", word, sign))
		}
		f.value.signs = append(f.value.signs, [2]string{word, sign})
	}
	if len(kind.labels) == 0 {
		g.ask(e, line, fmt.Sprintf("Only %s was seen in %s. What else does the app write there, and does it add or take away?", strings.Join(kind.vocabulary(), ", "), kind.name))
	}
	if c.negative {
		unsure = append(unsure, "quantities that are negative themselves")
	}
	if len(unsure) > 0 {
		g.ask(e, line, "Is it right to count "+strings.Join(unsure, ", ")+"?", "1", "-1", "0")
	}
}

func signOf(word string) (sign string, certain bool) {
	words := wordsOf(word)
	in := terms("in, receipt, received, receive, purchase, grn, return, returned, customer return, stock in, addition, add, opening, init, initial, restock, transfer in, entree, entrada, compra, masuk, nhap, found")
	out := terms("out, sale, sold, issue, issued, dispense, dispensed, expired, expiry, damage, damaged, loss, lost, waste, wastage, write off, supplier return, stock out, reduction, remove, consumption, transfer out, disposal, sortie, salida, saida, venta, venda, keluar, xuat")
	switch i, o := fit(words, in), fit(words, out); {
	case o > i && o >= 0.8:
		return "-1", true
	case i >= 0.8:
		return "1", true
	}
	return "1", false
}
