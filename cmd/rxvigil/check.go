package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
)

func newCheck() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "Look at everything that could go wrong, and change nothing"}
	load := withConfig(c)
	asJSON := c.Flags().Bool("json", false, "print the findings as JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		findings, err := cdc.Preflight(c.Context(), readerConfig(cfg, nil, cdc.Key{}))
		if err != nil {
			return err
		}
		if err := push.CheckListen(cfg.Push.Listen, false); err != nil {
			findings = append(findings, cdc.Finding{Path: "$.push.listen", Fatal: true, What: err.Error()})
		}
		return report(c, cfg, findings, *asJSON)
	}
	return c
}

func report(c *cobra.Command, cfg *config, findings []cdc.Finding, asJSON bool) error {
	out, fatal := c.OutOrStdout(), 0
	for _, f := range findings {
		if f.Fatal {
			fatal++
		}
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if findings == nil {
			findings = []cdc.Finding{}
		}
		if err := enc.Encode(map[string]any{"ok": fatal == 0, "findings": findings}); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			fmt.Fprintln(out, describe(cfg, f))
		}
		fmt.Fprintf(out, "%d findings, %d of them fatal\n", len(findings), fatal)
	}
	if fatal > 0 {
		return errFindings
	}
	return nil
}

// describe is a finding as people read it: what, the line of the file, the cure, the SQL and who can run it.
func describe(cfg *config, f cdc.Finding) string {
	var b strings.Builder
	mark := "warning"
	if f.Fatal {
		mark = "error"
	}
	fmt.Fprintf(&b, "%s: %s", mark, f.What)
	if f.Path != "" {
		if shown := cfg.where(f.Path); shown != "" {
			fmt.Fprintf(&b, "\n%s", strings.TrimRight(shown, "\n"))
		}
	}
	if f.Cure != "" {
		fmt.Fprintf(&b, "\n  cure: %s", f.Cure)
	}
	if f.SQL != "" {
		fmt.Fprintf(&b, "\n    %s", f.SQL)
		if f.Role != "" {
			fmt.Fprintf(&b, "    -- as %s", f.Role)
		}
	}
	return b.String()
}
