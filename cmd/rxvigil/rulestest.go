package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/rules/cases"
)

func newRules() *cobra.Command {
	c := &cobra.Command{Use: "rules", Short: "Try the rules out"}
	c.AddCommand(newRulesTest(), newRulesBacktest())
	return c
}

func newRulesTest() *cobra.Command {
	c := &cobra.Command{
		Use:   "test FILE…",
		Short: "Run cases: given what is on the shelves, at such a time this happens, expect these alerts",
		Long: "test runs files of cases against the very engine that the service has: no database, and no waiting for days to pass. It says\n" +
			"what is missing and what nobody expected, with its reason, and ends with 1 if there is any.",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	c.RunE = func(c *cobra.Command, files []string) error {
		if len(files) == 0 {
			return usage(errors.New("which cases? Name a file of them"))
		}
		failed := false
		for _, name := range files {
			ok, err := testRules(c, name)
			if err != nil {
				return err
			}
			failed = failed || !ok
		}
		if failed {
			return errFindings
		}
		return nil
	}
	return c
}

// testRules runs a file of cases; true when the rules do as it expects.
func testRules(c *cobra.Command, name string) (bool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return false, err
	}
	f, err := cases.Read(name, text, func(beside string) ([]byte, error) { return os.ReadFile(filepath.Join(filepath.Dir(name), beside)) })
	if err != nil {
		return false, err
	}
	failures, err := f.Run()
	if err != nil {
		return false, err
	}
	out := c.OutOrStdout()
	for _, fail := range failures {
		fmt.Fprintf(out, "FAIL %s:%d: %s, at %s\n", name, fail.Line, fail.Case, fail.At)
		for _, line := range fail.Says {
			fmt.Fprintln(out, "     "+line)
		}
	}
	if len(failures) == 0 {
		fmt.Fprintf(out, "ok   %s: %d cases\n", name, len(f.Cases))
	}
	return len(failures) == 0, nil
}
