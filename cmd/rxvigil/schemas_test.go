package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/story"
)

// bySchema splits the medicines of the target "single" into a schema for each tenant; the app still writes to one view of them.
const bySchema = `
ALTER TABLE tenants ADD UNIQUE (subdomain);
DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['testpharmacy', 'kidane', 'bole-24h'] LOOP
        EXECUTE format('CREATE SCHEMA %I', 'pharmacy_' || one);
        EXECUTE format('CREATE TABLE %I.medicines (LIKE medicines INCLUDING ALL)', 'pharmacy_' || one);
    END LOOP;
END $$;
DROP TABLE medicines;
CREATE VIEW medicines AS SELECT * FROM pharmacy_testpharmacy.medicines
    UNION ALL SELECT * FROM pharmacy_kidane.medicines UNION ALL SELECT * FROM "pharmacy_bole-24h".medicines;

CREATE FUNCTION route() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    home text := 'pharmacy_' || (SELECT subdomain FROM public.tenants WHERE id = CASE TG_OP WHEN 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END);
BEGIN
    CASE TG_OP
    WHEN 'INSERT' THEN
        NEW.id := coalesce(NEW.id, gen_random_uuid());
        NEW.current_stock := coalesce(NEW.current_stock, 0);
        NEW.min_stock_level := coalesce(NEW.min_stock_level, 0);
        NEW.created_at := coalesce(NEW.created_at, now());
        NEW.updated_at := coalesce(NEW.updated_at, now());
        EXECUTE format('INSERT INTO %I.medicines SELECT ($1).*', home) USING NEW;
    WHEN 'UPDATE' THEN
        EXECUTE format('UPDATE %I.medicines SET name = ($1).name, category = ($1).category, current_stock = ($1).current_stock,
            min_stock_level = ($1).min_stock_level, price = ($1).price, batch_number = ($1).batch_number, expiry_date = ($1).expiry_date,
            updated_at = ($1).updated_at WHERE id = ($1).id', home) USING NEW;
    ELSE
        EXECUTE format('DELETE FROM %I.medicines WHERE id = ($1).id', home) USING OLD;
        RETURN OLD;
    END CASE;
    RETURN NEW;
END $$;
CREATE TRIGGER route INSTEAD OF INSERT OR UPDATE OR DELETE ON medicines FOR EACH ROW EXECUTE FUNCTION route();
`

// TestTargetSingleBySchema tells single's story with the tables of each tenant in a schema of its own: what is told is the same.
func TestTargetSingleBySchema(t *testing.T) {
	t.Parallel()
	s, err := story.Load("../../testdata/targets/single")
	if err != nil {
		t.Fatal(err)
	}
	s.Schema += bySchema
	tellStory(t, s, "schemas", "Africa/Addis_Ababa")
}

func TestASchemaThatComesIsAPharmacyMore(t *testing.T) {
	t.Parallel()
	s, err := story.Load("../../testdata/targets/single")
	if err != nil {
		t.Fatal(err)
	}
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, s.Schema+bySchema)
	pgtest.Exec(t, dsn, s.Seed)
	svc := newService(t, dsn, "schemas.yaml")
	svc.start()
	svc.ready()
	pgtest.Exec(t, dsn, `BEGIN; INSERT INTO tenants (subdomain) VALUES ('mekelle'); CREATE SCHEMA pharmacy_mekelle;
		CREATE TABLE pharmacy_mekelle.medicines (LIKE pharmacy_kidane.medicines INCLUDING ALL);
		INSERT INTO pharmacy_mekelle.medicines (tenant_id, name, current_stock, min_stock_level) VALUES (gen_random_uuid(), 'Zinc', 3, 10); COMMIT`)
	deadline := time.Now().Add(time.Minute)
	for {
		if status, body := svc.send(http.MethodGet, "/api/tenant/mekelle/alerts", ""); status == http.StatusOK && strings.Contains(body, "Zinc is low") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing is told of the new pharmacy: %s", svc.get("/api/tenants"))
		}
		svc.pause()
	}
}
