package pharmacy

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// maxWaiting is how many prescriptions may wait; then no new ones are written until some are dispensed.
const maxWaiting = 30

// prescribe writes a prescription of one to three medicines.
func (s *staff) prescribe(ctx context.Context, tx pgx.Tx) error {
	const head = `
		INSERT INTO prescriptions (tenant_id, branch_id, patient_id, valid_until)
		SELECT $1, $2, (SELECT id FROM patients WHERE tenant_id = $1 ORDER BY random() LIMIT 1), (now() AT TIME ZONE $3)::date + 30
		WHERE (SELECT count(*) FROM (SELECT FROM prescriptions WHERE status IN ('pending', 'partially_dispensed') LIMIT $4) AS w) < $4
		RETURNING id`
	const line = `INSERT INTO prescription_items (prescription_id, product_id, quantity, dosage) VALUES ($1, $2, $3, 'twice a day')`
	b := s.branch()
	var id string
	if err := tx.QueryRow(ctx, head, b.tenant, b.id, b.zone, maxWaiting).Scan(&id); errors.Is(err, pgx.ErrNoRows) {
		return s.dispense(ctx, tx)
	} else if err != nil {
		return fmt.Errorf("write a prescription: %w", err)
	}
	chosen := map[int64]bool{}
	for range 1 + s.rand.IntN(3) {
		p := s.wanted(b.tenant, true)
		if chosen[p.id] {
			continue
		}
		chosen[p.id] = true
		if _, err := tx.Exec(ctx, line, id, p.id, 2*s.amount(p)); err != nil {
			return fmt.Errorf("write a prescription's line: %w", err)
		}
	}
	return nil
}

// due is a prescription's line that waits.
type due struct {
	item    string
	product int64
	missing int
}

// dispense serves the prescription that has waited longest in a branch, as far as there is stock.
func (s *staff) dispense(ctx context.Context, tx pgx.Tx) error {
	const oldest = `
		SELECT id, patient_id FROM prescriptions
		WHERE branch_id = $1 AND status IN ('pending', 'partially_dispensed')
		ORDER BY status DESC, written_at LIMIT 1 FOR UPDATE`
	b := s.branch()
	var prescription, patient string
	if err := tx.QueryRow(ctx, oldest, b.id).Scan(&prescription, &patient); errors.Is(err, pgx.ErrNoRows) {
		return nil
	} else if err != nil {
		return fmt.Errorf("look for a prescription: %w", err)
	}
	if s.rand.IntN(20) == 0 {
		const cancel = `UPDATE prescriptions SET status = 'cancelled' WHERE id = $1 AND status = 'pending'`
		_, err := tx.Exec(ctx, cancel, prescription)
		return err
	}
	lines, err := waiting(ctx, tx, prescription)
	if err != nil {
		return err
	}
	served, err := s.serve(ctx, tx, b, patient, lines)
	if err != nil || !served {
		return err
	}
	const status = `
		UPDATE prescriptions SET status = CASE
		    WHEN EXISTS (SELECT FROM prescription_items WHERE prescription_id = $1 AND dispensed < quantity)
		    THEN 'partially_dispensed' ELSE 'dispensed' END
		WHERE id = $1`
	if _, err := tx.Exec(ctx, status, prescription); err != nil {
		return fmt.Errorf("close a prescription: %w", err)
	}
	return nil
}

func waiting(ctx context.Context, tx pgx.Tx, prescription string) ([]due, error) {
	const sql = `
		SELECT id, product_id, quantity - dispensed FROM prescription_items
		WHERE prescription_id = $1 AND dispensed < quantity ORDER BY product_id`
	rows, err := tx.Query(ctx, sql, prescription)
	if err != nil {
		return nil, fmt.Errorf("read a prescription: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d due, err error) {
		return d, row.Scan(&d.item, &d.product, &d.missing)
	})
}

// serve sells what of the lines is there, and says whether that was anything.
func (s *staff) serve(ctx context.Context, tx pgx.Tx, b branch, patient string, lines []due) (bool, error) {
	const handed = `UPDATE prescription_items SET dispensed = dispensed + $2 WHERE id = $1`
	sale := ""
	for _, d := range lines {
		picks, err := fefo(ctx, tx, b, d.product, d.missing)
		if err != nil {
			return false, err
		}
		if len(picks) == 0 {
			continue
		}
		if sale == "" {
			if sale, err = s.openSale(ctx, tx, b, &patient); err != nil {
				return false, err
			}
		}
		if err := addLine(ctx, tx, sale, d.product, picks, &d.item); err != nil {
			return false, err
		}
		n := 0
		for _, p := range picks {
			n += p.quantity
		}
		if _, err := tx.Exec(ctx, handed, d.item, n); err != nil {
			return false, fmt.Errorf("dispense a line: %w", err)
		}
	}
	if sale == "" {
		return false, nil
	}
	if err := total(ctx, tx, sale); err != nil {
		return false, err
	}
	return true, complete(ctx, tx, sale)
}

// register adds a patient: a child of one who is known.
func (s *staff) register(ctx context.Context, tx pgx.Tx) error {
	const child = `
		INSERT INTO patients (tenant_id, first_name, last_name, date_of_birth, phone)
		SELECT $1, a.first_name, b.last_name, (now() AT TIME ZONE $2)::date - $3::integer, b.phone
		FROM (SELECT first_name FROM patients WHERE tenant_id = $1 ORDER BY random() LIMIT 1) AS a,
		     (SELECT last_name, phone FROM patients WHERE tenant_id = $1 ORDER BY random() LIMIT 1) AS b`
	b := s.branch()
	_, err := tx.Exec(ctx, child, b.tenant, b.zone, s.rand.IntN(4000))
	return err
}

// newPhone changes a patient's number.
func (s *staff) newPhone(ctx context.Context, tx pgx.Tx) error {
	const change = `
		UPDATE patients SET phone = left(phone, 5) || $2, updated_at = now()
		WHERE id = (SELECT id FROM patients WHERE tenant_id = $1 ORDER BY random() LIMIT 1)`
	_, err := tx.Exec(ctx, change, s.branch().tenant, fmt.Sprintf("%08d", s.rand.IntN(100_000_000)))
	return err
}

// reprice sets a price within a tenth of what it was at first.
func (s *staff) reprice(ctx context.Context, tx pgx.Tx) error {
	const change = `
		UPDATE products SET selling_price = round($2::numeric * $3 / 100, 2), updated_at = now() WHERE id = $1 AND status = 'active'`
	all := s.products[s.branch().tenant]
	p := all[s.rand.IntN(len(all))]
	_, err := tx.Exec(ctx, change, p.id, p.price, 90+s.rand.IntN(21))
	return err
}
