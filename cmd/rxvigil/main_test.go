package main

import (
	"os"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// asCommand makes the test binary behave as rxvigil itself, race detector and all: stories kill it.
const asCommand = "RXVIGIL_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(realMain(os.Args[1:]))
	}
	pgtest.Main(m)
}
