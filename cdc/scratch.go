package cdc

// Scratch is room on the engine's disk for what does not fit in memory. It does not outlive the process, and nothing in it
// counts before it is handed on.
type Scratch interface {
	Put(key, value []byte) error
	// Get gives a value; ok is false when there is none. The bytes are good until the next call.
	Get(key []byte) (value []byte, ok bool, err error)
	// Walk walks the keys with a prefix as they were when it was called, in order, until yield says no. Key and value are good
	// during the call; yield may call the other methods, but not Clear.
	Walk(prefix []byte, yield func(key, value []byte) bool) error
	// Clear empties it and frees what it held.
	Clear() error
}
