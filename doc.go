// Package rxvigil holds the few nouns that two rooms share: positions, records, events, alerts. It knows nothing else.
//
// rxvigil reads the changes a pharmacy app commits to its own Postgres, keeps alerts about stock and expiry true, and
// pushes both to browsers. The life of a change, and the room of each step:
//
//	walsender ─► cdc receiver ─pipe─► cdc engine: decode, map ─► rules: fold, judge at commit ─► rules/pgstore: alerts
//	                                                          └► state: images, log, position ─► push: log ─► SSE, WebSocket
//
// # The map of the house
//
//   - cdc turns rows into records, changes and events. It knows Postgres and no rules. The stream is parsed in
//     cdc/decode.go, a table's mapping is compiled in cdc/plan.go, the words of a mapping file live in cdc/mapping.go,
//     cdc/net.go makes one change a record of a transaction's rows (cdc/spill.go where they do not fit in memory),
//     cdc/newest.go finds the row that counts where an entity has several,
//     cdc/boot.go reads the tables when there is nothing to resume from, cdc/reread.go a single one while the stream goes
//     on, and cdc/prepare.go with cdc/slot.go decides which it is to be.
//     cdc/propose guesses the mapping of a database that it has never seen.
//   - rules folds changes into features (rules/book.go) and judges them (one file a kind: rules/low_stock.go …). It knows
//     no Postgres and no HTTP. rules/pgstore keeps alerts in Postgres; rules/rulestest is the suite every store passes;
//     rules/cases runs rule tests that a pharmacist can read, rules/backtest what has already happened.
//   - push holds the log and the doors to it: one file a transport (push/sse.go, push/websocket.go, push/livemonitor.go, push/hub*.go),
//     all told by the one loop in push/feed.go, the REST desk (push/desk.go), and couriers to receivers outside (push/courier.go).
//     push/route.go is the table of the doors, from which the API's documents are made (push/schema describes the Go types).
//     push/signalr is the hub protocol's codec, push/auth finds out who calls, and push/rights.go says what they may see.
//   - state is the engine's own disk: last images, usage, log entries and position in one Pebble.
//   - portal is what browsers load; it has no build step.
//   - migrations is our schema in Postgres, forward only.
//   - cmd/rxvigil has one file a verb; run.go and engine.go are the only place where the rooms meet. turn.go says which of two
//     engines on one slot may write.
//   - internal holds a Postgres for tests and the demo, the demo's own pharmacy app, and the end-to-end tests.
//
// # Where does it go?
//
//   - A new column type: cdc/convert.go, one function from Postgres' text to a canonical Value, and its row in the test's table.
//   - A word that apps use for a table or a column: cdc/propose/vocabulary.go.
//   - A new alert kind: a file in rules with its Judge function, one line in rules/kinds.go, its sentence in each of rules/messages.
//   - A new transport: a file in push that gives push/feed.go a wire, one line in push/server.go, and a row in the suite of
//     push/conformance_test.go.
//   - A new field of an entity: canonical in record.go, and the mapping language knows it at once.
//
// # Walls
//
// cmd imports the rooms; rules/pgstore imports rules; every room imports this package; this package imports none of ours.
// house_test.go holds these arrows and fails with a sentence.
//
// # Locks
//
// rules.Engine has one lock over its memory, push.Log has another; neither is held while the other is taken, and none across I/O.
package rxvigil
