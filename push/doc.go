// Package push holds the log and the doors to it: server-sent events, WebSocket, SignalR's hubs, portal B's live monitor, and the
// REST desk.
// It knows no WAL and no rules; what it needs of them it asks through the small interfaces of outside.go.
//
// # One log, many cursors
//
// The engine publishes each source transaction once (Log.Publish). A connection never has a queue: it holds a Cursor, takes
// what is new, writes it in one call, and sleeps until its tenant's lane grows. Below the ring's floor the same cursor reads
// the Archive, so replay and live are one path: nothing is lost, repeated or reordered where they meet.
//
//	Log.Publish ─► ring ─► lane per tenant ◄─ Cursor.Take ◄─ feed ─► wire: SSE, WebSocket, live monitor
//	                 └ evicted: read back from Archive ──┘
//
// A feed (feed.go) is the one loop all transports share: it decides what a connection is told and when; a wire says how that
// is spelled. A new transport is a wire, a handler, and a row in the transport suite. SignalR has one wire (hubwire.go) and a carrier
// for each of its transports: hubsocket.go, hubresume.go, hubstream.go, hubpoll.go.
//
// A Courier (courier.go) is one more reader of the log: it carries alerts to a receiver outside (webhook.go, alertmanager.go), and
// its cursors outlive the process.
//
// # Locks
//
// Log has one lock over its memory, each aggregates cache entry one, the register of connections one, and a WebSocket's
// corked connection one. None is held while another is taken; only the corked connection's is held across I/O, its own.
// A SignalR session's is held while what the client says is carried out; a resumable carrier has one that orders its writes, and
// within it or within the session's, one over its memory.
package push
