package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/cdc/propose"
)

func newInit() *cobra.Command {
	c := &cobra.Command{
		Use:   "init",
		Short: "Look at a database and propose a configuration for it",
		Long: "init reads the catalog and some rows of the database, in one read-only transaction, and proposes a complete\n" +
			"configuration: each guess with its reason, each doubt as a question. Values of columns that look personal are not read.",
	}
	dsn := c.Flags().String("dsn", os.Getenv("RXVIGIL_SOURCE_DSN"), "Postgres to look at (or RXVIGIL_SOURCE_DSN)")
	out := c.Flags().String("out", "", "file to write (default: print it)")
	force := c.Flags().Bool("force", false, "write over a file that is there")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *dsn == "" {
			return usage(errors.New("which database? Say --dsn postgres://…"))
		}
		conn, err := pgx.Connect(c.Context(), *dsn)
		if err != nil {
			return fmt.Errorf("connect to the source: %w", err)
		}
		defer conn.Close(c.Context())
		db, err := propose.Read(c.Context(), conn)
		if err != nil {
			return err
		}
		p := propose.Propose(db)
		var text bytes.Buffer
		if err := p.Write(&text, withoutSecret(*dsn)); err != nil {
			return err
		}
		if *out == "" {
			_, err = c.OutOrStdout().Write(text.Bytes())
			return err
		}
		if err := writeNew(*out, text.Bytes(), *force); err != nil {
			return err
		}
		summarize(c.OutOrStdout(), p, *out)
		return nil
	}
	return c
}

// withoutSecret is an address as a file may hold it: one with a password is named by the variable that holds it.
func withoutSecret(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return "env:RXVIGIL_SOURCE_DSN"
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") || u.Query().Has("sslpassword") {
		return "env:RXVIGIL_SOURCE_DSN"
	}
	return dsn
}

func writeNew(name string, text []byte, force bool) error {
	flags := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	if force {
		flags = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	f, err := os.OpenFile(name, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: say --force to write over it, or another --out", name)
	}
	if err != nil {
		return fmt.Errorf("write proposal: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write proposal: %w", err)
	}
	return nil
}

// summarize says in a few lines what was found, and what is to be done.
func summarize(w io.Writer, p *propose.Proposal, out string) {
	for _, e := range p.Entities {
		fmt.Fprintf(w, "%-18s %-30s %2.0f %% sure, %d fields\n", e.Kind, e.Table, e.Confidence*100, len(e.Fields))
	}
	fmt.Fprintf(w, "left out: %d tables\n", len(p.Ignored))
	for i, d := range p.Doubts {
		line := fmt.Sprintf("ask %d: %s", i+1, d.Question)
		if len(d.Alternatives) > 0 {
			line += " Or: " + strings.Join(d.Alternatives, ", ") + "."
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "written to %s; next: rxvigil check --config %s\n", out, out)
}
