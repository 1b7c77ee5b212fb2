package propose

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// proposed looks at a database made by SQL, or by a target's files, and gives the proposal and the file.
func proposed(t *testing.T, dsn string) (*Proposal, string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	db, err := Read(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	p := Propose(db)
	var b strings.Builder
	if err := p.Write(&b, "env:RXVIGIL_SOURCE_DSN"); err != nil {
		t.Fatal(err)
	}
	var any map[string]any
	if err := yaml.Unmarshal([]byte(b.String()), &any); err != nil {
		t.Fatalf("the file is no YAML: %v\n%s", err, b.String())
	}
	return p, b.String()
}

func target(t *testing.T, name string) string {
	t.Helper()
	dsn := pgtest.Database(t)
	dir := filepath.Join("../../testdata/targets", name)
	pgtest.Load(t, dsn, filepath.Join(dir, "schema.sql"), filepath.Join(dir, "seed.sql"))
	return dsn
}

func database(t *testing.T, sql string) string {
	t.Helper()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, sql)
	return dsn
}

// lines is the proposal as "lot.expires=expiry_date", sorted as the file is.
func (p *Proposal) lines() []string {
	var all []string
	for _, e := range p.Entities {
		say := func(name string, value any) { all = append(all, fmt.Sprintf("%s.%s=%v", e.Kind, name, value)) }
		say("table", e.Table)
		if e.where != nil {
			say("where", e.where)
		}
		if e.tenant != nil {
			say("tenant", e.tenant)
		}
		if e.branch != nil {
			say("branch", e.branch)
		}
		if e.parent != nil {
			say("parent", e.parent)
		}
		if e.gone != nil {
			say("gone", e.gone)
		}
		for _, f := range e.Fields {
			say(f.Name, f.value)
		}
	}
	return all
}

func (p *Proposal) must(t *testing.T, want ...string) {
	t.Helper()
	got := p.lines()
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s is not proposed; instead\n%s", w, strings.Join(got, "\n"))
		}
	}
}

func (p *Proposal) asked(t *testing.T, words string) {
	t.Helper()
	for _, d := range p.Doubts {
		if strings.Contains(d.Question, words) {
			return
		}
	}
	t.Errorf("nobody asks %q, only %+v", words, p.Doubts)
}

func TestALedgerWithoutForeignKeysIsUnderstood(t *testing.T) {
	t.Parallel()
	p, _ := proposed(t, target(t, "beras"))
	p.must(t,
		"tenant.table=tenants", "branch.table=branches", "medicine.table=drugs", "medicine.price=sale_price",
		"lot.table=stock_balances", "lot.on_hand=quantity", "lot.branch=branch_id", "lot.medicine=drug_id",
		"lot.expires={column: expiry_date, from: product_batches, by: batch_id}", "lot.number={column: lot_no, from: product_batches, by: batch_id}",
		"sale.table=sales_orders", "sale.patient=customer_id", "sale_line.parent=order_id", "sale_line.medicine=drug_id",
		"prescription.table=prescriptions", "prescription_line.dosage=dose", "patient.table=customers", "patient.phone=phone",
		"movement.quantity={column: quantity, sign: {column: type, values: {OUT: -1, IN: 1}}}", "movement.at=occurred_at",
	)
	p.asked(t, "Does the app also write CANCELLED")
	for _, i := range p.Ignored {
		if i.Table == "product_batches" {
			t.Error("a table that is looked up is left out")
		}
	}
}

func TestDocumentsToldApartByAColumnAndLinksAreUnderstood(t *testing.T) {
	t.Parallel()
	p, _ := proposed(t, target(t, "msupply"))
	p.must(t,
		"branch.table=store", "branch.tenant=site_id", "medicine.table=item", "medicine.tenant=every", "tenant.table=store",
		"lot.table=stock_line", "lot.medicine={column: item_id, from: item_link, by: item_link_id}", "lot.tenant={column: site_id, from: store, by: store_id}",
		"lot.on_hand={column: total_number_of_packs, times: pack_size, round: 6}", "lot.held=on_hold",
		"lot.reserved={column: total_number_of_packs, minus: available_number_of_packs, times: pack_size, round: 6}",
		"branch.name={column: name, from: name, by: {column: name_id, from: name_link, by: name_link_id}}",
		"prescription.table=invoice", "prescription.where=[{column: type, in: [PRESCRIPTION]} {column: is_cancellation, true: false}]",
		"sale.where=[{column: type, in: [OUTBOUND_SHIPMENT]} {column: is_cancellation, true: false}]", "sale.prescription=id",
		"sale_line.where=[{column: type, from: invoice, by: invoice_id, in: [OUTBOUND_SHIPMENT, PRESCRIPTION]} {column: is_cancellation, from: invoice, by: invoice_id, true: false}]",
		"patient.table=name_store_join", "patient.phone={column: phone, from: name, by: {column: name_id, from: name_link, by: name_link_id}}",
		"movement.table=invoice_line", "movement.lot=stock_line_id",
	)
	p.asked(t, "SHIPPED, DELIVERED")
}

