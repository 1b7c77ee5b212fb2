package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
)

func newMap() *cobra.Command {
	c := &cobra.Command{Use: "map", Short: "Try the mapping out"}
	c.AddCommand(newMapTry())
	return c
}

func newMapTry() *cobra.Command {
	c := &cobra.Command{
		Use:   "try",
		Short: "Show rows of a table beside the objects they become",
		Long:  "try reads some rows of a mapped table and shows each beside the objects that the mapping makes of it, and what it could\nnot make sense of. It needs no slot and no publication, and changes nothing. Personal values are not shown.",
	}
	load := withConfig(c)
	table := c.Flags().String("table", "", "table to look at")
	limit := c.Flags().Int("limit", 20, "rows to show")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		switch {
		case err != nil:
			return err
		case *table == "":
			return usage(fmt.Errorf("which table? Say --table %s", "name"))
		case *limit < 1:
			return usage(fmt.Errorf("--limit %d shows nothing", *limit))
		}
		shown, last := 0, ""
		err = cdc.Survey{Rows: *limit, Table: *table}.Look(c.Context(), cfg.Source.DSN, &cfg.Mapping, func(s cdc.Seen) error {
			if s.Row == nil {
				return nil
			}
			row := rowText(s)
			if row != last {
				if shown++; shown > *limit {
					return nil
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", s.Table, row)
				last = row
			}
			showSeen(c.OutOrStdout(), s)
			return nil
		})
		if err == nil && shown == 0 {
			fmt.Fprintf(c.OutOrStdout(), "%s has no rows\n", *table)
		}
		return err
	}
	return c
}

const hidden = "(personal)"

// rowText is a row as people read it: the columns that the mapping reads.
func rowText(s cdc.Seen) string {
	var parts []string
	for i, name := range s.Columns {
		text := "null"
		switch v := s.Row[i]; {
		case v != nil && s.Personal[i]:
			text = hidden
		case v != nil:
			text = shorten(*v)
		}
		parts = append(parts, name+"="+text)
	}
	return strings.Join(parts, " ")
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return fmt.Sprintf("%q… (%d bytes)", string(r[:40]), len(s))
	}
	if strings.ContainsAny(s, " \t\n\"=") || s == "" {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// showSeen writes the object that a source makes of a row, and its faults.
func showSeen(w io.Writer, s cdc.Seen) {
	r := s.Record
	if r == nil {
		fmt.Fprintf(w, "  no %s\n", s.Name)
		return
	}
	fmt.Fprintf(w, "  %s %s%s\n", s.Name, r.ID, belongs(s))
	for i, f := range r.Schema.Fields {
		v, text := r.Values[i], ""
		switch {
		case v.IsUnknown():
			continue
		case v.IsNull():
			text = "null"
		case f.Personal:
			text = hidden
		default:
			text = shorten(v.Text())
		}
		fmt.Fprintf(w, "    %-22s %s\n", f.Name, text)
	}
	for _, f := range s.Faults {
		fmt.Fprintf(w, "  ! %s\n", faultText(f))
	}
}

func belongs(s cdc.Seen) string {
	var b strings.Builder
	switch {
	case s.Record.Tenant == rxvigil.EveryTenant:
		b.WriteString(" of every tenant")
	case s.Record.Tenant != "":
		fmt.Fprintf(&b, " of tenant %s", s.Record.Tenant)
	case s.Nobodys:
		b.WriteString(" of no tenant")
	}
	if s.Record.Branch != "" {
		fmt.Fprintf(&b, ", branch %s", s.Record.Branch)
	}
	if s.Record.Gone {
		b.WriteString(", deleted")
	}
	return b.String()
}

func faultText(f cdc.Fault) string {
	switch {
	case f.Column == "":
		return f.Reason
	case f.Text == "":
		return f.Reason + " in " + f.Column
	}
	return fmt.Sprintf("%s in %s: %q", f.Reason, f.Column, f.Text)
}
