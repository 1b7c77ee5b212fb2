package cdc

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// What is gathered is what was sent, whatever the sizes of writes and reads, and so is the end.
func TestGatheringChangesNoByte(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		draw := rand.New(rand.NewPCG(1, 2))
		sent := make([]byte, 3*gatherBytes)
		for i := range sent {
			sent[i] = byte(draw.Uint32())
		}
		go func() {
			for rest := sent; len(rest) > 0; {
				n := min(len(rest), 1+draw.IntN(4000))
				_, _ = there.Write(rest[:n])
				rest = rest[n:]
				if draw.IntN(50) == 0 {
					time.Sleep(time.Second)
				}
			}
			_ = there.Close()
		}()
		g := newGathering(here)
		var got []byte
		for p := make([]byte, 9000); ; {
			n, err := g.Read(p[:1+len(got)%len(p)])
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, sent) {
			t.Errorf("%d bytes came of %d, or others", len(got), len(sent))
		}
	})
}

// A single message is never waited for; only a row of hasty ones is, and no longer than they go on.
func TestGatheringWaitsOnlyUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer func() { _ = there.Close() }()
		g := newGathering(here)
		read := func(pause time.Duration) (took time.Duration) {
			began := time.Now()
			go func() {
				time.Sleep(pause)
				_, _ = there.Write(make([]byte, 100))
			}()
			if _, err := io.ReadFull(g, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		for i := range 100 {
			if took := read(time.Millisecond); took != time.Millisecond {
				t.Fatalf("message %d of a calm stream took %s", i, took)
			}
		}
		waited := 0
		for range 2 * gatherAfter {
			if read(0) == gatherPause {
				waited++
			}
		}
		if waited != 1 { // which showed that waiting brings no more
			t.Errorf("%d reads waited", waited)
		}
		if took := read(time.Millisecond); took != time.Millisecond {
			t.Errorf("after the load a message took %s", took)
		}
	})
}
