// Package pharmacy is the demo's sample app: two pharmacies, their database, and the staff that keeps it busy. It knows
// nothing of rxvigil, and rxvigil changes nothing of it.
package pharmacy

import (
	"context"
	_ "embed" // schema, seed and mapping
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed schema.sql
var schema string

//go:embed seed.sql
var seed string

// Mapping is the YAML that tells rxvigil what the app's tables mean: a document with the one key mapping.
//
//go:embed mapping.yaml
var Mapping string

// Load makes the app's tables in an empty database and fills them. Dates count from today.
func Load(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connect to the sample app's database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, script := range []struct{ name, sql string }{{"schema", schema}, {"seed", seed}} {
		if _, err := conn.PgConn().Exec(ctx, script.sql).ReadAll(); err != nil {
			return fmt.Errorf("load the sample app's %s: %w", script.name, err)
		}
	}
	return nil
}
