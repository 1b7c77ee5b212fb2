package propose

import "github.com/rxvigil/rxvigil"

// tableTerms are the names that tables of a kind have, in English, French, Spanish, Portuguese, Indonesian, Vietnamese and
// Swahili. A weight below 1 is a word that other things are called too.
func tableTerms(k rxvigil.Kind) []phrase {
	switch k {
	case rxvigil.KindTenant:
		return terms("tenant, pharmacy, organization, organisation, org:8, company:9, business:8, firm:8, enterprise:8, clinic:8, hospital:7, account:5, facility:6, pharmacie, entreprise:8, societe:8, farmacia, empresa:9, apotek, apotik, perusahaan:8, nha thuoc, cong ty:8, duka la dawa")
	case rxvigil.KindBranch:
		return terms("branch, store:9, outlet, shop:9, pharmacy branch, location:6, warehouse:7, depot:7, site:7, facility:6, point of sale:7, succursale, magasin:8, agence:7, sucursal, tienda:8, almacen:7, bodega:7, filial, loja:8, cabang, toko:8, gudang:7, chi nhanh, cua hang:8, kho:6, tawi")
	case rxvigil.KindMedicine:
		return terms("medicine, product, drug, medication, item:8, article:8, pharmaceutical, sku:7, stock item:6, medicament, produit, medicamento, farmaco, remedio, producto, articulo:8, produto, obat, barang:8, produk, thuoc, san pham, duoc pham, dawa, bidhaa")
	case rxvigil.KindLot:
		return terms("batch, lot, inventory:9, stock:9, stock line, stock lot, stock batch, stock item:8, stock level:8, stock balance, balance:5, product batch, product lot, medicine batch, drug batch, item batch, inventory item, inventory lot, inventory batch, inventory balance, stock quant, lote, existencia, inventario:9, stok, persediaan, lo, lo hang, ton kho, lo thuoc, hisa:5")
	case rxvigil.KindSale:
		return terms("sale, sale order, order:7, invoice:7, sale transaction, sale invoice, transaction:6, bill:8, receipt:8, ticket:6, dispense:7, dispensing:7, pos order, pos sale, checkout:5, vente, facture:8, commande:6, venta, factura:8, venda, fatura:8, penjualan, nota:6, hoa don:8, don hang:8, ban hang, mauzo")
	case rxvigil.KindSaleLine:
		return terms("sale item, sale line, sale detail, sale order line, sale product, order item:8, order line:8, order detail:8, invoice line:7, invoice item:7, invoice detail:7, transaction item:7, transaction detail:7, bill item, receipt item, receipt line, pos order line, dispense item:7, ligne vente, ligne facture:8, detail vente, detalle venta, detalle factura:8, item venda, penjualan detail, detail penjualan, chi tiet hoa don, chi tiet don hang")
	case rxvigil.KindPrescription:
		return terms("prescription, rx, script:7, medication request:8, medication order:8, ordonnance, receta, receita, resep, toa thuoc, don thuoc")
	case rxvigil.KindPrescriptionLine:
		return terms("prescription item, prescription line, prescription detail, prescription medication, prescription drug, prescription medicine, rx item, rx line, rx detail, ligne ordonnance, detalle receta, item receita, resep detail, detail resep, chi tiet don thuoc")
	case rxvigil.KindPatient:
		return terms("patient, customer:8, client:7, member:6, consumer:6, paciente, cliente:7, pasien, pelanggan:7, benh nhan, khach hang:7, mgonjwa")
	case rxvigil.KindLevel:
		return terms("reorder suggestion, reorder level, reorder point, reorder rule, reorder setting, replenishment, replenishment rule, replenishment suggestion, stock threshold, stock setting:8, stock rule:8, par level, min max:8, minimum stock, stock minimum, stok minimum")
	case rxvigil.KindMovement:
		return terms("stock movement, inventory movement, stock transaction, inventory transaction, stock ledger, inventory ledger, stock move, stock log:7, inventory log:7, stock history:7, inventory history:7, stock adjustment:5, movement:8, mouvement stock, mouvement:8, movimiento inventario, movimiento:8, movimento estoque, kartu stok, mutasi stok, the kho, nhap xuat:8")
	}
	return nil
}

// ignoredTerms are tables that a pharmacy app has and that say nothing about goods.
func ignoredTerms() []phrase {
	return terms("audit, audit log, log, activity, activity log, change log, changelog, history, session, user, role, permission, user role, migration, schema migration, notification, message, token, api key, setting, config, configuration, preference, payment, outbox, event, job, queue, task, cache, attachment, file, upload, document, report, template, webhook, login, password reset, refresh token, otp, translation, country, currency, tax")
}

// fieldTerms are the names that columns of a field have.
func fieldTerms(k rxvigil.Kind, field string) []phrase {
	if t, ok := fieldVocabulary()[k.String()+"."+field]; ok {
		return terms(t)
	}
	return nil
}

