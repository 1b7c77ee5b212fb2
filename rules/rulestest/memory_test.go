package rulestest_test

import (
	"testing"

	"github.com/rxvigil/rxvigil/rules/rulestest"
)

func TestMemoryIsAStore(t *testing.T) {
	t.Parallel()
	rulestest.Suite(t, func(*testing.T) rulestest.Claim { return rulestest.NewMemory().Claim })
}
