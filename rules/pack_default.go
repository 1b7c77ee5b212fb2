package rules

import "github.com/rxvigil/rxvigil"

// DefaultPack is the pack of who asks for none: packs/default.yaml.
func DefaultPack() Pack {
	p, err := NamedPack("default")
	if err != nil { // it is part of the program
		panic(err)
	}
	return p
}

// ExpiryTiers are the tiers of the pack's expiry rule; none when it has no such rule.
func (p *Pack) ExpiryTiers() []Tier {
	for _, r := range p.Rules {
		if e, ok := r.Params.(Expiry); ok && !r.Off {
			return e.Tiers
		}
	}
	return nil
}

// number reads a constant.
func number(text string) rxvigil.Number {
	n, err := rxvigil.ParseNumber(text)
	if err != nil {
		panic(err)
	}
	return n
}
