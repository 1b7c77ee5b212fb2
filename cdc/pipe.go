package cdc

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pipe carries raw messages from the receiver to the engine goroutine. It holds at most limit bytes and one message more:
// when it is full the receiver stops reading, and the server waits. The engine takes everything there is at once, so one
// lock serves thousands of rows.
type pipe struct {
	limit int
	seen  *atomic.Uint64 // how far the server has read without finding more for us, once all before that is worked on; nil: nobody asks
	space chan struct{}  // signalled when the engine took something
	data  chan struct{}  // signalled when there is something to take

	mu   sync.Mutex
	buf  []byte
	mark uint64 // how far the server has read
	idle bool   // the engine waits: everything that it took is worked on
	err  error
	over bool
}

func newPipe(limit int) *pipe {
	return &pipe{limit: limit, space: make(chan struct{}, 1), data: make(chan struct{}, 1)}
}

// put appends a message; false when the pipe is full and the message was not taken.
func (p *pipe) put(message []byte) bool {
	p.mu.Lock()
	if len(p.buf) >= p.limit {
		p.mu.Unlock()
		return false
	}
	wasEmpty := len(p.buf) == 0
	if need := len(p.buf) + 4 + len(message); need > cap(p.buf) {
		p.buf = slices.Grow(p.buf, max(need, 2*cap(p.buf))-len(p.buf)) // append would grow it in small steps
	}
	p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(len(message)))
	p.buf = append(p.buf, message...)
	p.mu.Unlock()
	if wasEmpty {
		signal(p.data)
	}
	return true
}

// read says that the server has read so far, and that what it found for us was put before.
func (p *pipe) read(lsn uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mark = lsn
	p.see()
}

// see tells how far the stream is worked on, where all that came is. The caller holds mu.
func (p *pipe) see() {
	if p.seen != nil && p.idle && len(p.buf) == 0 {
		p.seen.Store(p.mark)
	}
}

// close ends the pipe: what is in it can still be taken, then take gives err.
func (p *pipe) close(err error) {
	p.mu.Lock()
	if !p.over {
		p.err, p.over = err, true
	}
	p.mu.Unlock()
	signal(p.data)
}

// take gives everything there is, waiting for something; spare is the buffer of the take before, to be used again.
func (p *pipe) take(ctx context.Context, spare []byte) ([]byte, error) {
	for {
		p.mu.Lock()
		if len(p.buf) > 0 {
			got := p.buf
			p.buf, p.idle = spare[:0], false
			p.mu.Unlock()
			signal(p.space)
			return got, nil
		}
		p.idle = true
		p.see()
		err, over := p.err, p.over
		p.mu.Unlock()
		if over {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.data:
		}
	}
}

// empty tells whether nothing waits.
func (p *pipe) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.buf) == 0
}

// filled waits for something to take, but not for long; it gives false when nothing came.
func (p *pipe) filled(patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for p.empty() {
		p.mu.Lock()
		over := p.over
		p.mu.Unlock()
		if over {
			return false
		}
		select {
		case <-p.data:
		case <-timer.C:
			return !p.empty()
		}
	}
	return true
}

// nextMessage splits the first message off a taken buffer.
func nextMessage(b []byte) (message, rest []byte) {
	n := binary.LittleEndian.Uint32(b)
	return b[4 : 4+n], b[4+n:]
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
