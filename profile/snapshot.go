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
// what was erased since the last snapshot. Changes go on meanwhile, but for a
// moment in which the views' pictures are taken: the store is written from a
// second one, made of the directory, unless Options.SnapshotInPlace is set. A
// view that has no Snapshot method is written while changes wait. A context
// that ends stops it before anything is written.
//
// Errors: a [*JournalError], one that wraps [ErrCorrupt] when the journal has
// become unreadable, which leaves the snapshots there are; the context's,
// [ErrClosed], and [ErrOptions] for a store in memory.
func (s *Store) Snapshot(ctx context.Context) error {
	if s.durable == nil {
		return fmt.Errorf("%w: a store in memory has no directory", ErrOptions)
	}
	return s.durable.snapshot(ctx, snapshotAsked)
}

// occasion is why a snapshot is written.
type occasion int

const (
	snapshotAsked occasion = iota
	snapshotDue            // the journal has grown; one at a time is enough
	snapshotAlone          // while nobody can be waiting
)

// snapshot writes a snapshot, and notes how that went.
func (d *durable) snapshot(ctx context.Context, why occasion) error {
	if why != snapshotDue {
		d.snapshots.Lock()
	} else if !d.snapshots.TryLock() {
		return nil
	}
	defer d.snapshots.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := d.writeSnapshot(ctx, why)
	d.s.mu.RLock()
	now := d.s.clock
	d.s.mu.RUnlock()
	d.trouble.snapshotted(err, now)
	return err
}

func (d *durable) writeSnapshot(ctx context.Context, why occasion) error {
	d.write.Lock()
	d.tried = d.written.Load()
	d.write.Unlock()
	var p *picture
	err := errNoTwin
	if !d.opts.SnapshotInPlace && why != snapshotAlone {
		p, err = d.pictureByTwin(ctx)
	}
	if err == errNoTwin {
		p, err = d.picture(true)
	}
	if err != nil {
		return err
	}
	if err := d.j.Snapshot(p.seq, p.parts()); err != nil {
		return journalError(err)
	}
	d.covered.Store(p.memo.written)
	if err := d.shredAll(p.memo.doomed); err != nil {
		return err
	}
	return d.cut()
}

// picture is the store and its views as they were after a record, to be
// written while they go on.
type picture struct {
	seq   uint64
	memo  memo
	store []byte
	views []viewPicture
}

// viewPicture is one view of a picture.
type viewPicture struct {
	name, purpose string
	in            *roaring.Bitmap
	content       io.WriterTo
	calls         []byte
}

// memo is what is taken down of a store when its picture is taken.
type memo struct {
	census
	seq, subjects uint64
	stats         Stats
	doomed        []uint64
	marks         []reach
	written       int64
}

// picture takes one, with the bytes of the store if they are wanted.
func (d *durable) picture(whole bool) (*picture, error) {
	s := d.s
	d.write.Lock()
	defer d.write.Unlock()
	if d.err != nil {
		return nil, d.err
	}
	// Nobody writes now, and readers go on.
	if s.closed {
		return nil, ErrClosed
	}
	p := &picture{seq: d.j.Last(), memo: memo{
		census: s.census(), seq: s.seq, subjects: s.subjects, stats: s.stats,
		doomed: slices.Clone(s.doomed), marks: slices.Clone(s.marks), written: d.written.Load(),
	}}
	for _, x := range s.views {
		v := viewPicture{name: x.name, purpose: x.purpose}
		if x.in != nil {
			v.in = x.in.Clone()
		}
		if r, ok := x.v.(*reserved); ok {
			// Both are only ever appended to.
			v.content, v.calls = bytes.NewReader(r.data), r.calls[:len(r.calls):len(r.calls)]
		} else if p, ok := x.v.(pictured); ok {
			v.content = p.Snapshot()
		} else {
			b, err := x.v.AppendBinary(nil)
			if err != nil {
				return nil, &ViewError{View: x.name, Verb: "AppendBinary", Err: err}
			}
			v.content = bytes.NewReader(b)
		}
		p.views = append(p.views, v)
	}
	if whole {
		p.store = s.encode().AppendTo(nil)
	}
	d.tried = p.memo.written
	return p, nil
}

// parts returns the files of a picture.
func (p *picture) parts() []journal.Part {
	parts := []journal.Part{{Name: partStore, Write: bytes.NewReader(p.store)}}
	w := wire.NewWriter("profile.views", 1)
	list := w.Section("views")
	list.Count(len(p.views))
	for i, v := range p.views {
		list.String(v.name)
		list.String(v.purpose)
		list.Bytes(bitmapBytes(v.in))
		list.Bytes(v.calls)
		parts = append(parts, journal.Part{Name: viewPart(i), Write: v.content})
	}
	return append(parts, journal.Part{Name: partViews, Write: bytes.NewReader(w.AppendTo(nil))})
}

// shredOnce is how many keys are destroyed in one transaction.
const shredOnce = 1000

// shredAll destroys the keys of what was erased, whose snapshot stands, a few
// at a time, so that changes need not wait long.
func (d *durable) shredAll(subjects []uint64) error {
	for some := range slices.Chunk(subjects, shredOnce) {
		d.write.Lock()
		err := d.shred(some)
		d.write.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// shred destroys keys. Subjects are ascending.
func (d *durable) shred(subjects []uint64) error {
	if len(subjects) == 0 {
		return nil
	}
	if err := d.append(journal.Batch{Forget: subjects}, false); err != nil {
		return err
	}
	s := d.s
	s.mu.Lock()
	s.doomed = slices.DeleteFunc(s.doomed, func(x uint64) bool {
		_, found := slices.BinarySearch(subjects, x)
		return found
	})
	s.mu.Unlock()
	return nil
}

// cut drops the records that are older than what is retained, as far as both
// snapshots go beyond them. The caller holds d.snapshots; changes go on.
func (d *durable) cut() error {
	s := d.s
	sets := d.j.Snapshots()
	n, before := 0, uint64(0)
	d.write.Lock()
	if len(sets) > 0 && s.clock != never() {
		limit := s.horizon() / 86400
		for n < len(s.marks) && s.marks[n].day < limit && s.marks[n].seq <= sets[len(sets)-1].Seq {
			before = s.marks[n].seq + 1
			n++
		}
	}
	err := d.err
	d.write.Unlock()
	if n == 0 || err != nil {
		return err
	}
	if err := d.j.Truncate(before); err != nil {
		return journalError(err)
	}
	d.write.Lock()
	defer d.write.Unlock()
	s.mu.Lock()
	// Days are only added at the end, but the last may have grown.
	s.marks = slices.DeleteFunc(s.marks, func(m reach) bool { return m.seq < before })
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
// journal takes. Changes go on while most of it is copied, and wait for the
// end.
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
	d.closing()
	d.background.Wait()
	err := d.snapshot(context.Background(), snapshotAlone)
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
