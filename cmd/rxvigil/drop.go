package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/cdc"
)

func newDrop() *cobra.Command {
	c := &cobra.Command{Use: "drop", Short: "Remove our slot, our publication and our schema: the app's database is as it was before"}
	load := withConfig(c)
	yes := c.Flags().Bool("yes", false, "do not ask")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		if !*yes && !confirmed(c, cfg) {
			return errors.New("nothing was removed")
		}
		if err := reachable(c.Context(), cfg); err != nil {
			return err
		}
		if err := dropAll(c.Context(), cfg); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "slot %q, publication %q and schema rxvigil are gone; the folder %s can be deleted\n",
			cfg.Source.Slot, cfg.Source.Publication, cfg.DataDir)
		return nil
	}
	return c
}

func confirmed(c *cobra.Command, cfg *config) bool {
	fmt.Fprintf(c.OutOrStdout(), "Remove slot %q, publication %q and schema rxvigil with all alerts and their history? [y/N] ",
		cfg.Source.Slot, cfg.Source.Publication)
	line, _ := bufio.NewReader(c.InOrStdin()).ReadString('\n')
	return strings.EqualFold(strings.TrimSpace(line), "y")
}

func dropAll(ctx context.Context, cfg *config) error {
	source, err := cdc.Connect(ctx, cfg.Source.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close(ctx) }()
	if err := cdc.Drop(ctx, source, cfg.Source.Slot, cfg.Source.Publication); err != nil {
		return err
	}
	alerts, err := cdc.Connect(ctx, cfg.State.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = alerts.Close(ctx) }()
	if _, err := alerts.Exec(ctx, "DROP SCHEMA IF EXISTS rxvigil CASCADE"); err != nil {
		return fmt.Errorf("drop schema: %w", err)
	}
	return nil
}
