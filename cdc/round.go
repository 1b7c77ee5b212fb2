package cdc

import (
	"bytes"
	"math/big"
	"strconv"

	"github.com/rxvigil/rxvigil"
)

// maxRound is how many decimals a number can be rounded to.
const maxRound = 18

// rounded keeps some decimals of a number. A double has more digits than it means, and than we count with.
func rounded(decimals int) convert {
	return func(dst, text []byte) ([]byte, error) { return roundText(dst, bytes.TrimSpace(text), decimals) }
}

// roundText rounds exactly, a half away from zero, and leaves no zeros at the end of the fraction. What we do not count with is
// kept as it is.
func roundText(dst, text []byte, decimals int) ([]byte, error) {
	n, ok := new(big.Rat), false
	if mayBeNumber(text) {
		n, ok = n.SetString(string(text))
	}
	if !ok {
		return append(dst, text...), errBadNumber
	}
	short := n.FloatString(decimals)
	number, err := rxvigil.ParseNumber(short)
	if err != nil {
		return append(dst, text...), errBadNumber
	}
	return append(dst, number.Trim().String()...), nil
}

// mayBeNumber leaves out what is no decimal number, and exponents that no double has: they would take all memory.
func mayBeNumber(text []byte) bool {
	digits, power, _ := bytes.Cut(bytes.ToLower(text), []byte{'e'})
	if len(digits) == 0 || len(digits) > 1000 || len(bytes.Trim(digits, "+-.0123456789")) > 0 {
		return false
	}
	if len(power) == 0 {
		return true
	}
	n, err := strconv.Atoi(string(power))
	return err == nil && n > -400 && n < 400
}
