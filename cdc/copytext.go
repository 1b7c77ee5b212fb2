package cdc

import (
	"bytes"
	"fmt"
)

// copyRow splits one line of COPY … TO STDOUT (text format, without its line feed) into columns, unescaping in place.
// Source: PostgreSQL's COPY, "Text Format".
func copyRow(cols []Column, line []byte, want int) ([]Column, error) {
	cols = cols[:0]
	for {
		end := bytes.IndexByte(line, '\t')
		field := line
		if end >= 0 {
			field = line[:end]
		}
		cols = append(cols, copyColumn(field))
		if end < 0 {
			break
		}
		line = line[end+1:]
	}
	if len(cols) != want {
		return cols, fmt.Errorf("copy gave %d columns, want %d", len(cols), want)
	}
	return cols, nil
}

func copyColumn(field []byte) Column {
	if len(field) == 2 && field[0] == '\\' && field[1] == 'N' {
		return Column{State: Null}
	}
	if bytes.IndexByte(field, '\\') < 0 {
		return Column{State: Text, Data: field}
	}
	out := field[:0]
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' || i+1 == len(field) {
			out = append(out, field[i])
			continue
		}
		i++
		out = append(out, copyEscape(field[i]))
	}
	return Column{State: Text, Data: out}
}

func copyEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	}
	return c
}
