//go:build race

package attribution

// raced says that the race detector runs: what has one goroutine only and
// takes long is left to runs without it.
const raced = true
