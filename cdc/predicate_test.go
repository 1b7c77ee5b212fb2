package cdc

import "testing"

func TestAListOfPredicatesHoldsWhereAllOfThemDo(t *testing.T) {
	t.Parallel()
	s := open(t, `
		CREATE TABLE medicines (id int PRIMARY KEY, tenant text, name text, kind text, active bool, archived timestamptz, leaflet text);
		CREATE TABLE lots (id int PRIMARY KEY, tenant text);
		ALTER TABLE medicines ALTER leaflet SET STORAGE EXTERNAL;`, `
medicine:
  table: medicines
  key: id
  tenant: tenant
  where: [{column: kind, in: [drug, device]}, {column: leaflet, not_in: [draft]}]
  gone:
    - {column: active, true: false}
    - {column: archived, null: false}
  fields: {name: name}
lot: {table: lots, key: id, tenant: tenant}`)
	s.boot()
	want(t, "rows of which one, the other, both and none of the predicates hold", s.tells(`INSERT INTO medicines VALUES
		(1, 't1', 'Drug', 'drug', true, NULL, repeat('long', 3000)), (2, 't1', 'Draft', 'drug', true, NULL, 'draft'), (3, 't1', 'Soap', 'soap', true, NULL, NULL)`),
		"+ medicine 1 [t1/] name=Drug")
	want(t, "half of what makes it gone", s.tells("UPDATE medicines SET active = false"), "")
	want(t, "all of it, with a value too long to be sent again", s.tells("UPDATE medicines SET archived = now()"), "~ medicine 1 [t1/] gone")
	want(t, "one that stops to hold", s.tells("UPDATE medicines SET kind = 'soap'"), "- medicine 1 [t1/] gone name=Drug")
	want(t, "one that begins to, where the row does not tell the other", s.tells("UPDATE medicines SET kind = 'device' WHERE id = 1"), "")
	want(t, "both", s.tells("UPDATE medicines SET leaflet = 'short' WHERE id = 1"), "+ medicine 1 [t1/] gone name=Drug")
}

func TestAPredicateMayAskAboutARowThatIsLookedUp(t *testing.T) {
	t.Parallel()
	s := open(t, `
		CREATE TABLE documents (id int PRIMARY KEY, tenant text, kind text, mirror bool, void bool DEFAULT false);
		CREATE TABLE document_lines (id int PRIMARY KEY, document int, medicine int, quantity int);
		CREATE TABLE medicines (id int PRIMARY KEY, tenant text, name text);
		CREATE TABLE lots (id int PRIMARY KEY, tenant text, medicine int);
		INSERT INTO documents VALUES (1, 't1', 'sale', false), (2, 't1', 'order', false);
		INSERT INTO document_lines VALUES (1, 1, 1, 5), (2, 2, 1, 50);`, `
medicine: {table: medicines, key: id, tenant: tenant, fields: {name: name}}
lot:
  table: lots
  key: id
  tenant: tenant
  where: {column: id, from: medicines, by: medicine, null: false}
  fields: {medicine: medicine}
sale: {table: documents, key: id, tenant: tenant, where: {column: kind, in: [sale]}}
sale_line: {table: document_lines, key: id, parent: document, where: {column: kind, from: documents, by: document, in: [sale]}, fields: {quantity: quantity}}
movement:
  table: document_lines
  key: id
  tenant: {column: tenant, from: documents, by: document}
  where: [{column: quantity, not_in: ["0"]}, {column: mirror, from: documents, by: document, true: false}]
  gone: [{column: quantity, not_in: ["1"]}, {column: void, from: documents, by: document, true: true}]
  fields: {quantity: quantity}`)
	s.boot()
	if faults := s.sink.look().faults; len(faults) > 0 {
		t.Errorf("faults of the picture: %+v", faults)
	}
	want(t, "a lot of nothing", s.tells("INSERT INTO lots VALUES (1, 't1', 7)"), "")
	want(t, "what it is of", s.tells("INSERT INTO medicines VALUES (7, 't1', 'Aspirin')"), `
		+ medicine 7 [t1/] name=Aspirin
		+ lot 1 [t1/] medicine=7`)
	want(t, "its going", s.tells("DELETE FROM medicines"), `
		- medicine 7 [t1/] name=Aspirin
		- lot 1 [t1/] medicine=7`)
	want(t, "an order's line", s.tells("UPDATE document_lines SET quantity = 51 WHERE id = 2"), "~ movement 2 [t1/] quantity=50>51")
	want(t, "an order that turns out to be a sale", s.tells("UPDATE documents SET kind = 'sale' WHERE id = 2"), `
		+ sale 2 [t1/]
		| 2 [t1/] sale=2 quantity=51
		+ sale_line 2 [t1/] sale=2 quantity=51`)
	want(t, "a document that is void", s.tells("UPDATE documents SET void = true WHERE id = 1"), "~ movement 1 [t1/] gone")
	want(t, "a mirror of one", s.tells("UPDATE documents SET mirror = true WHERE id = 1"), "- movement 1 [t1/] gone quantity=5")
	if faults := s.sink.look().faults; len(faults) > 0 {
		t.Errorf("faults: %+v", faults)
	}
}
