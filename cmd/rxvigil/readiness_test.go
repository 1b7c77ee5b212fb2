package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// TestReadyMeansThatNothingOlderIsStillToBeRead: who asks an engine that was killed, as soon as it says that it is ready, is told what the
// app had committed until then.
func TestReadyMeansThatNothingOlderIsStillToBeRead(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	for round := 1; round <= 3; round++ {
		s.kill()
		// A thousand transactions, of which the last is asked for.
		pgtest.Exec(t, dsn, fmt.Sprintf("DO $$ BEGIN FOR i IN 1..1000 LOOP UPDATE inventory SET quantity_on_hand = %d + i WHERE product_id = 1002 AND branch_id = 11; COMMIT; END LOOP; END $$", 5000*round))
		s.start()
		s.ready()
		var page struct {
			Items []struct {
				Lots []struct {
					OnHand float64 `json:"on_hand"`
				}
			}
		}
		if err := json.Unmarshal(s.get("/api/tenant/testpharmacy/stock?medicine=1002&branch=11"), &page); err != nil || len(page.Items) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		for _, lot := range page.Items[0].Lots {
			if want := float64(5000*round + 1000); lot.OnHand != want {
				t.Errorf("round %d: %v on hand, want %v", round, lot.OnHand, want)
			}
		}
	}
}
