package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules/backtest"
)

func newRulesBacktest() *cobra.Command {
	c := &cobra.Command{
		Use:   "backtest [PACK…]",
		Short: "Let a pack judge what has already happened",
		Long: "backtest reads the app's tables once and lets the rules judge its own sales and movements of the last days, as if they had\n" +
			"watched: alerts by rule and day, flaps, times to resolve, the noisiest subjects. With packs named, each laid over the one before,\n" +
			"those are tried, and compared with the pack of the configuration. It needs no slot and no publication, and changes nothing.",
	}
	load := withConfig(c)
	days := c.Flags().Int("days", 90, "how many days are judged")
	asJSON := c.Flags().Bool("json", false, "print the reports as JSON")
	c.RunE = func(c *cobra.Command, packs []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		if *days < 1 || *days > 3660 {
			return usage(fmt.Errorf("--days %d: 1 to 3660", *days))
		}
		return backtestPacks(c.Context(), c.OutOrStdout(), cfg, packs, *days, *asJSON)
	}
	return c
}

func backtestPacks(ctx context.Context, out io.Writer, cfg *config, packs []string, days int, asJSON bool) error {
	h, err := readHistory(ctx, cfg, "", math.MaxInt)
	if err != nil {
		return err
	}
	end := time.Now().UTC()
	judge := func(cfg *config) (*backtest.Report, error) {
		rc, err := cfg.rulesConfig(nil)
		if err != nil {
			return nil, err
		}
		return h.Run(rc, end.AddDate(0, 0, -days), end)
	}
	running, err := judge(cfg)
	if err != nil {
		return err
	}
	reports := map[string]*backtest.Report{"running": running}
	var tried *backtest.Report
	if len(packs) > 0 {
		other := *cfg
		other.Rules = packs
		if tried, err = judge(&other); err != nil {
			return err
		}
		reports["tried"] = tried
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(reports)
	}
	if h.Timeless > 0 {
		fmt.Fprintf(out, "%d rows have no time, and are left out\n", h.Timeless)
	}
	if tried == nil {
		return running.Write(out)
	}
	fmt.Fprintln(out, "the running pack:")
	err = running.Write(out)
	fmt.Fprintf(out, "\n%s:\n", strings.Join(packs, ", "))
	err = errors.Join(err, tried.Write(out))
	writeDifference(out, tried.Against(running))
	return err
}

const mostDifferences = 20

func writeDifference(out io.Writer, d backtest.Difference) {
	for _, side := range []struct {
		title string
		names []string
	}{{"raised, and not by the running pack", d.More}, {"not raised, and by the running pack", d.Less}} {
		fmt.Fprintf(out, "\n%s: %d\n", side.title, len(side.names))
		for _, name := range side.names[:min(len(side.names), mostDifferences)] {
			fmt.Fprintln(out, "  "+name)
		}
	}
}

// readHistory reads everything that is mapped, once, of one tenant or, for an empty one, of all: at most so many rows.
func readHistory(ctx context.Context, cfg *config, only rxvigil.Tenant, most int) (*backtest.History, error) {
	h := backtest.NewHistory()
	rows := 0
	err := cdc.Survey{Rows: math.MaxInt32 / 100}.Look(ctx, cfg.Source.DSN, &cfg.Mapping, func(s cdc.Seen) error {
		if rows++; rows > most {
			return push.ErrTooMuch
		}
		// What names no tenant itself, as a sale's lines, is found by what it belongs to.
		if s.Record != nil && !s.Nobodys && (only == "" || s.Record.Tenant == only || s.Record.Tenant == "") {
			place, _, _ := strings.Cut(s.Table, ".")
			h.Add(place, s.Record)
		}
		return nil
	})
	return h, err
}
