package push

import "sync"

// buffers are what frames are gathered in. They go back with each write: an idle connection holds none.
//
//nolint:gochecknoglobals // a pool must be one
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// release gives a buffer back, unless a giant transaction has swollen it.
func release(b *[]byte) {
	if cap(*b) <= 4*writeBytes {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}
