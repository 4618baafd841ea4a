//go:build unix

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is a directory with something of everything: records open, sealed,
// shredded and removed, keys live and destroyed, two snapshots.
type small struct {
	t    testing.TB
	dir  string
	opts Options
	want state
}

// state is all that a journal can show.
type state struct {
	Entries []entry
	Sets    []string // content of the parts, newest set first
	Seqs    []uint64
	Stats   Stats
}

func show(j *Journal) (s state, err error) {
	if s.Entries, err = entries(j, j.First()-1); err != nil {
		return s, err
	}
	for _, set := range j.Snapshots() {
		s.Seqs = append(s.Seqs, set.Seq)
		for _, part := range set.Parts {
			b, err := j.Read(set, part)
			if err != nil {
				return s, err
			}
			s.Sets = append(s.Sets, part+": "+string(b))
		}
	}
	s.Stats, err = j.Stats()
	s.Stats.Files = nil
	return s, err
}

func newSmall(t testing.TB, bug bugs) *small {
	s := &small{t: t, dir: t.TempDir(), opts: Options{Format: "small 1", bugs: bug, pageSize: 1024}}
	j, err := Open(s.dir, &s.opts)
	require.NoError(t, err)
	defer j.Close()
	add := func(from, to int) {
		for n := from; n < to; n++ {
			_, err := j.Append(batchOf(n, 0))
			require.NoError(t, err)
		}
	}
	take := func() {
		require.NoError(t, j.Snapshot(j.Last(), []Part{{"store", text(fmt.Sprint("state ", j.Last()))}, {"view", text(strings.Repeat("v", 100))}}))
	}
	forget := func(writer int) {
		_, err := j.Append(Batch{Forget: []uint64{subjectOf(writer, 0), subjectOf(writer, 1), subjectOf(writer, 2)}})
		require.NoError(t, err)
	}
	add(0, 4)
	forget(2)
	take()
	require.NoError(t, j.Truncate(3))
	add(4, 5)
	forget(4)
	require.NoError(t, j.Compact(context.Background()))
	add(5, 6)
	forget(5)
	take()
	s.want, err = show(j)
	require.NoError(t, err)
	require.Len(t, s.want.Seqs, 2)
	require.NoError(t, j.Close())
	for _, shape := range []func(e entry) bool{
		func(e entry) bool { return e.subject == 0 },
		func(e entry) bool { return e.subject != 0 && !e.shredded },
		func(e entry) bool { return e.shredded },
	} {
		require.True(t, slices.ContainsFunc(s.want.Entries, shape), "%v", s.want.Entries)
	}
	require.Greater(t, int(s.want.Stats.Last-s.want.Stats.First)+1, len(s.want.Entries), "no gap")
	require.NotZero(t, s.want.Stats.Forgotten)
	// What lies behind the last page means nothing.
	name := filepath.Join(s.dir, dbFile)
	require.NoError(t, openPages(name, func(p *pages, root uint64) error {
		require.True(t, hasBranch(p, root), "no tree of two levels")
		return os.Truncate(name, int64(p.high)*p.page)
	}))
	return s
}

// hasBranch tells whether one of the trees has a branch page.
func hasBranch(p *pages, root uint64) bool {
	ignore := func(_, _ []byte, _ uint32) error { return nil }
	if err := p.buckets(root, map[string]visit{bucketMeta: ignore, bucketKeys: ignore, bucketRecords: ignore}); err != nil {
		return false
	}
	for id := range p.high {
		var header [pageHeader]byte
		_, err := p.f.ReadAt(header[:], int64(id)*p.page)
		if err == nil && !p.mark(id) && native.Uint16(header[8:]) == flagBranch {
			return true
		}
	}
	return false
}

// look opens the directory and says what is wrong: an error that is not one
// of damage, or another state. Damage that was noticed is not wrong.
func (s *small) look() (noticed, wrong error) {
	j, err := Open(s.dir, &s.opts)
	if err != nil {
		return s.typed(err)
	}
	defer j.Close()
	got, err := show(j)
	if err != nil {
		return s.typed(err)
	}
	if !reflect.DeepEqual(s.want, got) {
		return nil, fmt.Errorf("another state was accepted: %+v", got)
	}
	return nil, nil
}

func (s *small) typed(err error) (noticed, wrong error) {
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) || e.File == "" {
		return nil, fmt.Errorf("not an error of a damaged file: %w", err)
	}
	return err, nil
}

func (s *small) files() []string {
	names, err := filepath.Glob(filepath.Join(s.dir, "*"))
	require.NoError(s.t, err)
	slices.Sort(names)
	return slices.DeleteFunc(names, func(n string) bool { return filepath.Base(n) == lockFile })
}

