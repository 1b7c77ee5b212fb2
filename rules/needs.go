package rules

// Need says what a kind of alert cannot be judged without, and what makes it sharper, as "lot.on_hand".
type Need struct {
	Rule string
	// All must be mapped and have values, or the kind can never fire.
	All []string
	// Better are inputs without which a part of the kind is left out; Without says which. "a or b" is there where one of them is.
	Better  []string
	Without string
}

// Needs lists the kinds that are judged from the app's rows.
func Needs() []Need {
	return []Need{
		{Rule: "low_stock", All: []string{"lot.medicine", "lot.on_hand"}, Better: []string{"medicine.reorder_level or level.reorder_level"}, Without: "only an empty shelf is told, not a low one"},
		{Rule: "negative_stock", All: []string{"lot.medicine", "lot.on_hand"}, Better: []string{"lot.reserved"}, Without: "reservations are not looked at"},
		{Rule: "expiry", All: []string{"lot.medicine", "lot.on_hand", "lot.expires"}, Better: []string{"lot.held"}, Without: "lots that are blocked count as on sale"},
		{Rule: "ledger_mismatch", All: []string{"lot.medicine", "lot.on_hand", "movement.medicine", "movement.quantity"}, Better: []string{"movement.lot"}, Without: "the ledger is compared by medicine, not by lot"},
		{Rule: "projected_stockout", All: []string{"lot.medicine", "lot.on_hand", "sale_line.medicine", "sale_line.quantity"}, Better: []string{"sale.at", "movement.at"}, Without: "use is known only from what was watched"},
		{Rule: "will_not_sell_before_expiry", All: []string{"lot.on_hand", "lot.expires", "sale_line.medicine", "sale_line.quantity"}, Better: []string{"lot.cost"}, Without: "units are counted, not their value"},
		{Rule: "overstock", All: []string{"lot.medicine", "lot.on_hand", "sale_line.medicine", "sale_line.quantity"}, Better: []string{"medicine.max_level or level.max_level"}, Without: "only limits of the pack and of people count"},
		{Rule: "dead_stock", All: []string{"lot.on_hand", "sale_line.medicine", "sale_line.quantity"}, Better: []string{"sale.at"}, Without: "only sales that were watched count"},
		{Rule: "expired_dispense", All: []string{"sale_line.medicine", "lot.expires"}, Better: []string{"sale_line.lot"}, Without: "a sale is told only where every lot had expired"},
		{Rule: "fefo_violation", All: []string{"sale_line.lot", "lot.expires", "lot.on_hand"}},
		{Rule: "oversell", All: []string{"sale_line.medicine", "sale_line.quantity", "lot.on_hand"}},
		{Rule: "rx_missing", All: []string{"sale_line.medicine", "medicine.requires_prescription", "sale_line.prescription_line"}, Better: []string{"medicine.controlled", "sale.patient"}, Without: "a prescription of another patient counts, and no medicine is known as controlled"},
		{Rule: "sale_stock_mismatch", All: []string{"sale.status", "sale_line.quantity", "lot.on_hand"}, Better: []string{"lot.reserved"}, Without: "only sales that were completed are looked at"},
		{Rule: "dispensing_mismatch", All: []string{"sale_line.quantity", "lot.on_hand"}, Better: []string{"prescription_line.dispensed", "prescription_line.quantity"}, Without: "only sales are compared with stock"},
		{Rule: "prescription_pending", All: []string{"prescription.status"}, Better: []string{"prescription.written_at"}, Without: "a prescription waits since it was first seen"},
		{Rule: "prescription_expired", All: []string{"prescription.status", "prescription.valid_until"}},
		{Rule: "duplicate_therapy", All: []string{"prescription.patient", "prescription_line.medicine"}, Better: []string{"prescription_line.days_supply"}, Without: "what a patient still has at home is not known"},
		{Rule: "price_below_cost", All: []string{"medicine.price", "medicine.cost"}},
		{Rule: "price_change", All: []string{"medicine.price"}},
		{Rule: "recall", All: []string{"recall.number", "lot.number", "lot.on_hand"}, Better: []string{"recall.medicine"}, Without: "a number counts for every medicine"},
		{Rule: "recalled_dispense", All: []string{"recall.number", "lot.number", "sale_line.lot"}, Better: []string{"sale.patient"}, Without: "who has it is not known"},
		{Rule: "sold_below_cost", All: []string{"sale_line.unit_price", "sale_line.quantity"}, Better: []string{"lot.cost", "medicine.cost", "sale_line.discount"}, Without: "one of the costs, or discounts, are not looked at"},
		{Rule: "refill_due", All: []string{"prescription_line.days_supply", "prescription_line.refills", "prescription_line.dispensed"}},
		{Rule: "refill_early", All: []string{"prescription_line.days_supply", "prescription_line.dispensed"}, Better: []string{"medicine.controlled"}, Without: "no medicine is known as controlled"},
		{Rule: "low_adherence", All: []string{"prescription_line.days_supply", "prescription_line.refills", "prescription_line.dispensed"}},
		{Rule: "no_sales", All: []string{"sale.status"}},
		{Rule: "cold_chain", All: []string{"reading.sensor", "reading.celsius"}, Better: []string{"reading.at", "reading.low", "reading.high"}, Without: "a refrigerator's limits count"},
		{Rule: "sales_spike", All: []string{"sale_line.medicine", "sale_line.quantity"}, Better: []string{"sale.at"}, Without: "what is usual is known only from what was watched"},
	}
}
