package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/migrations"
)

func newMigrate() *cobra.Command {
	c := &cobra.Command{Use: "migrate", Short: "Our schema in Postgres"}
	c.RunE = func(*cobra.Command, []string) error { return usage(errors.New("migrate what? Say up or status")) }
	up := &cobra.Command{Use: "up", Short: "Make the schema, or bring it up to date"}
	loadUp := withConfig(up)
	up.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := loadUp()
		if err != nil {
			return err
		}
		if err := reachable(c.Context(), cfg); err != nil {
			return err
		}
		if err := migrations.Up(c.Context(), cfg.State.DSN); err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), "schema rxvigil is up to date")
		return nil
	}
	status := &cobra.Command{Use: "status", Short: "List the migrations and whether each was applied"}
	loadStatus := withConfig(status)
	status.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := loadStatus()
		if err != nil {
			return err
		}
		if err := reachable(c.Context(), cfg); err != nil {
			return err
		}
		steps, err := migrations.Status(c.Context(), cfg.State.DSN)
		for _, s := range steps {
			when := "not applied"
			if s.Applied() {
				when = "applied " + s.At.UTC().Format(time.DateTime) + " UTC"
			}
			fmt.Fprintf(c.OutOrStdout(), "%-20s %s\n", s.Name, when)
		}
		return err
	}
	c.AddCommand(up, status)
	return c
}