func TestOneRowCanBeMedicineAndLot(t *testing.T) {
	t.Parallel()
	p, _ := proposed(t, target(t, "single"))
	p.must(t, "medicine.table=medicines", "lot.table=medicines", "lot.medicine=id", "lot.on_hand=current_stock", "medicine.reorder_level=min_stock_level")
}

func TestOtherLanguagesAreUnderstood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  string
		want []string
	}{
		"French": {
			`
			CREATE TABLE pharmacies (id int PRIMARY KEY, nom text);
			CREATE TABLE produits (id int PRIMARY KEY, pharmacie_id int REFERENCES pharmacies, libelle text, prix_vente numeric, seuil_alerte int, ordonnance_obligatoire bool);
			CREATE TABLE lots (id int PRIMARY KEY, produit_id int REFERENCES produits, numero_lot text, date_peremption date, quantite int);
			CREATE TABLE ventes (id int PRIMARY KEY, pharmacie_id int REFERENCES pharmacies, numero text, montant_total numeric, date_vente timestamptz, statut text CHECK (statut IN ('brouillon', 'payé', 'annulée')));
			CREATE TABLE lignes_vente (id int PRIMARY KEY, vente_id int REFERENCES ventes, lot_id int REFERENCES lots, quantite int, prix_unitaire numeric, remise numeric)`,
			[]string{
				"tenant.table=pharmacies", "medicine.table=produits", "medicine.reorder_level=seuil_alerte", "lot.expires=date_peremption", "lot.on_hand=quantite",
				"lot.tenant={column: pharmacie_id, from: produits, by: produit_id}", "sale.table=ventes", "sale.at=date_vente", "sale_line.discount=remise",
				"sale.status={column: statut, words: {brouillon: draft, 'payé': completed, 'annulée': cancelled}}",
				"sale_line.medicine={column: produit_id, from: lots, by: lot_id}", "sale_line.lot=lot_id",
			},
		},
		"Portuguese": {
			`
			CREATE TABLE produtos (codigo int PRIMARY KEY, nome text, preco numeric, estoque_minimo int, controlado bool, excluido bool);
			CREATE TABLE lotes (codigo int PRIMARY KEY, produto_id int REFERENCES produtos, numero_lote text, validade date, quantidade int);
			CREATE TABLE vendas (codigo int PRIMARY KEY, data_venda timestamptz, valor_total numeric, situacao text);
			CREATE TABLE itens_venda (codigo int PRIMARY KEY, venda_id int REFERENCES vendas, produto_id int REFERENCES produtos, quantidade int, preco_unitario numeric)`,
			[]string{"medicine.table=produtos", "medicine.tenant={const: main}", "medicine.gone={column: excluido, true: true}", "medicine.controlled=controlado", "lot.expires=validade", "sale.total=valor_total", "sale_line.table=itens_venda"},
		},
		"Indonesian": {
			`
			CREATE TABLE obat (id int PRIMARY KEY, nama_obat text, harga_jual numeric, harga_beli numeric, stok int, stok_minimum int, tgl_kadaluarsa date);
			CREATE TABLE penjualan (id int PRIMARY KEY, no_nota text, tanggal timestamp, total numeric);
			CREATE TABLE penjualan_detail (id int PRIMARY KEY, penjualan_id int, obat_id int, jumlah int, harga numeric)`,
			[]string{"medicine.table=obat", "medicine.reorder_level=stok_minimum", "medicine.price=harga_jual", "lot.table=obat", "lot.expires=tgl_kadaluarsa", "lot.on_hand=stok", "sale.table=penjualan", "sale_line.quantity=jumlah", "sale_line.medicine=obat_id"},
		},
		"Vietnamese": {
			`
			CREATE TABLE "Thuốc" (id int PRIMARY KEY, "Tên" text, "Giá bán" numeric, "Tồn tối thiểu" int);
			CREATE TABLE "Lô thuốc" (id int PRIMARY KEY, thuoc_id int, "Số lô" text, "Hạn sử dụng" date, "Số lượng" int)`,
			[]string{"medicine.table=Thuốc", "medicine.price='Giá bán'", "lot.expires='Hạn sử dụng'", "lot.on_hand='Số lượng'", "lot.medicine=thuoc_id"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, text := proposed(t, database(t, c.sql))
			p.must(t, c.want...)
			if t.Failed() {
				t.Log(text)
			}
		})
	}
}

func TestAHundredTablesAreNoObstacle(t *testing.T) {
	t.Parallel()
	dsn := target(t, "umi")
	var b strings.Builder
	for i := range 120 {
		fmt.Fprintf(&b, "CREATE TABLE thing_%d (id bigint PRIMARY KEY, name text, amount numeric, created_at timestamptz, other_id bigint);\n", i)
	}
	pgtest.Exec(t, dsn, b.String())
	p, _ := proposed(t, dsn)
	p.must(t, "medicine.table=products", "lot.table=inventory", "sale_line.table=sale_items", "movement.table=stock_movements")
	if n := len(p.Ignored); n != 123 {
		t.Errorf("%d tables are left out: %v", n, p.Ignored)
	}
	for _, i := range p.Ignored {
		if i.Why == "" {
			t.Errorf("nobody says why %s is left out", i.Table)
		}
	}
}

