package rxvigil_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

func TestEveryDateReadsAsTheLibraryReadsIt(t *testing.T) {
	t.Parallel()
	texts := []string{"", "2026-1-01", "2026-01-1x", "+026-01-01", "20 6-01-01", "2026/01/01", "2026-01-01 ", "٢026-01-01", "0000-01-01"}
	for _, year := range []int{1, 4, 100, 1600, 1899, 1900, 1970, 2000, 2026, 2028, 2100, 9999} {
		for month := range 14 {
			for day := range 33 {
				texts = append(texts, fmt.Sprintf("%04d-%02d-%02d", year, month, day))
			}
		}
	}
	for _, text := range texts {
		want, err := time.Parse(time.DateOnly, text)
		if want.Year() < 1 && err == nil {
			err = errors.New("there is no year 0")
		}
		got, gotErr := rxvigil.ParseDay(text)
		if (err == nil) != (gotErr == nil) || err == nil && got != rxvigil.DateOf(want.Date()) {
			t.Errorf("%q is %v, %v; the library says %v, %v", text, got, gotErr, want, err)
		}
	}
}

func FuzzParseDay(f *testing.F) {
	for _, text := range []string{"2026-02-28", "2024-02-29", "2026-02-30", "0001-01-01", "9999-12-31", "0000-01-01", "10000-01-01", "infinity", "-infinity", "0044-03-15 BC", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if day, err := rxvigil.ParseDay(text); err == nil && day.String() != text {
			t.Errorf("%q reads as %s", text, day)
		}
	})
}
