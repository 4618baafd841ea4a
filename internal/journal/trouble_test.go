//go:build unix

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fill appends until the disk is full, and checks that what was acknowledged
// outlives it.
func fill(t *testing.T, dir string, more func()) {
	j := mustOpen(t, dir, &Options{Format: jobFormat})
	a := newAcked()
	var err error
	for n := 0; ; n++ {
		var last uint64
		if last, err = j.Append(batchOf(0, n)); err != nil {
			break
		}
		a.last[[2]int{0, n}], a.next[0] = last, n+1
	}
	require.ErrorIs(t, err, ErrFull)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, dbFile, e.File)
	_, again := j.Append(Batch{Records: []Record{{}}})
	require.Equal(t, err, again)
	require.Equal(t, err, j.Snapshot(j.Last(), []Part{{"store", stateAt(j.Last())}}))
	require.Equal(t, err, j.Truncate(2))
	_, err = entries(j, 0)
	require.NoError(t, err, "reading goes on")
	require.NoError(t, j.Close())
	require.NotEmpty(t, a.last)
	more()
	require.NoError(t, audit(dir, a))
}

func TestFullDisk(t *testing.T) {
	base := t.TempDir()
	unmount, err := mountSmall(base, 256<<10)
	if err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	defer unmount()
	ballast := filepath.Join(base, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 64<<10), 0o600))
	fill(t, filepath.Join(base, "journal"), func() { require.NoError(t, os.Remove(ballast)) })
}

// A snapshot that finds no room leaves the journal as it was.
func TestFullDiskDuringSnapshot(t *testing.T) {
	base := t.TempDir()
	unmount, err := mountSmall(base, 2<<20)
	if err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	defer unmount()
	j := mustOpen(t, base, nil)
	defer j.Close()
	_, err = j.Append(Batch{Records: make([]Record, 3)})
	require.NoError(t, err)
	require.NoError(t, j.Snapshot(3, []Part{{"store", text("small")}}))
	err = j.Snapshot(3, []Part{{"store", text("small")}, {"view", text(strings.Repeat("x", 4<<20))}})
	require.ErrorIs(t, err, ErrFull)
	require.Len(t, j.Snapshots(), 1)
	_, err = j.Append(Batch{Records: make([]Record, 3)})
	require.NoError(t, err)
	require.Len(t, files(t, base), 3)
}

func files(t testing.TB, dir string) []string {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for i, n := range names {
		names[i] = filepath.Base(n)
	}
	return names
}

// The same with a limit of file size, in a child.
func TestFileSizeLimit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	p := start(t, job{Dir: dir, Writers: 3, Limit: 64 << 10}, newAcked())
	a := p.hearOut()
	require.Contains(t, a.failure, "no space left")
	require.Equal(t, "true", a.full, "the failure is not the same ever after")
	require.NotEmpty(t, a.last)
	require.NoError(t, audit(dir, a))
}

func TestDirectoryThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, mustOpen(t, dir, nil).Close())
	for _, c := range []struct {
		name string
		dir  string
		mode fs.FileMode
	}{{"existing journal", dir, 0o555}, {"new journal", filepath.Join(t.TempDir(), "a"), 0o555}} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.Mkdir(c.dir, 0o700); err != nil {
				require.ErrorIs(t, err, fs.ErrExist)
			}
			for _, name := range files(t, c.dir) {
				require.NoError(t, os.Chmod(filepath.Join(c.dir, name), 0o444))
			}
			require.NoError(t, os.Chmod(c.dir, c.mode))
			defer os.Chmod(c.dir, 0o700)
			err := unprivileged(func() error {
				j, err := Open(c.dir, nil)
				if err == nil {
					j.Close()
				}
				return err
			})
			require.ErrorIs(t, err, ErrReadOnly)
		})
	}
}

func TestSecondJournalIsLockedOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	p := start(t, job{Dir: dir, Writers: 1}, newAcked())
	for !p.opened {
		require.False(t, p.listen(10*time.Millisecond), "the child ended: %s", p.failure)
	}
	_, err := Open(dir, &Options{Format: jobFormat, LockTimeout: -1})
	require.ErrorIs(t, err, ErrLocked)
	_, err = Open(dir, &Options{Format: jobFormat, LockTimeout: 30 * time.Millisecond})
	require.ErrorIs(t, err, ErrLocked)
	p.kill()
	j, err := Open(dir, &Options{Format: jobFormat, LockTimeout: 10 * time.Second})
	require.NoError(t, err)
	defer j.Close()
	_, err = Open(dir, &Options{Format: jobFormat, LockTimeout: -1})
	require.ErrorIs(t, err, ErrLocked, "the same process")
	require.NoError(t, j.Compact(context.Background()))
	_, err = Open(dir, &Options{Format: jobFormat, LockTimeout: -1})
	require.ErrorIs(t, err, ErrLocked, "after the file was replaced")
}

