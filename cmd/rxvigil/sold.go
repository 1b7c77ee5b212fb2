package main

import (
	"errors"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
)

// Understand takes what reads the images that are kept from now on.
func (e *engine) Understand(m *cdc.Memory) { e.memory = m }

// sold tells how much of a lot was sold, and to whom, by the images of sales: for lots that are called back, which is seldom. It looks at
// every line that was ever seen.
func (e *engine) sold(tenant rxvigil.Tenant, lot string) (sum rxvigil.Number, patients []string) {
	if e.memory == nil {
		return rxvigil.UnknownNumber, nil
	}
	sales := map[string]rxvigil.Number{} // what each sold of it
	each := func(kind rxvigil.Kind, do func(r *rxvigil.Record)) error {
		var failed error
		for _, prefix := range e.memory.Prefixes(kind) {
			err := e.disk.Images(prefix, func(key, value []byte) bool {
				var r *rxvigil.Record
				if r, failed = e.memory.Record(nil, key, value); r != nil && !r.Gone {
					do(r)
				}
				return failed == nil
			})
			if err := errors.Join(err, failed); err != nil {
				return err
			}
		}
		return nil
	}
	err := each(rxvigil.KindSaleLine, func(r *rxvigil.Record) {
		if r.Text(rxvigil.SaleLineLot) == lot {
			id := r.Text(rxvigil.SaleLineSale)
			sales[id] = sales[id].Add(r.Number(rxvigil.SaleLineQuantity))
		}
	})
	if err == nil && len(sales) > 0 {
		err = each(rxvigil.KindSale, func(r *rxvigil.Record) {
			n, of := sales[r.ID]
			if !of || r.Tenant != tenant || !completed(r) {
				return
			}
			sum = sum.Add(n).Trim()
			if p := r.Text(rxvigil.SalePatient); p != "" {
				patients = append(patients, p)
			}
		})
	}
	if err != nil {
		e.logger.Error("sales_not_read", "lot", lot, "error", err.Error())
		return rxvigil.UnknownNumber, nil
	}
	return sum, patients
}

func completed(sale *rxvigil.Record) bool {
	switch status := sale.Value(rxvigil.SaleStatus); status.Text() {
	case "completed", "partially_returned":
		return true
	case "":
		return status.IsUnknown()
	}
	return false
}
