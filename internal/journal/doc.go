// Package journal keeps a durable, ordered log of records on bbolt, with
// checked snapshot files beside it.
package journal
