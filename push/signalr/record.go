package signalr

import (
	"bytes"
	"errors"
)

// Separator ends every record: several may travel in one WebSocket message, event or body.
const Separator = 0x1e

// ErrIncomplete says that a payload does not end with a whole record. Clients never split one, so there is nothing to wait for.
var ErrIncomplete = errors.New("a record is incomplete")

// Records calls each with the records of a payload, without their separators, until one fails.
func Records(payload []byte, each func(record []byte) error) error {
	for len(payload) > 0 {
		record, rest, whole := bytes.Cut(payload, []byte{Separator})
		if !whole {
			return ErrIncomplete
		}
		if err := each(record); err != nil {
			return err
		}
		payload = rest
	}
	return nil
}
