package pharmacy

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// lowAtEase is how many low subjects the staff mostly bears with, so that some are always there to be seen and some of them
// sell out; what is above that is ordered at once.
const lowAtEase = 7

// restock orders for what has run low: up to its maximum, in a new lot that replaces the empty ones.
func (s *staff) restock(ctx context.Context, tx pgx.Tx) error {
	const low = `
		SELECT p.id, b.id, count(*) OVER ()
		FROM products p JOIN branches b USING (tenant_id) JOIN tenants t ON t.id = b.tenant_id
		LEFT JOIN inventory i ON i.product_id = p.id AND i.branch_id = b.id
		     AND (i.expiry_date IS NULL OR i.expiry_date >= (now() AT TIME ZONE t.zone)::date)
		WHERE p.status = 'active'
		GROUP BY p.id, b.id
		HAVING coalesce(sum(i.quantity_on_hand - i.quantity_reserved), 0) <= p.reorder_level
		ORDER BY random()`
	rows, err := tx.Query(ctx, low)
	if err != nil {
		return fmt.Errorf("look for what is low: %w", err)
	}
	var found []subject
	var product int64
	var branchID, count int
	if _, err := pgx.ForEachRow(rows, []any{&product, &branchID, &count}, func() error {
		found = append(found, subject{s.branchByID(branchID), product})
		return nil
	}); err != nil {
		return fmt.Errorf("look for what is low: %w", err)
	}
	if len(found) == 0 || len(found) <= lowAtEase && s.rand.IntN(4) > 0 {
		return nil
	}
	deliveries := 1
	if len(found) > lowAtEase {
		deliveries = min(4, len(found)-lowAtEase)
	}
	for _, f := range found[:deliveries] {
		if err := s.receive(ctx, tx, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *staff) branchByID(id int) branch {
	for _, b := range s.branches {
		if b.id == id {
			return b
		}
	}
	return branch{id: id}
}

// receive puts a new lot on the shelf. One in twelve comes with a short date.
func (s *staff) receive(ctx context.Context, tx pgx.Tx, f subject) error {
	const clear = `DELETE FROM inventory WHERE branch_id = $1 AND product_id = $2 AND quantity_on_hand = 0 AND quantity_reserved = 0`
	const lot = `
		INSERT INTO inventory (tenant_id, branch_id, product_id, batch_number, expiry_date, quantity_on_hand, cost_price)
		SELECT $1, $2, p.id, $4, (now() AT TIME ZONE $5)::date + $6::integer,
		       greatest(1, p.max_level - coalesce((SELECT sum(quantity_on_hand) FROM inventory
		                                           WHERE branch_id = $2 AND product_id = p.id), 0)), p.unit_cost
		FROM products p WHERE p.id = $3
		RETURNING id`
	const book = `
		INSERT INTO stock_movements (tenant_id, branch_id, product_id, inventory_id, movement_type, quantity, note)
		SELECT tenant_id, branch_id, product_id, id, 'in', quantity_on_hand, 'delivery' FROM inventory WHERE id = $1`
	days := 200 + s.rand.IntN(400)
	if s.rand.IntN(12) == 0 {
		days = 10 + s.rand.IntN(20)
	}
	if _, err := tx.Exec(ctx, clear, f.branch.id, f.product); err != nil {
		return fmt.Errorf("clear the shelf: %w", err)
	}
	batch := fmt.Sprintf("%s-%05d", f.branch.code, s.rand.IntN(100_000))
	var id int64
	if err := tx.QueryRow(ctx, lot, f.branch.tenant, f.branch.id, f.product, batch, f.branch.zone, days).Scan(&id); err != nil {
		return fmt.Errorf("receive a lot: %w", err)
	}
	_, err := tx.Exec(ctx, book, id)
	return err
}

// correctExpiry ends a typing error in an expiry date, or makes one.
func (s *staff) correctExpiry(ctx context.Context, tx pgx.Tx) error {
	const worry = `
		UPDATE inventory SET expiry_date = (now() AT TIME ZONE $2)::date + $3::integer, updated_at = now()
		WHERE id = (SELECT id FROM inventory
		            WHERE branch_id = $1 AND quantity_on_hand > 0 AND expiry_date > (now() AT TIME ZONE $2)::date + 30
		            ORDER BY random() LIMIT 1)`
	const relieve = `
		UPDATE inventory SET expiry_date = expiry_date + 365, updated_at = now()
		WHERE id = (SELECT id FROM inventory
		            WHERE branch_id = $1 AND quantity_on_hand > 0
		              AND expiry_date BETWEEN (now() AT TIME ZONE $2)::date - 30 AND (now() AT TIME ZONE $2)::date + 30
		            ORDER BY random() LIMIT 1)`
	b := s.branch()
	if s.rand.IntN(2) == 0 {
		_, err := tx.Exec(ctx, relieve, b.id, b.zone)
		return err
	}
	_, err := tx.Exec(ctx, worry, b.id, b.zone, s.rand.IntN(28)-2)
	return err
}

// writeOff takes the lot that expired first, or is about to, off the shelf and off the books.
func (s *staff) writeOff(ctx context.Context, tx pgx.Tx) error {
	const oldest = `
		SELECT id, quantity_on_hand FROM inventory
		WHERE branch_id = $1 AND quantity_on_hand > 0 AND quantity_reserved = 0 AND expiry_date < (now() AT TIME ZONE $2)::date + 3
		ORDER BY expiry_date LIMIT 1 FOR UPDATE`
	b := s.branch()
	var lot int64
	var quantity int
	if err := tx.QueryRow(ctx, oldest, b.id, b.zone).Scan(&lot, &quantity); errors.Is(err, pgx.ErrNoRows) {
		return nil
	} else if err != nil {
		return fmt.Errorf("look for what is to be written off: %w", err)
	}
	return adjust(ctx, tx, lot, -quantity, "written off")
}

// adjust changes a lot and books it.
func adjust(ctx context.Context, tx pgx.Tx, lot int64, by int, why string) error {
	const change = `UPDATE inventory SET quantity_on_hand = quantity_on_hand + $2, updated_at = now() WHERE id = $1`
	const book = `
		INSERT INTO stock_movements (tenant_id, branch_id, product_id, inventory_id, movement_type, quantity, note)
		SELECT tenant_id, branch_id, product_id, id, 'adjustment', $2, $3 FROM inventory WHERE id = $1`
	if _, err := tx.Exec(ctx, change, lot, by); err != nil {
		return fmt.Errorf("adjust stock: %w", err)
	}
	if _, err := tx.Exec(ctx, book, lot, by, why); err != nil {
		return fmt.Errorf("book an adjustment: %w", err)
	}
	return nil
}

// miscount is the one mistake the app makes: a quantity is overtyped and nothing is booked. One stands at a time.
func (s *staff) miscount(ctx context.Context, tx pgx.Tx) error {
	if s.mistake != nil {
		return nil
	}
	const overtype = `
		UPDATE inventory SET quantity_on_hand = quantity_on_hand - $2, updated_at = now()
		WHERE id = (SELECT id FROM inventory
		            WHERE branch_id = $1 AND quantity_on_hand - quantity_reserved > 10 ORDER BY random() LIMIT 1)
		RETURNING product_id`
	b := s.branch()
	var product int64
	if err := tx.QueryRow(ctx, overtype, b.id, 1+s.rand.IntN(5)).Scan(&product); errors.Is(err, pgx.ErrNoRows) {
		return nil
	} else if err != nil {
		return fmt.Errorf("miscount: %w", err)
	}
	s.mistake = &subject{b, product}
	return nil
}

// count finds the mistake and books the difference.
func (s *staff) count(ctx context.Context, tx pgx.Tx) error {
	if s.mistake == nil {
		return nil
	}
	const book = `
		INSERT INTO stock_movements (tenant_id, branch_id, product_id, inventory_id, movement_type, quantity, note)
		SELECT $1, $2, $3, 0, 'adjustment', stock.sum - ledger.sum, 'stock count'
		FROM (SELECT coalesce(sum(quantity_on_hand), 0) AS sum FROM inventory WHERE branch_id = $2 AND product_id = $3) AS stock,
		     (SELECT coalesce(sum(CASE movement_type WHEN 'out' THEN -quantity ELSE quantity END), 0) AS sum
		      FROM stock_movements WHERE branch_id = $2 AND product_id = $3) AS ledger
		WHERE stock.sum <> ledger.sum`
	m := s.mistake
	if _, err := tx.Exec(ctx, book, m.branch.tenant, m.branch.id, m.product); err != nil {
		return fmt.Errorf("count stock: %w", err)
	}
	s.mistake = nil
	return nil
}
