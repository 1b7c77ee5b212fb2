package cdc

import "testing"

// BenchmarkRow decodes one row off the wire and makes the image of a lot from another: what every row costs before it is
// compared with what was known. It must allocate nothing.
func BenchmarkRow(b *testing.B) {
	var d Decoder
	var message []byte
	for _, m := range recorded(b, "shop") {
		_, err := d.Decode(m)
		must(b, err)
		if m[0] == 'U' {
			message = m
		}
	}
	s, p := lotSource(b)
	cols := row(s, p, map[string]string{"id": "1", "tenant": "t1", "branch": "b1", "medicine": "7", "number": "L-1", "expires": "2027-01-31", "on_hand": "3", "size": "4", "reserved": "1.50", "deleted": "t"})
	image := p.encode(nil, cols, nil, nil)
	buf, key := make([]byte, 0, 2*len(image)), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(message); err != nil {
			b.Fatal(err)
		}
		key, _ = p.appendKey(imageKey(key[:0], s), cols)
		buf = p.encode(buf[:0], cols, image, nil)
	}
}
