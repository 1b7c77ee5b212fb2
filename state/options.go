package state

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// options keep the engine small: 32 MB of cache, two memtables of 32 MB, filters so that a row never seen costs no read.
func options(dir string, log *slog.Logger, lock *pebble.Lock) *pebble.Options {
	o := &pebble.Options{
		CacheSize:                   32 << 20,
		MemTableSize:                32 << 20,
		MemTableStopWritesThreshold: 2,
		BytesPerSync:                1 << 20,
		WALBytesPerSync:             1 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
		Lock:                        lock,
		Logger:                      quiet{log},
		EventListener:               &pebble.EventListener{DataCorruption: func(i pebble.DataCorruptionInfo) { leaveWord(dir, log, i) }},
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
	}
	// What a flush writes is soon written again, and the log is packed before it comes here: packing it once more costs more than it saves.
	o.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	o.Levels[1].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// leaveWord notes damage that a read or a compaction met, which may be long after the store was opened. Without it Pebble would
// end the process, and again at each start.
func leaveWord(dir string, log *slog.Logger, i pebble.DataCorruptionInfo) {
	log.Error("state_damaged", "file", i.Path, "error", i.Details.Error())
	if err := os.WriteFile(filepath.Join(dir, damageFile), []byte(i.Path), 0o600); err != nil {
		log.Error("state_damage_not_noted", "error", err.Error())
	}
}

// quiet hands Pebble's errors on and drops its chatter.
type quiet struct{ log *slog.Logger }

func (q quiet) Infof(string, ...any) {}

func (q quiet) Errorf(format string, args ...any) {
	q.log.Error("state_error", "message", fmt.Sprintf(format, args...))
}

func (q quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
