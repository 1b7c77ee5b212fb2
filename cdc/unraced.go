//go:build !race

package cdc

// spoils says that memory which is to be used again is made unreadable first, as in tests.
const spoils = false