func TestPersonalValuesAreNotRead(t *testing.T) {
	t.Parallel()
	dsn := database(t, `
		CREATE TABLE medicines (id int PRIMARY KEY, name text, price numeric, min_stock int);
		CREATE TABLE batches (id int PRIMARY KEY, medicine_id int REFERENCES medicines, expiry_date date, quantity int);
		CREATE TABLE patients (id int PRIMARY KEY, first_name text, phone text, gender text, status text, diagnosis text);
		INSERT INTO patients VALUES (1, 'Thandiwe', '+260 97', 'female', 'vip', 'malaria')`)
	p, text := proposed(t, dsn)
	p.must(t, "patient.first_name=first_name")
	for _, secret := range []string{"Thandiwe", "+260", "female", "malaria"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the file", secret)
		}
	}
}

func TestATableThatIsLockedCostsOnlyTheLookAtIt(t *testing.T) {
	t.Parallel()
	dsn := database(t, `
		CREATE TABLE medicines (id int PRIMARY KEY, name text, price numeric, min_stock int, status text CHECK (status IN ('active', 'inactive')));
		CREATE TABLE batches (id int PRIMARY KEY, medicine_id int REFERENCES medicines, expiry_date date, quantity int)`)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "BEGIN; LOCK TABLE medicines"); err != nil {
		t.Fatal(err)
	}
	p, _ := proposed(t, dsn)
	p.must(t, "medicine.table=medicines", "medicine.status=status", "lot.on_hand=quantity")
	p.asked(t, "Nothing says what status may hold")
}

func TestSchemasThatAreTwinsAreAskedAbout(t *testing.T) {
	t.Parallel()
	tables := `
		CREATE TABLE %[1]s.medicines (id int PRIMARY KEY, name text, price numeric, min_stock int);
		CREATE TABLE %[1]s.batches (id int PRIMARY KEY, medicine_id int REFERENCES %[1]s.medicines, expiry_date date, quantity int);
		CREATE TABLE %[1]s.sales (id int PRIMARY KEY, total numeric, sold_at timestamptz);`
	var sql strings.Builder
	for _, schema := range []string{"lifeline", "mercy", "hope"} {
		fmt.Fprintf(&sql, "CREATE SCHEMA %s;"+tables, schema)
	}
	p, _ := proposed(t, database(t, sql.String()))
	p.asked(t, "Is each the schema of a tenant")
	p.must(t, "medicine.table=*.medicines")
	if len(p.Ignored) != 0 { // they are meant by the star
		t.Errorf("left out: %v", p.Ignored)
	}
}

func TestAnEmptyDatabaseIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	p, _ := proposed(t, pgtest.Database(t))
	p.asked(t, "No table looks like the medicines")
}

func FuzzScalar(f *testing.F) {
	for _, s := range []string{"id", "batchNumber", "no", "a: b", "it's", "", "#x", "Số lô", "1e3", "-", "{x}", "null", "a #b", "x:", "\"q\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsFunc(s, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == 0x85 || r == 0xfffd || r == 0x2028 || r == 0x2029 || r == 0xfeff
		}) {
			t.Skip("no name of a column")
		}
		var back struct {
			Flow map[string]string `yaml:"flow"`
		}
		if err := yaml.Unmarshal([]byte("flow: {column: "+scalar(s)+", by: x}\n"), &back); err != nil || back.Flow["column"] != s {
			t.Errorf("%q is written %s and read %q, %v", s, scalar(s), back.Flow["column"], err)
		}
	})
}

func TestWordsOfNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"SaleItems": "sale item", "sale_items": "sale item", "HTTPServerURLs": "http server url", "batches": "batch", "categories": "category", "status": "status",
		"Đơn thuốc": "don thuoc", "expiry-date": "expiry date", "boxes": "box", "sales": "sale",
	} {
		if got := strings.Join(wordsOf(name), " "); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestASchemaForEachTenantIsUnderstood(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	for _, one := range []string{"clinic_north", "clinic_south", "clinic_so"} {
		pgtest.Exec(t, dsn, strings.ReplaceAll(`CREATE SCHEMA %; CREATE TABLE %.medicines (id int PRIMARY KEY, name text, reorder_level int);
			CREATE TABLE %.batches (id int PRIMARY KEY, medicine_id int REFERENCES %.medicines, expiry_date date, quantity int, batch_number text);
			CREATE TABLE %.sales (id int PRIMARY KEY, total numeric)`, "%", one))
	}
	p, _ := proposed(t, dsn)
	p.must(t, "medicine.table=clinic_*.medicines", "medicine.tenant=schema", "lot.table=clinic_*.batches", "lot.tenant=schema", "lot.medicine=medicine_id")
	p.asked(t, "called as the star in clinic_*")
	for names, want := range map[string]string{"a_x b_x": "*_x", "ax ay": "a*", "abc abd ab": "a*", "one two": "*", "t1_app t22_app": "t*_app"} {
		if got := starOf(strings.Fields(names)); got != want {
			t.Errorf("%s are %s, not %s", names, got, want)
		}
	}
}
