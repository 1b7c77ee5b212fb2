package rxvigil

import (
	"encoding/json"
	"strings"
	"testing"
)

// texts that JSON escapes somewhere, and some that it does not.
func texts() []string {
	var all []string
	for _, odd := range []string{"", `"`, `\`, "\n", "\x00", "\x1f", "\x7f", " ", "é", "ቡና", "\u2028", "\xff", "~"} {
		for before := range 18 {
			all = append(all, strings.Repeat("a", before)+odd+strings.Repeat("z", 17-before))
		}
	}
	return all
}

// saysTheSame fails where a text is not read back as it was, or breaks a line.
func saysTheSame(t *testing.T, text string) {
	t.Helper()
	b := appendString(nil, text)
	var back string
	if err := json.Unmarshal(b, &back); err != nil || back != strings.ToValidUTF8(text, "\ufffd") && back != string([]rune(text)) {
		t.Errorf("%q becomes %s, read back as %q (%v)", text, b, back, err)
	}
	if strings.ContainsAny(string(b), "\n\r\u2028\u2029") {
		t.Errorf("%q becomes %q, which breaks a line", text, b)
	}
}

func TestATextIsReadBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, text := range texts() {
		saysTheSame(t, text)
	}
}

func FuzzText(f *testing.F) {
	for _, text := range texts() {
		f.Add(text)
	}
	f.Fuzz(saysTheSame)
}
