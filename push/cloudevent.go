package push

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// format is how a stream spells events.
type format string

const (
	native      format = ""
	cloudEvents format = "cloudevents"
)

func parseFormat(s string) (format, error) {
	switch s {
	case "", "native":
		return native, nil
	case string(cloudEvents):
		return cloudEvents, nil
	}
	return native, fmt.Errorf("format %.40q is none of native, cloudevents", s)
}

// spelled is the i-th event in a format.
func (b *batch) spelled(i int, f format) []byte {
	if f == cloudEvents {
		return b.clouds()[i]
	}
	return b.events[i].JSON
}

// clouds gives the events as CloudEvents, made once.
func (b *batch) clouds() [][]byte {
	f := b.made()
	f.cloudOnce.Do(func() {
		f.cloudEvents = make([][]byte, len(b.events))
		for i, e := range b.events {
			f.cloudEvents[i] = cloudEvent(e)
		}
	})
	return f.cloudEvents
}

// cloudEvent is an event as CloudEvents 1.0 has it, in JSON's structured mode. What it has no attribute for are extensions: topic, branch
// (of the tenant as a whole: none), xid, and last.
func cloudEvent(e *Event) []byte {
	_, data, _ := bytes.Cut(e.JSON, dataMark)
	text := func(b []byte, name, value string) []byte {
		b = append(append(append(b, ',', '"'), name...), `":`...)
		return append(b, mustJSON(value)...)
	}
	b := append([]byte(`{"specversion":"1.0","id":"`), e.Pos.String()...)
	b = append(b, '"')
	b = text(b, "source", "/api/tenant/"+url.PathEscape(string(e.Tenant)))
	b = text(b, "type", string(e.Type))
	b = text(b, "time", e.At.UTC().Format(time.RFC3339Nano))
	b = text(b, "topic", string(e.Topic))
	if e.Branch != "" {
		b = text(b, "branch", string(e.Branch))
	}
	if xid := between(e.JSON, `,"xid":"`, '"'); xid != "" {
		b = text(b, "xid", xid)
	}
	if e.Last {
		b = append(append(b, `,"last":`...), strconv.FormatBool(e.Last)...)
	}
	b = append(b, `,"datacontenttype":"application/json","data":`...)
	return append(b, data...) // with the brace that ends the envelope
}

// between is what stands in an envelope behind a mark, up to an end; nothing where the mark is not before the data.
func between(envelope []byte, mark string, end byte) string {
	head, _, _ := bytes.Cut(envelope, dataMark)
	_, rest, ok := bytes.Cut(head, []byte(mark))
	if i := bytes.IndexByte(rest, end); ok && i >= 0 {
		return string(rest[:i])
	}
	return ""
}
