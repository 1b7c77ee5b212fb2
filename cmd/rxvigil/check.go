package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
)

func newCheck() *cobra.Command {
	c := ofAllSources(&cobra.Command{Use: "check", Short: "Look at everything that could go wrong, and change nothing"})
	load := withConfig(c)
	asJSON := c.Flags().Bool("json", false, "print the findings as JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		all, err := load()
		if err != nil {
			return err
		}
		for _, cfg := range all.each() {
			if cfg.Source.name != "" && !*asJSON {
				fmt.Fprintf(c.OutOrStdout(), "source %s\n", cfg.Source.name)
			}
			err = errors.Join(err, checkOne(c, cfg, *asJSON))
		}
		return err
	}
	return c
}

func checkOne(c *cobra.Command, cfg *config, asJSON bool) error {
	findings, err := inspect(c.Context(), cfg)
	if err != nil {
		return err
	}
	if f := lookAtPort(c.Context(), cfg.Push.Listen); f != nil && push.CheckListen(cfg.Push.Listen, cfg.Auth != nil) == nil {
		f.Cure = "all is well if that is rxvigil itself"
		findings = append(findings, *f)
	}
	rows, err := coverIf(c.Context(), cfg, findings)
	if err != nil {
		findings = append(findings, cdc.Finding{Path: "$.mapping", What: "the rows could not be looked at: " + err.Error()})
	}
	return report(c, cfg, findings, rows, asJSON)
}

// coverIf looks at the rows where nothing is wrong so far.
func coverIf(ctx context.Context, cfg *config, findings []cdc.Finding) (*coverage, error) {
	if slices.ContainsFunc(findings, func(f cdc.Finding) bool { return f.Fatal }) {
		return nil, nil
	}
	return cover(ctx, cfg)
}

func report(c *cobra.Command, cfg *config, findings []cdc.Finding, rows *coverage, asJSON bool) error {
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
		if err := enc.Encode(map[string]any{"ok": fatal == 0, "findings": findings, "coverage": rows}); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			mark := "warning"
			if f.Fatal {
				mark = "error"
			}
			fmt.Fprintf(out, "%s: %s\n", mark, describe(cfg, f))
		}
		if rows != nil {
			rows.print(out)
		}
		fmt.Fprintln(out, verdict(len(findings), fatal))
	}
	if fatal > 0 {
		return errFindings
	}
	return nil
}

func verdict(findings, fatal int) string {
	switch {
	case findings == 0:
		return "nothing to say: it can run"
	case fatal == 0:
		return fmt.Sprintf("warnings: %d, errors: none: it can run", findings)
	}
	return fmt.Sprintf("warnings: %d, errors: %d", findings-fatal, fatal)
}

// describe is a finding as people read it: one sentence with the cure, the line of the file, the SQL and who can run it.
func describe(cfg *config, f cdc.Finding) string {
	var b strings.Builder
	b.WriteString(f.What)
	if f.Cure != "" {
		b.WriteString(": " + f.Cure)
	}
	b.WriteString(cfg.where(f))
	if f.SQL != "" {
		b.WriteString("\n    " + f.SQL)
		if f.Role != "" {
			b.WriteString("    -- as " + f.Role)
		}
	}
	return b.String()
}
