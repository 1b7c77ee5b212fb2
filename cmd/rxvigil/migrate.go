package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/migrations"
)

func newMigrate() *cobra.Command {
	c := &cobra.Command{Use: "migrate", Short: "Our schema in Postgres"}
	up := &cobra.Command{Use: "up", Short: "Make the schema, or bring it up to date"}
	loadUp := withConfig(up)
	up.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := loadUp()
		if err != nil {
			return err
		}
		return migrations.Up(c.Context(), cfg.State.DSN)
	}
	status := &cobra.Command{Use: "status", Short: "List the migrations and whether each was applied"}
	loadStatus := withConfig(status)
	status.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := loadStatus()
		if err != nil {
			return err
		}
		steps, err := migrations.Status(c.Context(), cfg.State.DSN)
		for _, s := range steps {
			fmt.Fprintln(c.OutOrStdout(), s)
		}
		return err
	}
	c.AddCommand(up, status)
	return c
}
