// Package propose guesses what the tables of a database that nobody here designed mean, and writes the guess as a
// commented configuration file. It reads the catalog and a few hundred rows of the tables that look like a pharmacy's,
// in one read-only transaction, and locks nothing that an app would wait for.
//
// A guess is made of evidence: names in several languages (words.go, vocabulary.go), types and keys (database.go), what
// refers to what (reference.go), and values (sample.go). tables.go finds the table of each kind, fields.go the column of
// each field, status.go the meaning of the app's own words; write.go writes it all down with its reasons. What is in
// doubt becomes a question with its alternatives, never a silent choice.
package propose
