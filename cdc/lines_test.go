package cdc

import "testing"

func TestADocumentIsToldWithItsLines(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	want(t, "a sale with two lines", s.tells(`BEGIN;
		INSERT INTO sales VALUES ('s1', 't1', 'b1', 'open', 3);
		INSERT INTO sale_items VALUES (1, 's1', 1, 2), (2, 's1', 2, 1);
		COMMIT`), `
		+ sale s1 [t1/b1] status=pending total=3 note=null
		| 1 [t1/b1] sale=s1 medicine=1 quantity=2
		| 2 [t1/b1] sale=s1 medicine=2 quantity=1
		+ sale_line 1 [t1/b1] sale=s1 medicine=1 quantity=2
		+ sale_line 2 [t1/b1] sale=s1 medicine=2 quantity=1`)
	want(t, "the sale alone", s.tells("UPDATE sales SET status = 'paid'"), `
		~ sale s1 [t1/b1] status=pending>completed
		| 1 [t1/b1] sale=s1 medicine=1 quantity=2
		| 2 [t1/b1] sale=s1 medicine=2 quantity=1`)
	want(t, "a line updated, one added, one deleted, the header unchanged", s.tells(`BEGIN;
		UPDATE sale_items SET quantity = 5 WHERE id = 1;
		INSERT INTO sale_items VALUES (3, 's1', 1, 1);
		DELETE FROM sale_items WHERE id = 2;
		COMMIT`), `
		~ sale s1 [t1/b1]
		| was 1 [t1/b1] sale=s1 medicine=1 quantity=2
		| was 2 [t1/b1] sale=s1 medicine=2 quantity=1
		| 1 [t1/b1] sale=s1 medicine=1 quantity=5
		| 3 [t1/b1] sale=s1 medicine=1 quantity=1
		~ sale_line 1 [t1/b1] quantity=2>5
		+ sale_line 3 [t1/b1] sale=s1 medicine=1 quantity=1
		- sale_line 2 [t1/b1] sale=s1 medicine=2 quantity=1`)
	want(t, "a touched header and a line that ends as it was", s.tells(`BEGIN;
		UPDATE sales SET note = 'x'; UPDATE sale_items SET quantity = 9 WHERE id = 1; UPDATE sale_items SET quantity = 5 WHERE id = 1;
		COMMIT`), `
		~ sale s1 [t1/b1] note=null>x
		| 1 [t1/b1] sale=s1 medicine=1 quantity=5
		| 3 [t1/b1] sale=s1 medicine=1 quantity=1`)
	want(t, "everything deleted", s.tells("BEGIN; DELETE FROM sale_items; DELETE FROM sales; COMMIT"), `
		- sale s1 [t1/b1] status=completed total=3 note=x
		| was 1 [t1/b1] sale=s1 medicine=1 quantity=5
		| was 3 [t1/b1] sale=s1 medicine=1 quantity=1
		- sale_line 3 [t1/b1] sale=s1 medicine=1 quantity=1
		- sale_line 1 [t1/b1] sale=s1 medicine=1 quantity=5`)
}

func TestALineThatMovesTouchesBothDocuments(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.tells("INSERT INTO sales VALUES ('s1', 't1', 'b1', 'open', 3), ('s2', 't2', 'b9', 'open', 4); INSERT INTO sale_items VALUES (1, 's1', 1, 2)")
	want(t, "a line moves to another tenant's sale", s.tells("UPDATE sale_items SET sale = 's2'"), `
		~ sale s1 [t1/b1]
		| was 1 [t1/b1] sale=s1 medicine=1 quantity=2
		~ sale s2 [t2/b9]
		| 1 [t2/b9] sale=s2 medicine=1 quantity=2
		- sale_line 1 [t1/b1] sale=s1 medicine=1 quantity=2
		+ sale_line 1 [t2/b9] sale=s2 medicine=1 quantity=2`)
	want(t, "a sale moves to another tenant", s.tells("UPDATE sales SET tenant = 't1' WHERE id = 's2'"), `
		- sale s2 [t2/b9] status=pending total=4 note=null
		| 1 [t2/b9] sale=s2 medicine=1 quantity=2
		+ sale s2 [t1/b9] status=pending total=4 note=null
		| 1 [t1/b9] sale=s2 medicine=1 quantity=2`)
}

func TestALineTakesTenantAndBranchFromItsParentWhereverThatStands(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	want(t, "the parent comes later in the transaction", s.tells("BEGIN; INSERT INTO sale_items VALUES (1, 's1', 1, 2); INSERT INTO sales VALUES ('s1', 't1', 'b1', 'open', 3); COMMIT"), `
		+ sale s1 [t1/b1] status=pending total=3 note=null
		| 1 [t1/b1] sale=s1 medicine=1 quantity=2
		+ sale_line 1 [t1/b1] sale=s1 medicine=1 quantity=2`)
	want(t, "there is no parent", s.tells("INSERT INTO sale_items VALUES (2, 's2', 1, 2), (3, NULL, 1, 2)"), `
		! no_parent of sale_line public.sale_items. "" []
		! no_parent of sale_line public.sale_items. "" []`)
	want(t, "it comes in another transaction", s.tells("INSERT INTO sales VALUES ('s2', 't1', 'b1', 'open', 3)"), `
		+ sale s2 [t1/b1] status=pending total=3 note=null
		| 2 [t1/b1] sale=s2 medicine=1 quantity=2`)
	want(t, "its parent has no tenant", s.tells("BEGIN; INSERT INTO sales VALUES ('s3', NULL, 'b1', 'open', 3); INSERT INTO sale_items VALUES (4, 's3', 1, 2); COMMIT"), `
		! no_tenant of sale_line public.sale_items. "" []
		! no_tenant of sale public.sales. "" []`)
	want(t, "the parent goes and leaves its line", s.tells("DELETE FROM sales WHERE id = 's2'"), `
		- sale s2 [t1/b1] status=pending total=3 note=null
		| 2 [t1/b1] sale=s2 medicine=1 quantity=2`)
}

func TestLinesReadInAPictureBelongToTheirDocument(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked+"INSERT INTO sales VALUES ('s1', 't1', 'b1', 'open', 3); INSERT INTO sale_items VALUES (1, 's1', 1, 2), (2, 'nowhere', 1, 2)", shopMapping)
	s.boot()
	want(t, "a line of a pictured sale", s.tells("UPDATE sale_items SET quantity = 3 WHERE id = 1"), `
		~ sale s1 [t1/b1]
		| was 1 [t1/b1] sale=s1 medicine=1 quantity=2
		| 1 [t1/b1] sale=s1 medicine=1 quantity=3
		~ sale_line 1 [t1/b1] quantity=2>3`)
	if faults := s.sink.look().faults; len(faults) != 1 || faults[0].Reason != "no_parent" {
		t.Errorf("faults %+v", faults)
	}
	want(t, "lines truncated", s.tells("TRUNCATE sale_items"), `
		~ sale s1 [t1/b1]
		| was 1 [t1/b1] sale=s1 medicine=1 quantity=3
		- sale_line 1 [t1/b1] sale=s1 medicine=1 quantity=3
		! no_parent of sale_line public.sale_items. "" []`)
}
