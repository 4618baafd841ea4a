package profile

// durable is a store's directory.
type durable struct{}

// reach says that the records of the journal up to seq are of no later day
// than this.
type reach struct {
	day int64
	seq uint64
}
