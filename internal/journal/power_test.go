//go:build unix

package journal

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A power failure leaves what was flushed, and any part of what was not: a
// disk writes sectors in any order.
const sector = 512

// outage makes images of what the disk may hold while and after appends.
type outage struct {
	t      testing.TB
	base   string
	dir    string
	r      *rand.Rand
	flush  bool // whether dirty works
	before []byte
	images int
	acked  acked
	err    error
}

func (o *outage) db() []byte {
	b, err := os.ReadFile(filepath.Join(o.dir, dbFile))
	require.NoError(o.t, err)
	return b
}

// hook takes pictures of the file around a commit.
func (o *outage) hook(point string) error {
	if o.err != nil {
		return nil
	}
	switch point {
	case "append.put":
		o.before = o.db()
	case "append.committed":
		after := o.db()
		if o.flush {
			kb, err := dirty(filepath.Join(o.dir, dbFile))
			require.NoError(o.t, err)
			if kb > 0 {
				// Answered now, the append could be gone.
				o.acked.last[[2]int{0, o.acked.next[0]}] = o.last() + uint64(len(batchOf(0, o.acked.next[0]).Records))
				o.acked.next[0]++
				o.try(o.mixed(after, false))
				return nil
			}
		}
		for range 6 {
			o.try(o.mixed(after, true))
		}
		for range 2 {
			o.try(o.torn(after))
		}
		image := bytes.Clone(after)
		copy(image, o.before[:2*defaultPage])
		o.try(image)
		o.try(after)
	}
	return nil
}

func (o *outage) last() (last uint64) {
	for _, seq := range o.acked.last {
		last = max(last, seq)
	}
	return last
}

// mixed returns the file before the commit with some of the sectors that the
// commit changed, the two meta pages aside if keep is set.
func (o *outage) mixed(after []byte, keep bool) []byte {
	image := bytes.Clone(o.before)
	if len(after) > len(image) && o.r.IntN(2) == 0 {
		image = append(image, make([]byte, len(after)-len(image))...)
	}
	from := 0
	if keep {
		from = 2 * defaultPage
	}
	share := o.r.Float64()
	for at := from; at+sector <= len(image); at += sector {
		if o.r.Float64() < share {
			copy(image[at:at+sector], after[at:])
		}
	}
	return image
}

// torn returns the file after the commit with some sectors of the meta pages
// as they were before: all but the first of each are the same, so that either
// the whole transaction is there or none of it.
func (o *outage) torn(after []byte) []byte {
	image := bytes.Clone(after)
	for at := 0; at < 2*defaultPage; at += sector {
		if o.r.IntN(2) == 0 {
			copy(image[at:at+sector], o.before[at:])
		}
	}
	return image
}

func (o *outage) try(image []byte) {
	if o.err != nil {
		return
	}
	dir := filepath.Join(o.base, "image")
	require.NoError(o.t, os.MkdirAll(dir, 0o700))
	defer os.RemoveAll(dir)
	require.NoError(o.t, os.WriteFile(filepath.Join(dir, dbFile), image, 0o600))
	o.images++
	o.err = audit(dir, o.acked)
}

func newOutage(t testing.TB, seed uint64) *outage {
	base := t.TempDir()
	return &outage{
		t: t, base: base, dir: filepath.Join(base, "journal"), r: rand.New(rand.NewPCG(3, seed)),
		flush: dirtyWorks(t), acked: newAcked(),
	}
}

// run appends until there are enough images or one does not hold.
func (o *outage) run(images int, bug bugs) error {
	j, err := Open(o.dir, &Options{Format: jobFormat, Hook: o.hook, bugs: bug})
	require.NoError(o.t, err)
	defer j.Close()
	for n := 0; o.images < images && o.err == nil; n++ {
		last, err := j.Append(batchOf(0, n))
		if err != nil {
			return err
		}
		o.acked.last[[2]int{0, n}] = last
		o.acked.next[0] = n + 1
	}
	return o.err
}

func TestPowerFailuresLoseNothingAcknowledged(t *testing.T) {
	images := 120
	if long() {
		images = 1200
	}
	o := newOutage(t, 1)
	if !o.flush {
		t.Log("the file system does not show what has been flushed: commits are taken to be")
	}
	require.NoError(t, o.run(images, 0), "image %d", o.images)
}

// Before a set is published its files have been flushed under their names.
func TestSetsArePublishedWhenTheirFilesAreDurable(t *testing.T) {
	if !dirtyWorks(t) {
		t.Skip("the file system does not show what has been flushed")
	}
	require.NoError(t, publishes(t, 0))
}

func publishes(t testing.TB, bug bugs) (wrong error) {
	dir := t.TempDir()
	set := Set{Seq: 0, Parts: []string{"store", "view"}, serial: 1}
	j, err := Open(dir, &Options{Format: jobFormat, bugs: bug, Hook: func(point string) error {
		if point != "publish.begin" || wrong != nil {
			return nil
		}
		for _, part := range set.Parts {
			kb, err := dirty(filepath.Join(dir, set.fileName(part)))
			if err != nil {
				wrong = err
			} else if kb > 0 {
				wrong = fmt.Errorf("%d kB of %q have not been flushed", kb, part)
			}
		}
		return nil
	}})
	require.NoError(t, err)
	defer j.Close()
	require.NoError(t, j.Snapshot(0, []Part{{"store", stateAt(0)}, {"view", stateAt(1)}}))
	return wrong
}