const (
	someName     = "name, title:8, label:7, nom, libelle, designation:8, nombre, nome, nama, ten, jina"
	someNumber   = "number, no, num, code:7, reference:7, ref:7, numero, nomor, so, ma:6"
	someStatus   = "status, state:8, statut, etat:8, estado, situacao:8, trang thai, hali:7"
	somePrice    = "price, unit price, selling price, sale price, sell price, retail price, mrp, rate:5, amount:4, sell price per pack:6, prix, prix vente, prix unitaire, precio, precio venta, precio unitario, preco, preco venda, harga, harga jual, gia, gia ban, don gia, bei"
	someCost     = "cost, unit cost, cost price, purchase price, buying price, buy price, average cost:8, cost price per pack:6, prix achat, cout, costo, precio compra, custo, preco custo, harga beli, gia nhap, gia von"
	someQuantity = "quantity, qty, quantite, qte, cantidad, quantidade, qtd, jumlah, kuantitas, so luong, sl:6, kiasi, number of pack:6, count:5, unit:4"
	someTime     = "created at:8, created:7, created on:8, created datetime:8, created date:8, date:7, datetime:7, timestamp:7, date creation:8, fecha:7, fecha creacion:8, data:6, criado em:8, tanggal:7, ngay:7, ngay tao:8, inserted at:7, occurred at:9"
	someLevel    = "reorder level, reorder point, reorder threshold, reorder quantity:4, min stock, min stock level, minimum stock, minimum stock level, min level, min quantity, min qty, minimum quantity, minimum level, low stock threshold, low stock level, stock threshold:9, alert threshold, alert quantity:8, stock alert:8, safety stock:6, par level:8, seuil, seuil alerte, stock minimum, stock min, stock minimo, minimo:7, estoque minimo, nivel reorden, stok minimum, min stok, stok minimal, ton toi thieu, dinh muc toi thieu"
	someMaximum  = "max level, max stock, max stock level, maximum stock, maximum stock level, maximum level, max quantity, max qty, stock maximum, stock maximo, estoque maximo, stok maksimum, max stok, ton toi da"
	somePhone    = "phone, phone number, mobile, mobile number, telephone, tel, msisdn, contact number:8, contact:5, telefono, telefone, celular, celulare, hp:6, no hp, so dien thoai, dien thoai, simu"
)

