package pharmacy

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// pick is a quantity of one lot.
type pick struct {
	lot      int64
	quantity int
}

// fefo takes wanted units of what may be sold, the first to expire first; fewer when there are not so many.
func fefo(ctx context.Context, tx pgx.Tx, b branch, product int64, wanted int) ([]pick, error) {
	const lots = `
		SELECT id, quantity_on_hand - quantity_reserved FROM inventory
		WHERE branch_id = $1 AND product_id = $2 AND quantity_on_hand > quantity_reserved
		  AND (expiry_date IS NULL OR expiry_date >= (now() AT TIME ZONE $3)::date)
		ORDER BY expiry_date, id
		FOR UPDATE`
	rows, err := tx.Query(ctx, lots, b.id, product, b.zone)
	if err != nil {
		return nil, fmt.Errorf("look for stock: %w", err)
	}
	var picks []pick
	var lot int64
	var free int
	_, err = pgx.ForEachRow(rows, []any{&lot, &free}, func() error {
		if n := min(free, wanted); n > 0 {
			picks = append(picks, pick{lot, n})
			wanted -= n
		}
		return nil
	})
	return picks, err
}

// openSale begins a sale and gives its id.
func (s *staff) openSale(ctx context.Context, tx pgx.Tx, b branch, patient *string) (id string, err error) {
	const begin = `INSERT INTO sales (tenant_id, branch_id, patient_id) VALUES ($1, $2, $3) RETURNING id`
	if err := tx.QueryRow(ctx, begin, b.tenant, b.id, patient).Scan(&id); err != nil {
		return "", fmt.Errorf("open a sale: %w", err)
	}
	return id, nil
}

// addLine puts picks of one product on a sale and reserves them; prescriptionItem is nil for a sale over the counter.
func addLine(ctx context.Context, tx pgx.Tx, sale string, product int64, picks []pick, prescriptionItem *string) error {
	const line = `
		INSERT INTO sale_items (sale_id, product_id, inventory_id, quantity, unit_price, prescription_item_id)
		SELECT $1, id, $3, $4, selling_price, $5 FROM products WHERE id = $2`
	const hold = `UPDATE inventory SET quantity_reserved = quantity_reserved + $2, updated_at = now() WHERE id = $1`
	for _, p := range picks {
		if _, err := tx.Exec(ctx, line, sale, product, p.lot, p.quantity, prescriptionItem); err != nil {
			return fmt.Errorf("add a line: %w", err)
		}
		if _, err := tx.Exec(ctx, hold, p.lot, p.quantity); err != nil {
			return fmt.Errorf("reserve stock: %w", err)
		}
	}
	return nil
}

// total sets what a sale costs.
func total(ctx context.Context, tx pgx.Tx, sale string) error {
	const sum = `
		UPDATE sales SET total_amount = (SELECT coalesce(sum(quantity * unit_price), 0) FROM sale_items WHERE sale_id = $1)
		WHERE id = $1`
	_, err := tx.Exec(ctx, sum, sale)
	return err
}

// complete turns the reservations of an open sale into movements out.
func complete(ctx context.Context, tx pgx.Tx, sale string) error {
	const take = `
		UPDATE inventory i
		SET quantity_on_hand = quantity_on_hand - l.quantity, quantity_reserved = quantity_reserved - l.quantity, updated_at = now()
		FROM (SELECT inventory_id, sum(quantity) AS quantity FROM sale_items WHERE sale_id = $1 GROUP BY 1) AS l
		WHERE i.id = l.inventory_id`
	const book = `
		INSERT INTO stock_movements (tenant_id, branch_id, product_id, inventory_id, movement_type, quantity, note)
		SELECT s.tenant_id, s.branch_id, l.product_id, l.inventory_id, 'out', l.quantity, 'sale ' || s.sale_number
		FROM sale_items l JOIN sales s ON s.id = l.sale_id WHERE s.id = $1`
	const paid = `UPDATE sales SET status = 'completed' WHERE id = $1`
	for _, sql := range []string{take, book, paid} {
		if _, err := tx.Exec(ctx, sql, sale); err != nil {
			return fmt.Errorf("complete a sale: %w", err)
		}
	}
	return nil
}

