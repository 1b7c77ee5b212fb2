package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/push/auth"
	"github.com/rxvigil/rxvigil/rules/pgstore"
)

func newRevoke() *cobra.Command {
	c := &cobra.Command{Use: "revoke", Short: "Take tokens back: their connections end at once, and nobody is let in with one any more"}
	load := withConfig(ofAllSources(c))
	names := map[string]*string{
		"user":   c.Flags().String("user", "", "all tokens of a person: their sub"),
		"tenant": c.Flags().String("tenant", "", "all tokens of a tenant, named as the tokens name it"),
		"token":  c.Flags().String("token", "", "one token: its jti"),
	}
	by := c.Flags().String("by", "", "who asks for it")
	c.MarkFlagsOneRequired("user", "tenant", "token")
	c.MarkFlagsMutuallyExclusive("user", "tenant", "token")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		if cfg.Auth == nil {
			return errors.New("no auth is configured, so there are no tokens to take back")
		}
		r := auth.Revocation{Until: time.Now().UTC()}
		for of, name := range names {
			if *name != "" {
				r.Of, r.Name = of, *name
			}
		}
		if err := r.Check(); err != nil {
			return usage(err)
		}
		for _, source := range cfg.each() {
			if err := revoke(c.Context(), source, r, *by); err != nil {
				return err
			}
		}
		fmt.Fprintf(c.OutOrStdout(), "tokens of %s %s issued up to %s are taken back\n", r.Of, r.Name, r.Until.Format(time.RFC3339))
		return nil
	}
	return c
}

// revoke keeps it for engines that start later, and tells the one that runs by way of the WAL.
func revoke(ctx context.Context, cfg *config, r auth.Revocation, by string) error {
	pool, err := pgxpool.New(ctx, cfg.State.DSN)
	if err != nil {
		return fmt.Errorf("reach the alert store: %w", err)
	}
	defer pool.Close()
	store := pgstore.New(pool, pgstore.Config{})
	key, err := installKey(ctx, store)
	if err != nil {
		return err
	}
	if err := store.PutRevocation(ctx, pgstore.Revocation(r), by); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode revocation: %w", err)
	}
	source, err := cdc.Connect(ctx, cfg.Source.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close(ctx) }()
	return pgx.BeginFunc(ctx, source, func(tx pgx.Tx) error {
		_, err := key.Emit(ctx, tx, cdc.Message{Op: "revoke", At: r.Until, Data: data})
		return err
	})
}

// takeBack hears of a revocation. One that cannot be read was not made by us.
func takeBack(s *push.Server, m cdc.Message) {
	var r auth.Revocation
	if json.Unmarshal(m.Data, &r) == nil && r.Check() == nil {
		s.Revoke(r)
	}
}

// recall tells the doors what was taken back before.
func recall(ctx context.Context, s *push.Server, store *pgstore.Store) error {
	all, err := store.Revocations(ctx)
	for _, r := range all {
		s.Revoke(auth.Revocation(r))
	}
	return err
}
