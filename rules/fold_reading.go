package rules

import "github.com/rxvigil/rxvigil"

// reading takes what a thermometer said, or what the app says of it. Of the readings that a boot finds, which are history, only the
// breaches that are not over are kept.
func (f *folding) reading(c *rxvigil.Change) {
	t := f.book.tenant(c.Record().Tenant)
	if f.read != nil {
		f.read(t, c)
		return
	}
	if !isBreach(c) {
		return
	}
	b, over := newBreach(c)
	if old := t.matters[b.key()]; old != nil {
		t.remove(old)
	}
	if !over {
		t.place(b)
	}
}

func isBreach(c *rxvigil.Change) bool { return c.Record().Text(rxvigil.ReadingBreach) != "" }
