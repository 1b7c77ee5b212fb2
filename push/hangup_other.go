//go:build !linux

package push

import (
	"context"
	"net"
)

// hangups tells who has hung up: a goroutine for each.
type hangups struct{}

func (*hangups) watch(conn net.Conn) (context.Context, context.CancelFunc) {
	return untilHangUp(conn)
}
