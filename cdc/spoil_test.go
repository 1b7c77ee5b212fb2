package cdc

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// spoiled gives the URL of a wire to a server that changes what the server says: every message, by its type and body, in
// place.
func spoiled(t testing.TB, dsn string, spoil func(kind byte, body []byte)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	must(t, err)
	server := u.Host
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var wires sync.WaitGroup
	wires.Go(func() { // ends with the listener
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			wires.Go(func() { passOn(client, server, spoil) }) // ends with one of its ends
		}
	})
	t.Cleanup(func() { _ = ln.Close(); wires.Wait() })
	u.Host = ln.Addr().String()
	u.RawQuery = "sslmode=disable" // what is encrypted cannot be spoiled
	return u.String()
}

// passOn connects a client and a server until one of them goes.
func passOn(client net.Conn, server string, spoil func(kind byte, body []byte)) {
	defer func() { _ = client.Close() }()
	conn, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	asking := make(chan struct{})
	go func() { // ends with the client, before passOn returns
		defer close(asking)
		_, _ = io.Copy(conn, client)
		_ = conn.Close()
	}()
	for passMessage(client, conn, spoil) == nil {
	}
	_ = client.Close()
	<-asking
}

// passMessage hands one message of the server on: its type, a length that counts itself, and a body.
func passMessage(client io.Writer, server io.Reader, spoil func(kind byte, body []byte)) error {
	head := make([]byte, 5)
	if _, err := io.ReadFull(server, head); err != nil {
		return err
	}
	message := append(head, make([]byte, binary.BigEndian.Uint32(head[1:])-4)...)
	if _, err := io.ReadFull(server, message[5:]); err != nil {
		return err
	}
	spoil(message[0], message[5:])
	_, err := client.Write(message)
	return err
}

// spoilRow makes a row that holds a word unreadable: its first column comes in a state that does not exist.
func spoilRow(word string) func(kind byte, body []byte) {
	return func(kind byte, body []byte) {
		const row, state = 25, 25 + 8 // behind the head of XLogData; behind relation, tag and number of columns
		if kind == 'd' && len(body) > state && body[0] == 'w' && strings.ContainsRune("IU", rune(body[row])) && strings.Contains(string(body), word) {
			body[state] = '?'
		}
	}
}

// spoiledShop is a stocked shop that is read over a wire on which rows with a word become unreadable.
func spoiledShop(t *testing.T, word string) *shop {
	t.Helper()
	dsn := pgtest.Database(t)
	wire := spoiled(t, dsn, spoilRow(word)) // before the reader, because it waits for the reader to go
	s := openAt(t, dsn, shopSchema+stocked, shopMapping)
	s.cfg.DSN = wire
	s.boot()
	return s
}

func TestARowThatCannotBeReadIsAFaultAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	s := spoiledShop(t, "shattered")
	txs := s.retold(`BEGIN; UPDATE lots SET packs = 7; INSERT INTO lots VALUES (12, 't1', 'shattered', 1); UPDATE medicines SET level = 9 WHERE id = 1; COMMIT`,
		"UPDATE lots SET packs = 6 WHERE id = 11")
	if len(txs) != 2 || txs[0].Rows != 3 || len(txs[0].Faults) != 1 || txs[0].Faults[0].Reason != "unreadable" || len(txs[1].Faults) != 0 {
		t.Fatalf("told\n%s", all(txs))
	}
	for _, tx := range txs {
		tx.Faults = nil
	}
	want(t, "the rest", all(txs), `
		~ lot 11 [t1/b1] on_hand=80>70 reserved=5>4
		~ medicine 1 [t1/] reorder_level=10>9
		~ lot 11 [t1/b1] on_hand=70>60 reserved=4>3`)
	if m := s.sink.look(); len(m.lost) > 0 || !s.says("row_unreadable", "row of public.lots: column state '?'") {
		t.Errorf("lost %v; it said\n%s", m.lost, s.said)
	}
}

func TestTheTableOfAnUnreadableRowIsNamedAndItsMappingDegraded(t *testing.T) {
	t.Parallel()
	s := spoiledShop(t, "shattered")
	want(t, "a row that cannot be read", s.tells("INSERT INTO lots VALUES (12, 't1', 'shattered', 1)"), `! unreadable of lot public.lots. "column state '?'" []`)
	if !s.says("mapping_degraded", "lot from public.lots") {
		t.Errorf("it said\n%s", s.said)
	}
}

func TestTheErrorOfARowNamesItsRelation(t *testing.T) {
	t.Parallel()
	var d Decoder
	_, err := d.Decode(relation7())
	must(t, err)
	for what, m := range map[string][]byte{
		"a wrong state":   wire('I', uint32(7), 'N', uint16(2), text("a"), '?'),
		"a torn row":      wire('I', uint32(7), 'N', uint16(2), text("a")),
		"too many bytes":  wire('D', uint32(7), 'K', uint16(2), text("a"), 'n', 'n'),
		"a missing tuple": wire('U', uint32(7)),
	} {
		var row *rowError
		if _, err := d.Decode(m); !errors.As(err, &row) || row.relation.Name != "lots" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, m := range map[string][]byte{"an unknown relation": wire('I', uint32(8), 'N'), "a torn relation": relation7()[:9], "a commit": {'C'}} {
		var row *rowError
		if _, err := d.Decode(m); err == nil || errors.As(err, &row) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
