package signalr

import (
	"encoding/json"
	"strconv"
)

// AppendInvocation appends a call of a client's target that wants no answer. Arguments are JSON. There is no invocationId, not even
// an empty one: the client would drop the connection over it.
func AppendInvocation(b []byte, target string, arguments ...[]byte) []byte {
	b = append(b, `{"type":1,"target":`...)
	b = appendText(b, target)
	b = append(b, `,"arguments":[`...)
	for i, a := range arguments {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, a...)
	}
	return append(b, ']', '}', Separator)
}

// AppendResult appends the answer to an invocation: JSON, or nothing for one that gives nothing.
func AppendResult(b []byte, invocation string, result []byte) []byte {
	b = appendCompletion(b, invocation)
	if len(result) > 0 {
		b = append(b, `,"result":`...)
		b = append(b, result...)
	}
	return append(b, '}', Separator)
}

// AppendFailure appends the answer to an invocation that failed, and why.
func AppendFailure(b []byte, invocation, reason string) []byte {
	b = appendCompletion(b, invocation)
	b = append(b, `,"error":`...)
	b = appendText(b, reason)
	return append(b, '}', Separator)
}

func appendCompletion(b []byte, invocation string) []byte {
	b = append(b, `{"type":3,"invocationId":`...)
	return appendText(b, invocation)
}

// AppendPing appends a sign of life.
func AppendPing(b []byte) []byte { return append(b, `{"type":6}`+"\x1e"...) }

// AppendClose appends the end of a connection. Only with reconnect does a client that reconnects by itself do so.
func AppendClose(b []byte, reason string, reconnect bool) []byte {
	b = append(b, `{"type":7`...)
	if reason != "" {
		b = append(b, `,"error":`...)
		b = appendText(b, reason)
	}
	if reconnect {
		b = append(b, `,"allowReconnect":true`...)
	}
	return append(b, '}', Separator)
}

// AppendAck appends that every counted message up to this one has been received.
func AppendAck(b []byte, received int64) []byte { return appendNumbered(b, Ack, received) }

// AppendSequence appends what begins a resumed connection: the number of the counted message that comes next. That is the first
// one not acknowledged, for it is sent again. The specification's "next id to send" makes the client give up.
func AppendSequence(b []byte, next int64) []byte { return appendNumbered(b, Sequence, next) }

func appendNumbered(b []byte, t Type, n int64) []byte {
	b = append(b, `{"type":`...)
	b = strconv.AppendInt(b, int64(t), 10)
	b = append(b, `,"sequenceId":`...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, '}', Separator)
}

// appendText appends a JSON string. Marshalling a string cannot fail: what is not UTF-8 is replaced.
func appendText(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return append(b, text...)
}
