package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// text is the content of a part.
type text string

func (s text) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, string(s))
	return int64(n), err
}

func mustOpen(t testing.TB, dir string, opts *Options) *Journal {
	t.Helper()
	j, err := Open(dir, opts)
	require.NoError(t, err)
	t.Cleanup(func() { j.Close() })
	return j
}

// entry is a record as a test compares it.
type entry struct {
	seq      uint64
	subject  uint64
	kind     byte
	clear    string
	data     string
	shredded bool
}

func replay(t testing.TB, j *Journal, after uint64) []entry {
	t.Helper()
	out, err := entries(j, after)
	require.NoError(t, err)
	return out
}

func entries(j *Journal, after uint64) ([]entry, error) {
	var out []entry
	err := j.Replay(after, func(seq uint64, r *Record) error {
		out = append(out, entry{seq, r.Subject, r.Kind, string(r.Clear), string(r.Data), r.Shredded})
		return nil
	})
	return out, err
}

func TestWhatIsAppendedComesBack(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, &Options{Format: "test 1"})
	last, err := j.Append(Batch{Records: []Record{
		{Kind: 1, Clear: []byte("c1"), Data: []byte("d1")},
		{Subject: 7, Kind: 2, Clear: []byte("c2"), Data: []byte("d2")},
		{Subject: 7, Kind: 3, Data: []byte(strings.Repeat("x", 10_000))},
	}})
	require.NoError(t, err)
	require.EqualValues(t, 3, last)
	want := []entry{
		{1, 0, 1, "c1", "d1", false},
		{2, 7, 2, "c2", "d2", false},
		{3, 7, 3, "", strings.Repeat("x", 10_000), false},
	}
	require.Equal(t, want, replay(t, j, 0))
	require.Equal(t, want[1:], replay(t, j, 1))
	require.NoError(t, j.Close())

	j = mustOpen(t, dir, &Options{Format: "test 1"})
	require.Equal(t, want, replay(t, j, 0))
	_, err = j.Append(Batch{Forget: []uint64{7}})
	require.NoError(t, err)
	want[1].data, want[1].shredded = "", true
	want[2].data, want[2].shredded = "", true
	require.Equal(t, want, replay(t, j, 0))
	_, err = j.Append(Batch{Records: []Record{{Subject: 7}}})
	require.ErrorIs(t, err, ErrForgotten)
	require.NoError(t, j.Close())

	_, err = Open(dir, &Options{Format: "test 2"})
	require.ErrorIs(t, err, ErrVersion)
	j = mustOpen(t, dir, &Options{Format: "test 1"})
	require.Equal(t, want, replay(t, j, 0))
}

func TestConcurrentCallersShareTransactions(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	var wg sync.WaitGroup
	const writers, each = 16, 20
	var mu sync.Mutex
	want := map[uint64]string{}
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				data := fmt.Sprintf("%d/%d", w, i)
				last, err := j.Append(Batch{Records: []Record{{Subject: uint64(w), Data: []byte(data)}, {Data: []byte(data)}}})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				want[last-1], want[last] = data, data
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.NoError(t, j.Close())
	j = mustOpen(t, dir, nil)
	require.EqualValues(t, 2*writers*each, j.Last())
	for _, e := range replay(t, j, 0) {
		require.Equal(t, want[e.seq], e.data)
	}
}

func TestSnapshotsAreReadBack(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	_, err := j.Append(Batch{Records: make([]Record, 5)})
	require.NoError(t, err)
	big := text(strings.Repeat("0123456789", 100_000))
	for seq := range uint64(4) {
		require.NoError(t, j.Snapshot(seq, []Part{{"store", big}, {"View/Ä 1", text(fmt.Sprint(seq))}, {"empty", text("")}}))
	}
	check := func() {
		sets := j.Snapshots()
		require.Len(t, sets, 2)
		for i, set := range sets {
			require.EqualValues(t, 3-i, set.Seq)
			require.Equal(t, []string{"store", "View/Ä 1", "empty"}, set.Parts)
			b, err := j.Read(set, "store")
			require.NoError(t, err)
			require.Equal(t, string(big), string(b))
			b, err = j.Read(set, "View/Ä 1")
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(set.Seq), string(b))
			b, err = j.Read(set, "empty")
			require.NoError(t, err)
			require.Empty(t, b)
		}
	}
	check()
	require.NoError(t, j.Close())
	j = mustOpen(t, dir, nil)
	check()
}

// A key is found whether subjects are consecutive or not.
func TestKeyring(t *testing.T) {
	require.Nil(t, keyring(nil).find(1))
	for round := range 200 {
		r := rand.New(rand.NewPCG(3, uint64(round)))
		var keys keyring
		all := map[uint64]bool{}
		subject := uint64(r.IntN(20))
		if round%5 == 0 {
			subject = math.MaxUint64 - 300
		}
		for range r.IntN(40) {
			if subject += 1; r.IntN(1+round%7) == 1 {
				subject += uint64(r.IntN(5))
			}
			all[subject] = r.IntN(3) > 0
			keys = append(keys, ring{subject: subject, key: key{byte(subject)}, live: all[subject]})
		}
		for s := range uint64(400) {
			if round%5 == 0 {
				s = math.MaxUint64 - s
			}
			live, known := all[s]
			got := keys.find(s)
			require.Equal(t, known, got != nil)
			if known {
				require.Equal(t, ring{s, key{byte(s)}, live}, *got)
			}
		}
	}
}

// Replays that end early and late, beside appends, leave no goroutine behind,
// and neither does a journal that is closed.
func TestNobodyIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	enough := errors.New("enough")
	j := mustOpen(t, t.TempDir(), nil)
	for range 2 * maxWorkers { // each as much as is read at once
		_, err := j.Append(Batch{Records: []Record{{Subject: 1, Data: make([]byte, chunkBytes)}}})
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range 4 {
				if _, err := j.Append(Batch{Records: []Record{{Subject: 2, Data: []byte("x")}}}); err != nil {
					t.Error(err)
				}
				err := j.Replay(0, func(uint64, *Record) error {
					if n > 0 {
						return enough
					}
					return nil
				})
				if err != nil && !errors.Is(err, enough) {
					t.Error(err)
				}
			}
		})
	}
	require.NoError(t, j.Snapshot(j.Last(), []Part{{"store", text("state")}}))
	require.NoError(t, j.Compact(context.Background()))
	wg.Wait()
	require.NoError(t, j.Close())
	// One more looks.
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 5*time.Second, time.Millisecond)
}
