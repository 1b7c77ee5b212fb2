package main

import "context"

// Shape puts what the catalog says of the mapped tables into the open group. The group is synced before it is published: what
// was told from a picture could not be told again under the same names.
func (e *engine) Shape(_ context.Context, shape []byte) error {
	e.reshaped = true
	return e.disk.PutShape(shape)
}

// commitDisk writes the open group.
func (e *engine) commitDisk() error {
	if err := e.disk.Commit(); err != nil || !e.reshaped {
		return err
	}
	e.reshaped = false
	return e.disk.Sync()
}