func TestCloseDuringAppend(t *testing.T) {
	for round := range 8 {
		dir, a := t.TempDir(), newAcked()
		j := mustOpen(t, dir, &Options{Format: jobFormat})
		var wg sync.WaitGroup
		var mu sync.Mutex
		for w := range 8 {
			wg.Go(func() {
				for n := 0; ; n++ {
					last, err := j.Append(batchOf(8*w, n))
					if err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					a.last[[2]int{8 * w, n}], a.next[8*w] = last, n+1
					mu.Unlock()
				}
			})
		}
		wg.Go(func() {
			for {
				if _, err := entries(j, 0); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
		for j.Last() < uint64(20*round) {
			runtime.Gosched()
		}
		require.NoError(t, j.Close())
		require.NoError(t, j.Close())
		wg.Wait()
		require.NoError(t, audit(dir, a))
		_, err := j.Append(Batch{})
		require.ErrorIs(t, err, ErrClosed)
		require.ErrorIs(t, j.Replay(0, nil), ErrClosed)
		require.ErrorIs(t, j.Snapshot(0, []Part{{"a", text("")}}), ErrClosed)
		require.ErrorIs(t, j.Truncate(1), ErrClosed)
		require.ErrorIs(t, j.Compact(context.Background()), ErrClosed)
		_, err = j.Stats()
		require.ErrorIs(t, err, ErrClosed)
	}
}

// What a failed commit wrote is not shown, nothing is retried.
func TestFailureIsFinal(t *testing.T) {
	for _, point := range []string{"append.begin", "append.put", "append.committed"} {
		t.Run(point, func(t *testing.T) {
			broken := errors.New("the disk is broken")
			failing := false
			calls := 0
			dir := t.TempDir()
			j := mustOpen(t, dir, &Options{Hook: func(p string) error {
				calls++
				if failing && p == point {
					return broken
				}
				return nil
			}})
			_, err := j.Append(Batch{Records: []Record{{Subject: 1, Data: []byte("kept")}}})
			require.NoError(t, err)
			failing = true
			_, err = j.Append(Batch{Records: []Record{{Subject: 2, Data: []byte("lost")}}})
			require.ErrorIs(t, err, broken)
			failing = false
			calls = 0
			_, again := j.Append(Batch{Records: []Record{{Data: []byte("later")}}})
			require.Equal(t, err, again)
			require.Zero(t, calls)
			require.EqualValues(t, 1, j.Last())
			require.Equal(t, []entry{{1, 1, 0, "", "kept", false}}, replay(t, j, 0))
			require.NoError(t, j.Close())
			j = mustOpen(t, dir, nil)
			all := replay(t, j, 0)
			require.Equal(t, "kept", all[0].data)
			require.Len(t, all, map[string]int{"append.committed": 2}[point]+map[bool]int{true: 0, false: 1}[point == "append.committed"])
		})
	}
}

// The file is damaged by others while it is open.
func TestFileCutWhileOpen(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	for range 50 {
		_, err := j.Append(Batch{Records: []Record{{Data: make([]byte, 5000)}}})
		require.NoError(t, err)
	}
	require.NoError(t, os.Truncate(filepath.Join(dir, dbFile), 3*defaultPage))
	_, err := entries(j, 0)
	require.ErrorIs(t, err, ErrCorrupt)
	_, err = j.Append(Batch{Records: []Record{{}}})
	require.ErrorIs(t, err, ErrCorrupt)
	_, again := j.Append(Batch{Records: []Record{{}}})
	require.Equal(t, err, again)
	require.NoError(t, j.Close())
	_, err = Open(dir, nil)
	require.ErrorIs(t, err, ErrCorrupt)
	require.ErrorContains(t, err, dbFile)
}

// guard turns a fault of mapped memory into an error.
func TestFaultIsAnError(t *testing.T) {
	err := guard("x", func() error {
		b := mapEmpty(t)
		return fmt.Errorf("read %d", b[0])
	})
	require.ErrorIs(t, err, ErrCorrupt)
	err = guard("x", func() error { panic("page 7: bad") })
	require.ErrorIs(t, err, ErrCorrupt)
	require.ErrorContains(t, err, "page 7: bad")
}

func TestForeignFiles(t *testing.T) {
	for name, content := range map[string][]byte{
		"empty": {}, "text": []byte("hello"), "zeros": make([]byte, 1<<16), "noise": bytes.Repeat([]byte("noise"), 1<<14),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, dbFile), content, 0o600))
			_, err := Open(dir, nil)
			require.ErrorIs(t, err, ErrCorrupt)
			b, err := os.ReadFile(filepath.Join(dir, dbFile))
			require.NoError(t, err)
			require.Equal(t, content, b, "the file was touched")
		})
	}
}
