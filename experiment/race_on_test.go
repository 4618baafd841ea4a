//go:build race

package experiment

// raced says that the race detector runs: simulations, which have one goroutine
// and take long, are short then.
const raced = true
