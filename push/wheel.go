package push

import (
	"sync"
	"time"
)

// spokes is how many times in a period the wheel turns on: so finely are heartbeats spread.
const spokes = 40

// wheel tells many connections when their heartbeat is due, each once in a period, with one timer for all. Who joins is told first after
// nearly a whole period. It stands still while nobody is on it. Its zero value, given a period, is ready.
type wheel struct {
	every time.Duration

	mu    sync.Mutex // guards what follows
	seats [spokes]bell
	at    int // the seat that was told last
	taken int // connections on the wheel
	timer *time.Timer
}

// ride is a connection's place on a wheel.
type ride struct {
	wheel *wheel
	seat  int
	due   <-chan struct{} // closed when a heartbeat is due
}

// join takes a seat, which must be left.
func (w *wheel) join() ride {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken++; w.timer == nil {
		for i := range w.seats {
			w.seats[i] = newBell()
		}
		w.timer = time.AfterFunc(w.every/spokes, w.turn)
	} else if w.taken == 1 {
		w.timer.Reset(w.every / spokes)
	}
	return ride{w, w.at, w.seats[w.at].wait()}
}

// turn tells the next seat.
func (w *wheel) turn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken == 0 {
		return
	}
	w.at = (w.at + 1) % spokes
	w.seats[w.at].ring()
	w.timer.Reset(w.every / spokes)
}

// again waits for the next heartbeat.
func (r *ride) again() {
	r.wheel.mu.Lock()
	defer r.wheel.mu.Unlock()
	r.due = r.wheel.seats[r.seat].wait()
}

func (r *ride) leave() {
	r.wheel.mu.Lock()
	defer r.wheel.mu.Unlock()
	if r.wheel.taken--; r.wheel.taken == 0 {
		r.wheel.timer.Stop()
	}
}