func fieldVocabulary() map[string]string {
	return map[string]string{
		"level.reorder_level": someLevel,
		"level.max_level":     someMaximum,

		"tenant.name":      someName + ", subdomain:5, slug:4",
		"tenant.subdomain": "subdomain, slug:9, domain:7, handle:7, code:5",
		"tenant.zone":      "timezone, time zone, tz, zone:9",
		"branch.name":      someName,
		"branch.code":      "code, branch code, store code, number:6, no:6, slug:6, kode, ma:7",
		"branch.zone":      "timezone, time zone, tz",

		"medicine.name":                  someName + ", brand name:8, product name, generic name:5, trade name:8, description:5",
		"medicine.category":              "category, category name, product category, therapeutic class:8, class:7, group:6, family:7, product type:5, type:3, rx class:6, drug class:7, categorie, famille:8, categoria, kategori, golongan:8, nhom:8, loai:7, danh muc",
		"medicine.price":                 somePrice,
		"medicine.cost":                  someCost,
		"medicine.reorder_level":         someLevel,
		"medicine.max_level":             someMaximum,
		"medicine.requires_prescription": "requires prescription, require prescription, prescription required, requires rx, is prescription, rx required, rx only, is rx, needs prescription, need prescription, prescription only, ordonnance obligatoire, requiere receta, exige receita, wajib resep, ke don",
		"medicine.controlled":            "controlled, is controlled, controlled substance, is controlled substance, narcotic, is narcotic, psychotropic, controlled drug, is controlled drug, controle, controlado, estupefaciente, narkotika, psikotropika, kiem soat dac biet",
		"medicine.status":                someStatus + ", active:7, is active:7, enabled:7, is enabled:7, discontinued:5, aktif:7, activo:7, ativo:7, actif:7",

		"lot.number":   "batch number, lot number, batch no, lot no, batch, lot, batch code, lot code, batch num, numero lot, no lot, num lot, lote, numero lote, nomor batch, no batch, kode batch, so lo, ma lo, namba ya kundi",
		"lot.expires":  "expiry date, expiry, expiration date, expiration, expire date, expires at, expires on, expire, exp date, exp, expired date, expired at, date expiry, use by, best before, valid until:5, date expiration, date peremption, peremption, fecha vencimiento, vencimiento, fecha caducidad, caducidad, validade, data validade, vencimento, tanggal kadaluarsa, tgl kadaluarsa, kadaluarsa, tanggal expired, tgl expired, ed, han su dung, hsd, ngay het han, tarehe ya mwisho",
		"lot.on_hand":  "quantity on hand, qty on hand, on hand, on hand quantity, current stock, current quantity, stock quantity, stock qty, quantity in stock, qty in stock, in stock:8, remaining, quantity remaining, remaining quantity, remaining qty, balance, quantity available:7, available quantity:7, available:7, total number of pack:8, stock:9, stock level:8, existencia, quantite stock, stock actuel, stok, jumlah stok, sisa stok, sisa, ton kho, so luong ton, " + someQuantity,
		"lot.reserved": "reserved, quantity reserved, reserved quantity, reserved qty, qty reserved, allocated, allocated quantity, quantity allocated, committed:8, reserve:7, reservado, reservasi",
		"lot.cost":     someCost,
		"lot.held":     "on hold, hold, is hold, is on hold, blocked, is blocked, quarantined, is quarantined, quarantine, in quarantine, held, is held, recalled, is recalled, bloque, bloqueado, diblokir, karantina",

		"sale.number": "sale number, sale no, invoice number, invoice no, order number, order no, receipt number, receipt no, bill number, bill no, transaction number, transaction no, sale code, client uuid:4, " + someNumber,
		"sale.status": "sale status, order status, payment status:8, " + someStatus,
		"sale.total":  "total, total amount, grand total, net total, net amount, total price, amount:7, total paid:6, amount total, final amount, montant, montant total, importe, importe total, valor total, total harga, tong tien, thanh tien",
		"sale.at":     "sold at, sale date, sale at, invoice date, order date, transaction date, completed at:7, date vente, fecha venta, data venda, tanggal penjualan, ngay ban, " + someTime,

		"sale_line.quantity":   "quantity sold, sold quantity, qty sold, " + someQuantity,
		"sale_line.unit_price": somePrice,
		"sale_line.discount":   "discount, discount amount, line discount, total discount:8, remise, rabais, descuento, desconto, diskon, giam gia, chiet khau",

		"prescription.number":      "prescription number, prescription no, rx number, rx no, script number, " + someNumber,
		"prescription.status":      "prescription status, " + someStatus,
		"prescription.written_at":  "written at, written on, prescribed at, prescribed on, prescription date, issued at, issue date, date issued, date ordonnance, fecha receta, tanggal resep, ngay ke, " + someTime,
		"prescription.valid_until": "valid until, valid to, expires at, expires on, expiry date, expiration date, valid through, valide jusqu, valido hasta, valido ate, berlaku sampai",

		"prescription_line.quantity":  "prescribed quantity, quantity prescribed, qty prescribed, " + someQuantity,
		"prescription_line.dispensed": "dispensed, dispensed quantity, quantity dispensed, dispensed qty, qty dispensed, filled quantity, quantity filled, delivre, quantite delivree, dispensado, diserahkan, da cap",
		"prescription_line.dosage":    "dosage, dose, directions, direction, sig, instruction, dosage instruction, posology, posologie, posologia, dosis, aturan pakai, lieu dung, cach dung, frequency:4",

		"patient.number":     "patient number, patient no, patient code, mrn, medical record number, medical record no, customer number, customer code, client number, member number, file number, no rm, " + someNumber,
		"patient.first_name": "first name, given name, forename, prenom, nombre:8, nome:7, full name:7, patient name:7, customer name:7, name:6, nama depan, nama:6, ho ten:7, ten:7, jina la kwanza",
		"patient.last_name":  "last name, surname, family name, nom famille, nom:7, apellido, sobrenome, nama belakang, ho, jina la mwisho",
		"patient.birth_date": "date of birth, dob, birth date, birthdate, birthday, born on, date naissance, fecha nacimiento, data nascimento, tanggal lahir, tgl lahir, ngay sinh, tarehe ya kuzaliwa",
		"patient.phone":      somePhone,

		"movement.quantity": "quantity change, change, delta, signed quantity, qty change, movement quantity, " + someQuantity,
		"movement.reason":   "movement type, type, transaction type, reason, kind, direction:8, reason code, operation, adjustment type, ref type:4, type mouvement, motif, tipo, tipo movimiento, motivo, jenis, tipe, loai, loai phieu",
		"movement.at":       "occurred at, moved at, movement date, transaction date, posted at, " + someTime,
	}
}

// newestTerms are columns that say when a row was worked out: of several rows the last one counts.
func newestTerms() []phrase {
	return terms("calculated at, computed at, counted at, suggested at, as of, snapshot at, snapshot date, count date, calculated on, effective from:9, effective at:9, updated at:7, created at:6")
}

// personalTerms are columns whose values are never read, let alone printed.
func personalTerms() []phrase {
	return terms("name:0, first name, last name, full name, surname, given name, middle name, patient name, customer name, guardian name, father name, mother name, " +
		somePhone + ", email, e mail, address, street, city:6, dob, date of birth, birth date, birthday, gender:8, sex:8, national id, id number, passport, ssn, nik, cccd, cmnd, nrc, insurance number, policy number, diagnosis, allergy, note:7, comment:7, password, password hash, pin, secret, token, image, photo, picture, signature, prenom, apellido, sobrenome, alamat, dia chi, direccion, endereco, adresse")
}