// flips flips every bit of the parts of files that choose names, one at a
// time.
func flips(t testing.TB, s *small, choose func(s *small, path string, size int) []int) error {
	harmless, noticed := 0, 0
	for _, path := range s.files() {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		defer f.Close()
		for _, at := range choose(s, path, len(b)) {
			for bit := range 8 {
				if raceEnabled && (8*at+bit)%41 != 0 {
					continue // nothing here is concurrent
				}
				_, err := f.WriteAt([]byte{b[at] ^ 1<<bit}, int64(at))
				require.NoError(t, err)
				found, wrong := s.look()
				if wrong != nil {
					return fmt.Errorf("bit %d of byte %d of %s: %w", bit, at, filepath.Base(path), wrong)
				}
				if found != nil {
					noticed++
				} else {
					harmless++
				}
			}
			_, err = f.WriteAt(b[at:at+1], int64(at))
			require.NoError(t, err)
		}
	}
	t.Logf("%d flips were noticed, %d changed nothing", noticed, harmless)
	if noticed == 0 {
		return errors.New("no flip was noticed")
	}
	return nil
}

func everything(_ *small, _ string, size int) []int {
	all := make([]int, size)
	for i := range all {
		all[i] = i
	}
	return all
}

// records chooses the headers of stored records.
func records(s *small, path string, _ int) (at []int) {
	if filepath.Base(path) != dbFile {
		return nil
	}
	for _, e := range s.want.Entries {
		offset := locate(path, e.seq)
		require.Positive(s.t, offset)
		for i := range recordHeader + 3 {
			at = append(at, int(offset)+i)
		}
	}
	return at
}

func TestEveryFlippedBitIsNoticedOrHarmless(t *testing.T) {
	s := newSmall(t, 0)
	require.NoError(t, flips(t, s, everything))
	noticed, wrong := s.look()
	require.NoError(t, noticed)
	require.NoError(t, wrong)
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	s := newSmall(t, 0)
	for _, path := range s.files() {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		for size := len(b) - 1; size >= 0; size-- {
			if raceEnabled && size%41 != 0 {
				continue
			}
			require.NoError(t, os.Truncate(path, int64(size)))
			noticed, wrong := s.look()
			require.NoError(t, wrong, "%s cut to %d bytes", filepath.Base(path), size)
			require.Error(t, noticed, "%s cut to %d bytes", filepath.Base(path), size)
		}
		require.NoError(t, os.Remove(path))
		noticed, wrong := s.look()
		require.NoError(t, wrong, "%s removed", filepath.Base(path))
		require.Error(t, noticed, "%s removed", filepath.Base(path))
		require.NoError(t, os.WriteFile(path, append(bytes.Clone(b), 0), 0o600))
		_, wrong = s.look()
		require.NoError(t, wrong, "%s made longer", filepath.Base(path))
		require.NoError(t, os.WriteFile(path, b, 0o600))
	}
}

// A crash leaves a meta page as it was or as it should be, since what counts
// of it lies in one sector: see the power failures. So whatever else it holds
// is damage, also of the older one: going back to the other could lose what
// was acknowledged.
func TestADamagedMetaPageIsNeverPassedOver(t *testing.T) {
	require.Less(t, pageHeader+metaSize, sector)
	s := newSmall(t, 0)
	path := filepath.Join(s.dir, dbFile)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := range 2 {
		for name, damage := range map[string]func(meta []byte){
			"a flipped bit":      func(meta []byte) { meta[20] ^= 1 },
			"half a sector":      func(meta []byte) { clear(meta[metaSize/2:]) },
			"zeros":              func(meta []byte) { clear(meta) },
			"the other's":        func(meta []byte) { copy(meta, whole[(1-i)*s.opts.pageSize+pageHeader:]) },
			"another checksum":   func(meta []byte) { meta[metaChecksum]++ },
			"another file's":     func(meta []byte) { copy(meta, "a file of another kind") },
			"a wrong page count": func(meta []byte) { meta[40]++ },
		} {
			b := bytes.Clone(whole)
			at := i*s.opts.pageSize + pageHeader
			damage(b[at : at+metaSize])
			require.NoError(t, os.WriteFile(path, b, 0o600))
			_, err := Open(s.dir, &s.opts)
			require.ErrorIs(t, err, ErrCorrupt, "meta page %d, %s", i, name)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, dbFile, e.File)
			require.GreaterOrEqual(t, e.Offset, int64(0), "meta page %d, %s", i, name)
		}
	}
}
