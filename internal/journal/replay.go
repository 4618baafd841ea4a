package journal

import "runtime"

// Replay calls f with every acknowledged record whose sequence is above
// after, in order, until f returns an error, which Replay returns. The record
// and its slices are valid during the call only. Records that are appended
// meanwhile may be among them. A record whose subject was forgotten comes
// with Shredded set and without Data; once a snapshot covers it and Compact
// has removed it, it does not come at all.
//
// Records are read and opened ahead of f by other goroutines, which have
// ended when Replay returns; f runs on the caller's, with no transaction
// open.
//
// Errors: [ErrCut] if records above after have been cut, [ErrCorrupt],
// [ErrClosed]. A journal that can no longer append can still replay.
func (j *Journal) Replay(after uint64, f func(seq uint64, r *Record) error) error {
	workers := min(max(runtime.GOMAXPROCS(0), 2), maxWorkers)
	var (
		ready = make(chan *chunk, workers) // in order; what is in it may still be being opened
		free  = make(chan *chunk, workers+2)
		stop  = make(chan struct{})
		ended = make(chan struct{})
	)
	for range cap(free) {
		free <- &chunk{j: j, done: make(chan struct{}, 1)}
	}
	go func() {
		defer close(ended)
		defer close(ready)
		rd := reader{j: j, next: after + 1}
		for {
			var c *chunk
			select {
			case c = <-free:
			case <-stop:
				return
			}
			more := rd.fill(c)
			go c.open()
			ready <- c // there are never more chunks than places, but for two
			if !more {
				return
			}
		}
	}()
	defer func() {
		close(stop)
		for c := range ready {
			<-c.done
		}
		<-ended
	}()
	return j.deliver(ready, free, f)
}

// maxWorkers bounds the chunks that are opened at once, and with them the
// memory of a Replay.
const maxWorkers = 8

func (j *Journal) deliver(ready <-chan *chunk, free chan<- *chunk, f func(seq uint64, r *Record) error) error {
	for c := range ready {
		<-c.done
		for i := range c.items {
			it := &c.items[i]
			if err := f(it.seq, &it.record); err != nil {
				return err
			}
		}
		if c.err != nil {
			return c.err
		}
		free <- c
	}
	return nil
}
