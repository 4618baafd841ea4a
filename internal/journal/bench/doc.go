// Package bench measures the journal beside pebble, the log-structured store
// of CockroachDB. It is a module of its own, so that pebble and what it needs
// stay out of the library's.
//
//	cd internal/journal/bench && GOWORK=off go test -bench . -count 5
package bench
