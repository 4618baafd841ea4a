package profile

import (
	"context"
	"errors"

	"github.com/zhun-go/zhun/internal/journal"
)

// twin is a second store, without views, that is made of what the directory
// holds by the means of Open: the newest snapshot, and the records since. What
// is written of it is what would be written of the store itself, and the store
// goes on meanwhile. It takes the memory of a second store.
type twin struct {
	reading
	at uint64 // the last record it has taken in
}

// errNoTwin says that there is nothing to make a twin of: the store itself is
// written, while changes wait.
var errNoTwin = errors.New("profile: no twin")

// mostTurns is how often a twin is brought up to date before that is given up.
const mostTurns = 8

// pictureByTwin is picture, with the bytes of the store written by a twin.
// Changes wait for the views' pictures only.
func (d *durable) pictureByTwin(ctx context.Context) (*picture, error) {
	t, err := d.newTwin()
	if err != nil {
		return nil, err
	}
	// Most of it before the picture is taken, so that little comes after.
	if err := t.follow(ctx, d.j.Last()); err != nil {
		return nil, err
	}
	for range mostTurns {
		p, err := d.picture(false)
		if err == nil {
			err = t.follow(ctx, p.seq)
		}
		if err != nil {
			return nil, err
		}
		if t.whole() {
			return p, t.develop(p)
		}
		// Somebody was erased at once while the records were read. With the
		// record that says so it is whole again.
	}
	return nil, errNoTwin
}

// newTwin reads the newest snapshot into a store of its own.
func (d *durable) newTwin() (*twin, error) {
	sets := d.j.Snapshots()
	if len(sets) == 0 {
		return nil, errNoTwin
	}
	opts := d.opts
	s, err := New(&opts)
	if err != nil {
		return nil, err
	}
	t := &twin{at: sets[0].Seq}
	t.reading = reading{d: &durable{s: s, j: d.j}, next: t.at + 1}
	// What a damaged snapshot held is still in memory, and written anew.
	data, err := d.j.Read(sets[0], partStore)
	if err != nil {
		return nil, errNoTwin
	}
	o, err := s.decode(data, false)
	if err != nil || o.otherKeys {
		return nil, errNoTwin
	}
	s.adoptState(o)
	return t, nil
}

// errReached ends a replay at the record that was asked for.
var errReached = errors.New("profile: reached")

// contextEvery is after how many records the context is looked at.
const contextEvery = 256

// follow takes in the records up to one that ends a transaction. Each piece of
// the journal is read in a transaction of its own: a long one would keep the
// file from growing.
func (t *twin) follow(ctx context.Context, to uint64) error {
	if t.at >= to {
		return ctx.Err()
	}
	err := t.d.j.Replay(t.at, func(seq uint64, r *journal.Record) error {
		if seq > to {
			return errReached
		}
		if seq%contextEvery == 0 && ctx.Err() != nil {
			return errReached
		}
		return t.record(seq, r)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if t.at = to; errors.Is(err, errReached) {
		return nil
	}
	return replayError(err)
}

// whole reports whether all that could not be read belonged to persons whose
// erasure has been read.
func (t *twin) whole() bool { return len(t.keys) == 0 && len(t.held) == 0 }

// develop writes the store of a picture, if the twin is the same as it was.
func (t *twin) develop(p *picture) error {
	if err := replayError(t.end(p.seq)); err != nil {
		return err
	}
	s := t.d.s
	if s.census() != p.memo.census {
		return errNoTwin
	}
	// What the journal does not say, or not yet.
	s.seq, s.stats, s.doomed, s.marks = p.memo.seq, p.memo.stats, p.memo.doomed, p.memo.marks
	s.subjects = p.memo.subjects
	p.store = s.encode().AppendTo(nil)
	return nil
}

// census tells apart most stores that are not the same, at no cost.
type census struct {
	clock                  instant
	next, persons          uint64
	retained, keys, shared int
	refusals, records      int
}

func (s *Store) census() census {
	return census{
		clock: s.clock, next: s.next, persons: s.live.GetCardinality(),
		retained: s.retained, keys: s.graph.size(), shared: s.graph.sharing,
		refusals: len(s.tombs.until), records: len(s.records),
	}
}
