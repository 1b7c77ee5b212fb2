package signalr

import (
	"encoding/json"
	"errors"
	"fmt"
)

// handshake is a client's first record.
type handshake struct {
	Protocol *string `json:"protocol"`
	Version  *int    `json:"version"`
}

// CheckHandshake tells whether we can speak what a client asks for in its first record; the error is what it is to be told.
// Version 2 differs from 1 in the messages of stateful reconnect alone: the client asks for it when that was negotiated, although
// the specification says that it is always 1.
func CheckHandshake(record []byte) error {
	var h handshake
	if json.Unmarshal(record, &h) != nil || h.Protocol == nil || h.Version == nil {
		return errors.New("the first message is not a handshake")
	}
	if *h.Protocol != "json" {
		return fmt.Errorf("the protocol %.20q is not supported: use json", *h.Protocol)
	}
	if *h.Version < 1 || *h.Version > 2 {
		return fmt.Errorf("version %d of the protocol is not supported", *h.Version)
	}
	return nil
}

// AppendHandshake appends the answer to a handshake; a non-empty reason refuses it. The answer has no type: one that had
// would be taken for a message.
func AppendHandshake(b []byte, reason string) []byte {
	if reason == "" {
		return append(b, '{', '}', Separator)
	}
	b = append(b, `{"error":`...)
	b = appendText(b, reason)
	return append(b, '}', Separator)
}
