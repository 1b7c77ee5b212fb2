-- Two pharmacies, two branches each, 25 medicines each. Dates count from today, in the pharmacy's own zone.

BEGIN;
SELECT setseed(0.42);

INSERT INTO tenants (id, name, subdomain, zone, currency) VALUES
    (1, 'Test Pharmacy', 'testpharmacy', 'Africa/Addis_Ababa', 'ETB'),
    (2, 'Lifeline Chemists', 'lifeline', 'Africa/Lusaka', 'ZMW');

INSERT INTO branches (id, tenant_id, code, name) VALUES
    (11, 1, 'BOL', 'Bole'), (12, 1, 'PIA', 'Piassa'),
    (21, 2, 'CRD', 'Cairo Road'), (22, 2, 'KBW', 'Kabwata');

-- Costs and prices are in birr; a kwacha is worth about five of them.
INSERT INTO products (id, tenant_id, name, category, barcode, unit_cost, selling_price, reorder_level, max_level,
                      requires_prescription, is_controlled)
SELECT t.id * 1000 + m.n, t.id, m.name, m.category, '600' || t.id || lpad((m.n * 7919)::text, 9, '0'),
       round(m.cost / t.rate, 2), round(m.price / t.rate, 2), m.reorder, m.reorder * 5 / 2, m.rx, m.controlled
FROM (VALUES (1, 1.0), (2, 5.0)) AS t (id, rate),
(VALUES
    ( 1, 'Paracetamol 500mg',           'analgesic',        1.20,   2.00, 100, false, false),
    ( 2, 'Amoxicillin 500mg',           'antibiotic',       4.50,   7.50,  60, true,  false),
    ( 3, 'Ibuprofen 400mg',             'analgesic',        1.80,   3.00,  80, false, false),
    ( 4, 'Oral rehydration salts',      'rehydration',      6.00,  10.00,  50, false, false),
    ( 5, 'Zinc sulfate 20mg',           'rehydration',      1.50,   2.50,  60, false, false),
    ( 6, 'Artemether/Lumefantrine',     'antimalarial',    35.00,  55.00,  40, true,  false),
    ( 7, 'Ciprofloxacin 500mg',         'antibiotic',       5.00,   8.00,  40, true,  false),
    ( 8, 'Metformin 500mg',             'diabetes',         2.20,   4.00,  90, true,  false),
    ( 9, 'Insulin glargine 100IU/ml',   'diabetes',       420.00, 560.00,  10, true,  false),
    (10, 'Omeprazole 20mg',             'stomach',          3.00,   5.50,  50, false, false),
    (11, 'Cetirizine 10mg',             'antihistamine',    1.60,   3.00,  40, false, false),
    (12, 'Loratadine 10mg',             'antihistamine',    1.90,   3.50,  40, false, false),
    (13, 'Salbutamol inhaler 100mcg',   'respiratory',    110.00, 160.00,  15, true,  false),
    (14, 'Amlodipine 5mg',              'blood pressure',   2.40,   4.50,  70, true,  false),
    (15, 'Losartan 50mg',               'blood pressure',   3.10,   5.50,  60, true,  false),
    (16, 'Hydrochlorothiazide 25mg',    'blood pressure',   1.10,   2.00,  50, true,  false),
    (17, 'Ascorbic acid 500mg',         'vitamin',          0.90,   1.80,  80, false, false),
    (18, 'Multivitamin',                'vitamin',          1.40,   2.80,  60, false, false),
    (19, 'Folic acid 5mg',              'vitamin',          0.70,   1.50,  50, false, false),
    (20, 'Ferrous sulfate 200mg',       'vitamin',          0.80,   1.60,  60, false, false),
    (21, 'Magnesium trisilicate',       'stomach',          1.00,   2.00,  40, false, false),
    (22, 'Cough syrup 100ml',           'respiratory',     45.00,  70.00,  25, false, false),
    (23, 'Diazepam 5mg',                'nervous system',   3.50,   6.00,  20, true,  true),
    (24, 'Morphine sulfate 10mg',       'pain',            18.00,  28.00,  12, true,  true),
    (25, 'Povidone iodine 100ml',       'wound care',      38.00,  60.00,  20, false, false)
) AS m (n, name, category, cost, price, reorder, rx, controlled);

-- Two lots of each medicine in each branch: A is the older one. Together about twice the reorder level.
INSERT INTO inventory (tenant_id, branch_id, product_id, batch_number, expiry_date, quantity_on_hand, cost_price)
SELECT p.tenant_id, b.id, p.id, b.code || '-' || lpad((p.id % 1000)::text, 2, '0') || lot.letter,
       (now() AT TIME ZONE t.zone)::date + lot.days + (p.id % 1000 * 3)::integer,
       ceil(p.reorder_level * lot.share)::integer, p.unit_cost
FROM products p JOIN branches b USING (tenant_id) JOIN tenants t ON t.id = p.tenant_id,
     (VALUES ('A', 120, 0.7), ('B', 320, 1.3)) AS lot (letter, days, share)
ORDER BY b.id, p.id, lot.letter;

-- What makes a day in a pharmacy: low, out, expiring, expired. dte counts from today; NULL leaves a value as it is.
UPDATE inventory i
SET quantity_on_hand = coalesce(s.quantity, i.quantity_on_hand),
    expiry_date = coalesce((SELECT (now() AT TIME ZONE zone)::date + s.dte FROM tenants WHERE id = i.tenant_id), i.expiry_date)