// basket opens a sale of one to three products; ok is false when nothing of it is there.
func (s *staff) basket(ctx context.Context, tx pgx.Tx, b branch) (sale string, ok bool, err error) {
	chosen := map[int64]bool{}
	for range 1 + s.rand.IntN(3) {
		p := s.wanted(b.tenant, false)
		picks, err := fefo(ctx, tx, b, p.id, s.amount(p))
		if err != nil {
			return "", false, err
		}
		if len(picks) == 0 || chosen[p.id] {
			continue
		}
		chosen[p.id] = true
		if sale == "" {
			if sale, err = s.openSale(ctx, tx, b, nil); err != nil {
				return "", false, err
			}
		}
		if err := addLine(ctx, tx, sale, p.id, picks, nil); err != nil {
			return "", false, err
		}
	}
	if sale == "" {
		return "", false, nil
	}
	return sale, true, total(ctx, tx, sale)
}

// sell is a cash sale, opened and completed at once.
func (s *staff) sell(ctx context.Context, tx pgx.Tx) error {
	sale, ok, err := s.basket(ctx, tx, s.branch())
	if err != nil || !ok {
		return err
	}
	return complete(ctx, tx, sale)
}

// reserve is a sale that waits to be paid.
func (s *staff) reserve(ctx context.Context, tx pgx.Tx) error {
	if len(s.open) >= maxOpenSales {
		return s.settle(ctx, tx)
	}
	b := s.branch()
	sale, ok, err := s.basket(ctx, tx, b)
	if err == nil && ok {
		s.open = append(s.open[:len(s.open):len(s.open)], openSale{sale, b})
	}
	return err
}

// settle completes the sale that has waited longest, or cancels it.
func (s *staff) settle(ctx context.Context, tx pgx.Tx) error {
	if len(s.open) == 0 {
		return s.sell(ctx, tx)
	}
	sale := s.open[0]
	s.open = s.open[1:]
	if s.rand.IntN(100) < 85 {
		return complete(ctx, tx, sale.id)
	}
	const release = `
		UPDATE inventory i SET quantity_reserved = quantity_reserved - l.quantity, updated_at = now()
		FROM (SELECT inventory_id, sum(quantity) AS quantity FROM sale_items WHERE sale_id = $1 GROUP BY 1) AS l
		WHERE i.id = l.inventory_id`
	const cancel = `UPDATE sales SET status = 'cancelled' WHERE id = $1`
	for _, sql := range []string{release, cancel} {
		if _, err := tx.Exec(ctx, sql, sale.id); err != nil {
			return fmt.Errorf("cancel a sale: %w", err)
		}
	}
	return nil
}

// takeBack returns a recent sale to the shelf, when its lots are still there.
func (s *staff) takeBack(ctx context.Context, tx pgx.Tx) error {
	const recent = `
		SELECT id FROM sales s WHERE branch_id = $1 AND status = 'completed'
		  AND sale_number > (SELECT max(sale_number) FROM sales) - 200
		  AND NOT EXISTS (SELECT FROM sale_items l WHERE l.sale_id = s.id AND (l.prescription_item_id IS NOT NULL
		        OR NOT EXISTS (SELECT FROM inventory i WHERE i.id = l.inventory_id)))
		ORDER BY sale_number DESC LIMIT 1`
	var sale string
	if err := tx.QueryRow(ctx, recent, s.branch().id).Scan(&sale); errors.Is(err, pgx.ErrNoRows) {
		return nil
	} else if err != nil {
		return fmt.Errorf("find a sale to return: %w", err)
	}
	const shelve = `
		UPDATE inventory i SET quantity_on_hand = quantity_on_hand + l.quantity, updated_at = now()
		FROM (SELECT inventory_id, sum(quantity) AS quantity FROM sale_items WHERE sale_id = $1 GROUP BY 1) AS l
		WHERE i.id = l.inventory_id`
	const book = `
		INSERT INTO stock_movements (tenant_id, branch_id, product_id, inventory_id, movement_type, quantity, note)
		SELECT s.tenant_id, s.branch_id, l.product_id, l.inventory_id, 'in', l.quantity, 'return of sale ' || s.sale_number
		FROM sale_items l JOIN sales s ON s.id = l.sale_id WHERE s.id = $1`
	const returned = `UPDATE sales SET status = 'returned' WHERE id = $1`
	for _, sql := range []string{shelve, book, returned} {
		if _, err := tx.Exec(ctx, sql, sale); err != nil {
			return fmt.Errorf("return a sale: %w", err)
		}
	}
	return nil
}
