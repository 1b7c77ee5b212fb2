package rules

import (
	"fmt"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// The sentences people read, one function a kind. They are made of the alert's own values: no patient is ever among them.

func saysLowStock(a *rxvigil.Alert) string {
	state := "is low"
	switch {
	case a.Status == rxvigil.Resolved:
		state = "is in stock again"
	case a.Rung == rungOut:
		state = "is out of stock"
	}
	text := fmt.Sprintf("%s %s: %s available", a.Subject.Name, state, num(a, "available"))
	if min := a.Values["min"]; min.IsKnown() {
		text += ", reorder level " + min.Text()
	}
	return text
}

func saysNegativeStock(a *rxvigil.Alert) string {
	if a.Status == rxvigil.Resolved {
		return a.Subject.Name + " has possible stock numbers again"
	}
	return fmt.Sprintf("%s has impossible stock numbers: %s", a.Subject.Name, a.Values["lots"].Text())
}

func saysExpiry(a *rxvigil.Alert) string {
	name := a.Subject.Name
	if a.Subject.Lot != "" {
		name += ", lot " + a.Subject.Lot + ","
	}
	if n := a.Values["quantity"].Number(); a.Status == rxvigil.Resolved && n.Known() && n.Sign() <= 0 {
		return name + " is used up: nothing is left that could expire"
	}
	if a.Status == rxvigil.Resolved {
		return fmt.Sprintf("%s is no longer short-dated: %s, %s left", name, saysDate(a), num(a, "quantity"))
	}
	return fmt.Sprintf("%s %s: %s left", name, saysDate(a), num(a, "quantity"))
}

func saysDate(a *rxvigil.Alert) string {
	expires, days := a.Values["expires"], a.Values["days"].Number()
	switch {
	case !expires.IsKnown():
		return "no expiry date is known"
	case !days.Known() && expires.Text() == "infinity":
		return "never expires"
	case !days.Known():
		return "has expired"
	case days.Sign() == 0:
		return "expires today"
	case days.Sign() < 0:
		return fmt.Sprintf("expired %s ago on %s", saysDays(-days.Int64()), expires.Text())
	}
	return fmt.Sprintf("expires in %s on %s", saysDays(days.Int64()), expires.Text())
}

func saysDays(n int64) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

func saysLedger(a *rxvigil.Alert) string {
	if a.Status == rxvigil.Resolved {
		return fmt.Sprintf("%s agrees with its movements again: %s on hand", a.Subject.Name, num(a, "on_hand"))
	}
	return fmt.Sprintf("%s does not agree with its movements: %s on hand, %s by the ledger, drift %s",
		a.Subject.Name, num(a, "on_hand"), num(a, "ledger"), num(a, "drift"))
}

func saysBlind(a *rxvigil.Alert) string {
	if a.Rung == "interval" {
		return fmt.Sprintf("Nothing was seen from %s to %s: %s", orUnknown(a, "from"), orUnknown(a, "to"), orUnknown(a, "reason"))
	}
	table := a.Values["table"].Text()
	place := strings.TrimSuffix(table+"."+a.Values["column"].Text(), ".")
	switch reason, text := a.Values["reason"].Text(), a.Values["text"].Text(); reason {
	case "unknown_status":
		return fmt.Sprintf("%s holds a word that the mapping does not know: %q", place, text)
	case "no_tenant":
		return fmt.Sprintf("A row of %s names no pharmacy that is known%s", table, quoted(text))
	case "no_parent":
		return fmt.Sprintf("A line in %s belongs to no document that is known", table)
	case "bad_number", "bad_day", "bad_time", "bad_truth":
		return fmt.Sprintf("%s holds what is no %s%s", place, strings.TrimPrefix(reason, "bad_"), quoted(text))
	case "forged":
		return "Somebody wrote a message in our name without our signature"
	}
	return fmt.Sprintf("A row of %s could not be read%s", orUnknown(a, "table"), quoted(a.Values["text"].Text()))
}

func quoted(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(": %q", text)
}

func saysGone(a *rxvigil.Alert) string {
	if a.Subject.Lot != "" {
		return fmt.Sprintf("%s, lot %s, is gone", a.Subject.Name, a.Subject.Lot)
	}
	return a.Subject.Name + " is gone"
}

func num(a *rxvigil.Alert, name string) string {
	if v := a.Values[name]; v.IsKnown() {
		return v.Text()
	}
	return "an unknown number"
}

func orUnknown(a *rxvigil.Alert, name string) string {
	if v := a.Values[name]; v.IsKnown() && v.Text() != "" {
		return v.Text()
	}
	return "an unknown place"
}
