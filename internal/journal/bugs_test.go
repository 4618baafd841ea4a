//go:build unix

package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// killed runs children with a bug that die at a failpoint, and returns what
// the audit finds.
func killed(t testing.TB, jb job, rounds int) error {
	a := newAcked()
	jb.Dir = filepath.Join(t.TempDir(), "journal")
	for jb.Round = range rounds {
		jb.Nth = 2 + int64(jb.Round)
		p := start(t, jb, a)
		a = p.hearOut()
		if a.failure != "" {
			return errors.New(a.failure)
		}
		if err := audit(jb.Dir, a); err != nil {
			return err
		}
	}
	return nil
}

// refused makes a commit fail, and returns what the audit finds.
func refused(t testing.TB, bug bugs) error {
	dir, a := t.TempDir(), newAcked()
	broken := false
	j, err := Open(dir, &Options{Format: jobFormat, bugs: bug, Hook: func(point string) error {
		if point == "append.put" && broken {
			return errors.New("the disk is broken")
		}
		return nil
	}})
	require.NoError(t, err)
	defer j.Close()
	for n := range 4 {
		broken = n == 2
		last, err := j.Append(batchOf(0, n))
		if (err != nil) != (n >= 2) {
			a.failure = fmt.Sprintf("append %d after a failure at 2: %v", n, err)
		}
		if err == nil {
			a.last[[2]int{0, n}], a.next[0] = last, n+1
		}
	}
	require.NoError(t, j.Close())
	if err := audit(dir, a); err != nil {
		return err
	}
	if a.failure != "" {
		return errors.New(a.failure)
	}
	return nil
}

// crowd appends from many goroutines, and returns what the audit finds.
func crowd(t testing.TB, bug bugs) error {
	dir, a := t.TempDir(), newAcked()
	j, err := Open(dir, &Options{Format: jobFormat, bugs: bug})
	require.NoError(t, err)
	defer j.Close()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for w := range 8 {
		wg.Go(func() {
			for n := range 12 {
				last, err := j.Append(batchOf(8*w, n))
				mu.Lock()
				if err != nil {
					a.failure = err.Error()
				}
				a.last[[2]int{8 * w, n}], a.next[8*w] = last, n+1
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.NoError(t, j.Close())
	if a.failure != "" {
		return errors.New(a.failure)
	}
	return audit(dir, a)
}

// cutting cuts as far as the newest snapshot, and returns what the audit
// finds.
func cutting(t testing.TB, bug bugs) error {
	dir, a := t.TempDir(), newAcked()
	j, err := Open(dir, &Options{Format: jobFormat, bugs: bug})
	require.NoError(t, err)
	defer j.Close()
	for n := range 12 {
		last, err := j.Append(batchOf(0, n))
		require.NoError(t, err)
		a.last[[2]int{0, n}], a.next[0] = last, n+1
		if n == 3 || n == 9 {
			require.NoError(t, j.Snapshot(last, []Part{{"store", stateAt(last)}}))
			a.snapshot = last
		}
	}
	err = j.Truncate(a.snapshot + 1)
	if err != nil && !errors.Is(err, ErrUncovered) {
		return err
	}
	require.NoError(t, j.Close())
	return audit(dir, a)
}

// The tests above have teeth: each mistake is noticed by the test that is
// there for it, which passes without the mistake.
func TestMistakesWouldBeNoticed(t *testing.T) {
	for _, c := range []struct {
		name  string
		bug   bugs
		check func(t testing.TB, bug bugs) error
	}{
		{"commits not flushed", bugNoSync, func(t testing.TB, bug bugs) error {
			o := newOutage(t, 2)
			if !o.flush {
				t.Skip("the file system does not show what has been flushed")
			}
			return o.run(60, bug)
		}},
		{"answered before the commit", bugEarlyAck, func(t testing.TB, bug bugs) error {
			return killed(t, job{Bug: bug, Writers: 3, Point: "append.put"}, 6)
		}},
		{"failed commit swallowed", bugSwallow, refused},
		{"checksum skips the length", bugCRCSkipsLength, func(t testing.TB, bug bugs) error {
			return flips(t, newSmall(t, bug), records)
		}},
		{"sequence used again", bugReuse, crowd},
		{"set published before its files", bugEarlyPublish, func(t testing.TB, bug bugs) error {
			return killed(t, job{Bug: bug, Writers: 1, Admin: true, Point: "snapshot.written"}, 3)
		}},
		{"cut too early", bugEarlyCut, cutting},
		{"batch in two transactions", bugSplitBatch, func(t testing.TB, bug bugs) error {
			return killed(t, job{Bug: bug, Writers: 1, Point: "append.put"}, 8)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, c.check(t, 0), "without the mistake")
			err := c.check(t, c.bug)
			require.Error(t, err, "the mistake went unnoticed")
			t.Log(err)
		})
	}
}
