package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/auth"
)

// newToken signs a token for trying things.
func newToken() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Sign a token with the configured shared secret, for trying things"}
	load := withConfig(c)
	var who auth.Caller
	c.Flags().StringVar(&who.Tenant, "tenant", "", "tenant: id or subdomain")
	branches := c.Flags().StringSlice("branch", nil, "branch; may be given more than once")
	c.Flags().StringVar(&who.Role, "role", "admin", "role: super_admin, admin, pharmacist, cashier, operations, or one of your own")
	c.Flags().StringVar(&who.User, "user", "somebody", "who it is for: acknowledgements carry the name")
	c.Flags().StringVar(&who.TokenID, "id", "", "jti, by which the one token can be taken back")
	life := c.Flags().Duration("ttl", time.Hour, "how long it is good")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		if cfg.Auth == nil {
			return errors.New("no auth is configured, so no token is needed: add auth: {secret: env:RXVIGIL_SECRET}")
		}
		if *life <= 0 {
			return usage(fmt.Errorf("--ttl %s: say how long, such as 1h", *life))
		}
		gate, err := cfg.gate(c.Context())
		if err != nil {
			return err
		}
		for _, b := range *branches {
			who.Branches = append(who.Branches, rxvigil.Branch(b))
		}
		token, err := gate.Sign(who, *life, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), token)
		return nil
	}
	return c
}

// gate is who lets callers in; nil where nobody is asked.
func (c *config) gate(ctx context.Context) (*auth.Gate, error) {
	if c.Auth == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	return auth.NewGate(ctx, *c.Auth)
}

// checkAuth reads the secrets of auth: and refuses what could let nobody in, or everybody.
func (c *config) checkAuth() (err error) {
	if c.Auth == nil {
		return nil
	}
	for _, field := range []*string{&c.Auth.Secret, &c.Auth.PublicKey} {
		if *field, err = secret(*field); err != nil {
			return err
		}
	}
	return c.Auth.Check()
}
