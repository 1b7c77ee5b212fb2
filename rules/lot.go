package rules

import (
	"cmp"
	"encoding/hex"

	"github.com/rxvigil/rxvigil"
)

type lotFlags uint8

const (
	lotHeld lotFlags = 1 << iota
	lotDated
	lotReservedUnknown
)

// lot is kept small, of one line of a processor's cache: there may be a million.
type lot struct {
	shelf          *shelf
	text           string // its key, then its number
	onHand         rxvigil.Number
	reserved, cost *rxvigil.Number // shared by all lots of that amount; nil: nobody knows
	expires        rxvigil.Day
	keyLen         uint16
	flags          lotFlags
	quiet          bool // no alert is open on it; false: there may be one
}

// label names the lot.
func (l *lot) label(id, number string) {
	if packed, ok := packUUID(id); ok {
		l.text, l.keyLen = string(packed[:])+number, packedUUID
		return
	}
	l.text, l.keyLen = joined(id, number)
}

// key is the lot's id as an index knows it.
func (l *lot) key() string { return l.text[:l.keyLen] }

func (l *lot) id() string {
	if l.packed() {
		var room [len(uuidForm)]byte
		return string(l.appendID(room[:0]))
	}
	return l.key()
}

func (l *lot) packed() bool {
	key := l.key()
	return len(key) == packedUUID && key[0] == uuidMark
}

func (l *lot) appendID(b []byte) []byte {
	if l.packed() {
		return appendUUID(b, l.key())
	}
	return append(b, l.key()...)
}

// number is the lot's own, by which people know it; it may have none.
func (l *lot) number() string { return l.text[l.keyLen:] }

func (l *lot) name() string { return cmp.Or(l.number(), l.id()) }

// lot is the lot with an id, or nil.
func (t *tenant) lot(id string) *lot {
	if packed, ok := packUUID(id); ok {
		return t.lots.get(string(packed[:]))
	}
	return t.lots.get(id)
}

// A UUID as Postgres prints it, of 36 characters, is kept as a mark and its 16 bytes. No text in UTF-8 begins with the mark.
const (
	uuidMark   = 0xFF
	packedUUID = 1 + 16
	uuidForm   = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
)

// packUUID gives false for what is no UUID, or is printed in another way: it has to come back as it was.
func packUUID(id string) (packed [packedUUID]byte, ok bool) {
	if len(id) != len(uuidForm) || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return packed, false
	}
	var digits [32]byte
	copy(digits[:8], id)
	copy(digits[8:12], id[9:])
	copy(digits[12:16], id[14:])
	copy(digits[16:20], id[19:])
	copy(digits[20:], id[24:])
	for _, d := range digits {
		if 'A' <= d && d <= 'F' {
			return packed, false
		}
	}
	packed[0] = uuidMark
	_, err := hex.Decode(packed[1:], digits[:])
	return packed, err == nil
}

func appendUUID(b []byte, packed string) []byte {
	const digits = "0123456789abcdef"
	for i := 1; i < packedUUID; i++ {
		b = append(b, digits[packed[i]>>4], digits[packed[i]&15])
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
	}
	return b
}
