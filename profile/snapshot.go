package profile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/internal/journal"
	"github.com/zhun-go/zhun/internal/wire"
)

// Parts of a snapshot. A view's part has the number of the view among those of
// the manifest.
const (
	partStore = "store"
	partViews = "views"
)

func viewPart(i int) string { return fmt.Sprintf("view-%d", i) }

// pictured is a view that has an immutable picture of itself, which is written
// while the view goes on.
type pictured interface{ Snapshot() io.WriterTo }

// Snapshot writes the store and the views attached to it to its directory, so
// that opening it need not replay what came before, and destroys the keys of
// what was erased since the last snapshot. Changes wait while the picture is
// taken, and go on while it is written. A context that ends stops it before
// anything is written.
//
// Errors: a [*JournalError], the context's, [ErrClosed], and [ErrOptions] for
// a store in memory.
func (s *Store) Snapshot(ctx context.Context) error {
	if s.durable == nil {
		return fmt.Errorf("%w: a store in memory has no directory", ErrOptions)
	}
	return s.durable.snapshot(ctx, true)
}

// snapshot writes a snapshot; unless it is asked for, only one at a time.
func (d *durable) snapshot(ctx context.Context, asked bool) error {
	if asked {
		d.snapshots.Lock()
	} else if !d.snapshots.TryLock() {
		return nil
	}
	defer d.snapshots.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	seq, parts, doomed, err := d.picture()
	if err != nil {
		return err
	}
	if err := d.j.Snapshot(seq, parts); err != nil {
		return journalError(err)
	}
	d.write.Lock()
	defer d.write.Unlock()
	if err := d.shred(doomed); err != nil {
		return err
	}
	return d.cut()
}

// picture returns the store and its views as they are, to be written while
// they go on.
func (d *durable) picture() (seq uint64, parts []journal.Part, doomed []uint64, err error) {
	s := d.s
	d.write.Lock()
	defer d.write.Unlock()
	if d.err != nil {
		return 0, nil, nil, d.err
	}
	// Nobody writes now, and readers go on.
	if s.closed {
		return 0, nil, nil, ErrClosed
	}
	parts = []journal.Part{{Name: partStore, Write: bytes.NewReader(s.encode().AppendTo(nil))}}
	w := wire.NewWriter("profile.views", 1)
	list := w.Section("views")
	list.Count(len(s.views))
	for i, x := range s.views {
		list.String(x.name)
		list.String(x.purpose)
		list.Bytes(bitmapBytes(x.in))
		var content io.WriterTo
		calls := []byte(nil)
		if r, ok := x.v.(*reserved); ok {
			content, calls = bytes.NewReader(r.data), slices.Clone(r.calls)
		} else if p, ok := x.v.(pictured); ok {
			content = p.Snapshot()
		} else {
			b, err := x.v.AppendBinary(nil)
			if err != nil {
				return 0, nil, nil, &ViewError{View: x.name, Verb: "AppendBinary", Err: err}
			}
			content = bytes.NewReader(b)
		}
		list.Bytes(calls)
		parts = append(parts, journal.Part{Name: viewPart(i), Write: content})
	}
	parts = append(parts, journal.Part{Name: partViews, Write: bytes.NewReader(w.AppendTo(nil))})
	d.grown = 0
	return d.j.Last(), parts, slices.Clone(s.doomed), nil
}

// shred destroys the keys of what was erased, whose snapshot stands.
func (d *durable) shred(subjects []uint64) error {
	if len(subjects) == 0 {
		return nil
	}
	if d.append(journal.Batch{Forget: subjects}, false); d.err != nil {
		return d.err
	}
	s := d.s
	s.mu.Lock()
	s.doomed = slices.DeleteFunc(s.doomed, func(x uint64) bool { return slices.Contains(subjects, x) })
	s.mu.Unlock()
	return nil
}

// cut drops the records that are older than what is retained, as far as both
// snapshots go beyond them.
func (d *durable) cut() error {
	s := d.s
	sets := d.j.Snapshots()
	if len(sets) == 0 || s.clock == never() {
		return nil
	}
	limit := s.horizon() / 86400
	n := 0
	for n < len(s.marks) && s.marks[n].day < limit && s.marks[n].seq <= sets[len(sets)-1].Seq {
		n++
	}
	if n == 0 {
		return nil
	}
	if err := d.j.Truncate(s.marks[n-1].seq + 1); err != nil {
		return journalError(err)
	}
	s.mu.Lock()
	s.marks = slices.Delete(s.marks, 0, n)
	s.mu.Unlock()
	return nil
}

func (d *durable) readManifest(set journal.Set) (*manifest, error) {
	data, err := d.j.Read(set, partViews)
	if err != nil {
		return nil, err
	}
	f, err := wire.Open(data, "profile.views", 1)
	if err != nil {
		return nil, err
	}
	r := f.Section("views")
	var m manifest
	for i := range r.Count(4) {
		x := manifestView{name: r.String(), purpose: r.String()}
		in := r.Bytes()
		x.calls = r.Bytes()
		if r.Err() != nil {
			break
		}
		if x.purpose != "" {
			x.in = roaring.New()
			if err := x.in.UnmarshalBinary(in); err != nil {
				continue
			}
		}
		// A view that cannot be read is filled anew.
		if x.data, err = d.j.Read(set, viewPart(i)); err == nil {
			m.views = append(m.views, x)
		}
	}
	return &m, r.Close()
}

// Compact makes what was erased physically gone: it writes a snapshot, removes
// all older ones, and rewrites the journal without what cannot be read any
// more and what is no longer retained. It needs as much space again as the
// journal takes. Changes wait while the journal is rewritten.
//
// Errors are those of [Store.Snapshot].
func (s *Store) Compact(ctx context.Context) error {
	if err := s.Snapshot(ctx); err != nil {
		return err
	}
	return journalError(s.durable.j.Compact(ctx))
}

// closeDurable writes a last snapshot and closes the directory.
func (s *Store) closeDurable() error {
	d := s.durable
	d.queueMu.Lock()
	if d.closed {
		d.queueMu.Unlock()
		return nil
	}
	d.closed = true
	d.queueMu.Unlock()
	err := d.snapshot(context.Background(), true)
	d.write.Lock()
	defer d.write.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked()
	if closing := journalError(d.j.Close()); err == nil {
		err = closing
	}
	return err
}

// remains says which files hold what was erased.
func (d *durable) remains(shredded bool) (out []string) {
	for _, set := range d.j.Snapshots() {
		for _, part := range set.Parts {
			out = append(out, fmt.Sprintf("snapshot of record %d: %s", set.Seq, part))
		}
	}
	if shredded {
		return append(out, "journal: sealed, its keys destroyed")
	}
	return append(out, "journal: sealed, its keys destroyed with the next snapshot")
}

// bitmapBytes returns the users of a view with a purpose.
func bitmapBytes(b *roaring.Bitmap) []byte {
	if b == nil {
		return nil
	}
	out, err := b.ToBytes()
	if err != nil {
		return nil // of a writer that does not fail
	}
	return out
}