FROM (VALUES
    ('BOL-01A',   24, NULL), ('BOL-01B',   60, NULL),   -- Paracetamol: low
    ('BOL-07A',    0, NULL), ('BOL-07B',    0, NULL),   -- Ciprofloxacin: out
    ('BOL-11A',   30,    5), ('BOL-22A',   12,   20),   -- expiring
    ('BOL-19A',   18,   -3),                            -- Folic acid: expired, and it does not count as stock
    ('PIA-04A',    0, NULL), ('PIA-04B',   31, NULL),   -- ORS: low
    ('PIA-13A',    4, NULL), ('PIA-13B',    6, NULL),   -- Salbutamol: low
    ('PIA-09A',    3,    7), ('PIA-18A',   40,   28),
    ('CRD-06A',    9, NULL), ('CRD-06B',   11, NULL),   -- Artemether/Lumefantrine: low
    ('CRD-22A',    0, NULL), ('CRD-22B',    0, NULL),   -- Cough syrup: out
    ('CRD-02A',   25,    2), ('CRD-10A',   20,   14),
    ('KBW-16A',   22,  -12),
    ('KBW-03A',   15, NULL), ('KBW-03B',   48, NULL),   -- Ibuprofen: low
    ('KBW-25A',    6,   30)
) AS s (batch, quantity, dte)
WHERE i.batch_number = s.batch;

INSERT INTO patients (tenant_id, first_name, last_name, date_of_birth, phone)
SELECT t.id, names.first, names.last, date '1950-01-01' + (random() * 25000)::integer,
       t.prefix || lpad((random() * 99999999)::integer::text, 8, '0')
FROM (VALUES (1, '+2519'), (2, '+2609')) AS t (id, prefix)
JOIN (VALUES
    (1, 'Abebe', 'Kebede'), (1, 'Almaz', 'Tadesse'), (1, 'Bekele', 'Girma'), (1, 'Chaltu', 'Lemma'), (1, 'Dawit', 'Haile'),
    (1, 'Eyerusalem', 'Worku'), (1, 'Fikre', 'Assefa'), (1, 'Genet', 'Mulugeta'), (1, 'Hirut', 'Desta'), (1, 'Yonas', 'Alemu'),
    (2, 'Bwalya', 'Mulenga'), (2, 'Chanda', 'Banda'), (2, 'Chileshe', 'Phiri'), (2, 'Kabwe', 'Tembo'), (2, 'Luyando', 'Moonga'),
    (2, 'Mutale', 'Zulu'), (2, 'Mwansa', 'Lungu'), (2, 'Natasha', 'Sakala'), (2, 'Thandiwe', 'Ngoma'), (2, 'Wezi', 'Nyirenda')
) AS names (tenant, first, last) ON names.tenant = t.id;

-- Sixty days of completed sales from lot B, so that use per day can be known: four sales a day and branch, two lines each.
CREATE TEMP TABLE past ON COMMIT DROP AS
SELECT gen_random_uuid() AS id, b.tenant_id, b.id AS branch_id, now() - make_interval(days => d, mins => 37 * s) AS at
FROM branches b, generate_series(1, 60) AS d, generate_series(1, 4) AS s;

INSERT INTO sales (id, tenant_id, branch_id, status, total_amount, created_at)
SELECT id, tenant_id, branch_id, 'completed', 0, at FROM past ORDER BY at;

CREATE TEMP TABLE past_lines ON COMMIT DROP AS
SELECT past.*, p.id AS product_id, i.id AS inventory_id, p.selling_price,
       greatest(1, p.reorder_level / 8 + (random() * 3)::integer) AS quantity
FROM past, generate_series(0, 1) AS line,
     LATERAL (SELECT id, selling_price, reorder_level, requires_prescription FROM products
              WHERE tenant_id = past.tenant_id
                AND id % 1000 = 1 + (extract(epoch FROM past.at)::bigint / 60 + line * 11 + past.branch_id) % 25) AS p
     JOIN inventory i ON i.product_id = p.id
WHERE i.branch_id = past.branch_id AND i.batch_number LIKE '%B' AND NOT p.requires_prescription;

INSERT INTO sale_items (sale_id, product_id, inventory_id, quantity, unit_price)
SELECT id, product_id, inventory_id, quantity, selling_price FROM past_lines ORDER BY at;

UPDATE sales s SET total_amount = l.total
FROM (SELECT id, sum(quantity * selling_price) AS total FROM past_lines GROUP BY id) AS l WHERE l.id = s.id;

INSERT INTO stock_movements (tenant_id, branch_id, product_id, inventory_id, movement_type, quantity, note, created_at)
SELECT i.tenant_id, i.branch_id, i.product_id, i.id, 'in',
       i.quantity_on_hand + coalesce((SELECT sum(quantity) FROM past_lines l WHERE l.inventory_id = i.id), 0),
       'opening stock', now() - interval '61 days'
FROM inventory i
UNION ALL
SELECT tenant_id, branch_id, product_id, inventory_id, 'out', quantity, 'sale', at FROM past_lines
ORDER BY 8;

-- A few prescriptions are waiting.
INSERT INTO prescriptions (tenant_id, branch_id, patient_id, written_at, valid_until)
SELECT b.tenant_id, b.id, (SELECT id FROM patients WHERE tenant_id = b.tenant_id ORDER BY patient_number OFFSET b.id % 10 LIMIT 1),
       now() - interval '2 hours', current_date + 30
FROM branches b;

INSERT INTO prescription_items (prescription_id, product_id, quantity, dosage)
SELECT r.id, r.tenant_id * 1000 + m.n, 14, 'twice a day for a week'
FROM prescriptions r, (VALUES (2), (14)) AS m (n);
COMMIT;
ANALYZE;
