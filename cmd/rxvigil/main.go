// Command rxvigil watches the Postgres of a pharmacy app and keeps alerts about stock and expiry true. Each verb has a
// file; run.go is where the rooms meet.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // the binary brings its own time zones

	"github.com/spf13/cobra"
)

func main() { os.Exit(realMain(os.Args[1:])) }

// realMain gives the exit code: 0 good, 1 a finding or failure, 2 a wrong command line.
func realMain(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	understood := false
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	err := root.ExecuteContext(ctx)
	var wrong *usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong), !understood:
		fmt.Fprintf(os.Stderr, "rxvigil: %v\n", err)
		return 2
	case errors.Is(err, errFindings):
		return 1
	}
	fmt.Fprintf(os.Stderr, "rxvigil: %v\n", err)
	return 1
}

// errFindings ends a verb that has said everything already.
var errFindings = errors.New("findings")

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error { return &usageError{err} }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "rxvigil",
		Short: "Live alerts from the Postgres that a pharmacy app already uses",
		Long: "rxvigil reads the changes that a pharmacy app commits to its Postgres, keeps alerts about stock and expiry true,\n" +
			"and pushes both to browsers. The app is not touched. Try: rxvigil demo",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(newDemo(), newRun(), newInit(), newCheck(), newMap(), newRules(), newMigrate(), newDrop(), newStatus(), newTail(), newToken(), newRevoke(), newVersion())
	noArguments(root)
	return root
}

// noArguments refuses words that are no flags, for every verb below c that takes no files.
func noArguments(c *cobra.Command) {
	for _, verb := range c.Commands() {
		if strings.Contains(verb.Use, "FILE") || strings.Contains(verb.Use, "PACK") {
			continue
		}
		verb.Args = func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("%q is one word too many", args[0]))
			}
			return nil
		}
		if verb.ValidArgsFunction == nil {
			verb.ValidArgsFunction = cobra.NoFileCompletions
		}
		noArguments(verb)
	}
}

// oneWordOf completes a flag that takes one of a few words.
func oneWordOf(c *cobra.Command, flag string, words ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // no such flag
	}
}

// withConfig gives a verb its --config flag and the flags of every setting.
func withConfig(c *cobra.Command) func() (*config, error) {
	c.Flags().StringP("config", "c", os.Getenv("RXVIGIL_CONFIG"), "configuration file")
	for _, s := range settings {
		c.Flags().String(s.flag, "", s.help+" ("+s.variable+")")
	}
	if err := c.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // no such flag
	}
	oneWordOf(c, "log-level", "debug", "info", "warn", "error")
	oneWordOf(c, "log-format", "text", "json")
	source := c.Flags().String("source", "", "which of several sources")
	return func() (*config, error) {
		cfg, err := loadFlags(c)
		if err != nil || c.Annotations["sources"] == "all" && *source == "" {
			return cfg, err
		}
		return cfg.only(*source)
	}
}

// ofAllSources marks a command that is about every source unless one is named.
func ofAllSources(c *cobra.Command) *cobra.Command {
	c.Annotations = map[string]string{"sources": "all"}
	return c
}

func loadFlags(c *cobra.Command) (*config, error) {
	path, err := c.Flags().GetString("config")
	if err != nil {
		return nil, usage(err)
	}
	return loadConfig(path, func(name string) (string, bool) {
		v, err := c.Flags().GetString(name)
		return v, err == nil && c.Flags().Changed(name)
	})
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Run:   func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), "rxvigil", version()) },
	}
}

// version is the module's version and, for a build from a checkout, its revision.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v == "(devel)" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return v
}
