package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
)

// scan returns the files of a directory that hold a string of bytes.
func scan(t testing.TB, dir string, what []byte) (found []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		if bytes.Contains(b, what) {
			found = append(found, e.Name())
		}
	}
	return found
}

func keyOf(t testing.TB, j *Journal, subject uint64) (k key) {
	require.NoError(t, j.look(func(tx *bbolt.Tx) error {
		v := tx.Bucket([]byte(bucketKeys)).Get(binary.BigEndian.AppendUint64(nil, subject))
		var live bool
		var wrong string
		k, live, wrong = decodeKey(subject, v)
		require.True(t, live)
		require.Empty(t, wrong)
		return nil
	}))
	return k
}

func sealedOf(t testing.TB, j *Journal, seq uint64) (box []byte) {
	require.NoError(t, j.look(func(tx *bbolt.Tx) error {
		var s stored
		v := tx.Bucket([]byte(bucketRecords)).Get(binary.BigEndian.AppendUint64(nil, seq))
		require.Empty(t, s.parse(v, seq, 0))
		require.Equal(t, byte(sealed), s.state)
		box = bytes.Clone(s.data)
		return nil
	}))
	return box
}

// Who is forgotten cannot be read at once, and after Compact no byte is left.
func TestForgettingIsPhysicalAfterCompact(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	secret := []byte("ann@example.org")
	for i := range 40 {
		_, err := j.Append(Batch{Records: []Record{
			{Subject: uint64(1 + i%4), Clear: []byte{byte(i)}, Data: bytes.Repeat(secret, 30)},
			{Data: []byte("nobody's")},
		}})
		require.NoError(t, err)
		if i == 10 || i == 30 {
			require.NoError(t, j.Snapshot(j.Last(), []Part{{"store", text(fmt.Sprintf("snapshot %d of everybody", i))}}))
		}
	}
	require.Empty(t, scan(t, dir, secret), "sealed")
	k, kept := keyOf(t, j, 2), keyOf(t, j, 1)
	early, late := sealedOf(t, j, 3), sealedOf(t, j, 75)
	_, err := j.Append(Batch{Forget: []uint64{2}})
	require.NoError(t, err)
	for _, e := range replay(t, j, 0) {
		require.Equal(t, e.subject == 2, e.shredded)
	}
	before, err := j.Stats()
	require.NoError(t, err)
	require.EqualValues(t, 1, before.Forgotten)
	require.EqualValues(t, 3, before.Subjects)

	require.NoError(t, j.Compact(context.Background()))
	check := func() {
		for _, gone := range [][]byte{k[:], early, late, []byte("snapshot 10")} {
			require.Empty(t, scan(t, dir, gone))
		}
		require.NotEmpty(t, scan(t, dir, kept[:]))
		require.NotEmpty(t, scan(t, dir, []byte("snapshot 30")))
		all := replay(t, j, 0)
		n := 0
		for _, e := range all {
			if e.subject == 2 {
				n++
				require.True(t, e.shredded)
				require.Greater(t, e.seq, j.Snapshots()[0].Seq, "the snapshot covers it")
				require.Equal(t, string([]byte{byte(e.seq / 2)}), e.clear, "the clear part stays")
			} else {
				require.False(t, e.shredded)
			}
		}
		require.Equal(t, 2, n)
		require.Len(t, all, 80-8)
	}
	check()
	after, err := j.Stats()
	require.NoError(t, err)
	require.Zero(t, after.Forgotten)
	require.EqualValues(t, 3, after.Subjects)
	require.Equal(t, before.Last, after.Last)
	require.Less(t, after.Bytes(), before.Bytes()+1)
	last, err := j.Append(Batch{Records: []Record{{Subject: 1, Data: secret}}})
	require.NoError(t, err)
	require.EqualValues(t, 81, last)
	require.NoError(t, j.Close())
	j = mustOpen(t, dir, nil)
	require.Len(t, replay(t, j, 80), 1)
}

// A damaged newest snapshot must not cost the one before it.
func TestCompactChecksTheSnapshotItKeeps(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	_, err := j.Append(Batch{Records: make([]Record, 4)})
	require.NoError(t, err)
	require.NoError(t, j.Snapshot(2, []Part{{"a", text("old")}}))
	require.NoError(t, j.Snapshot(4, []Part{{"a", text("new")}}))
	sets := j.Snapshots()
	path := filepath.Join(dir, sets[0].fileName("a"))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[len(b)/2] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o600))
	require.ErrorIs(t, j.Compact(context.Background()), ErrCorrupt)
	require.Equal(t, sets, j.Snapshots())
	old, err := j.Read(sets[1], "a")
	require.NoError(t, err)
	require.Equal(t, "old", string(old))
	require.Len(t, replay(t, j, sets[1].Seq), 2)
}

func TestCompactCanBeStopped(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	_, err := j.Append(Batch{Records: make([]Record, 100)})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, j.Compact(ctx), context.Canceled)
	require.Len(t, replay(t, j, 0), 100)
	_, err = j.Append(Batch{Records: make([]Record, 1)})
	require.NoError(t, err)
	_, err = os.Stat(j.path + partial)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Appends, forgetting and replays go on while the file is rewritten.
func TestCompactBesideEverything(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	_, err := j.Append(Batch{Records: eventRecords(4000, 300)})
	require.NoError(t, err)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	until := func(f func(i int) error) {
		wg.Go(func() {
			for i := 0; ; i++ {
				if err := f(i); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	until(func(i int) error {
		_, err := j.Append(Batch{Records: []Record{{Subject: uint64(1000 + i), Data: []byte("later")}}, Forget: []uint64{uint64(1 + i%200)}})
		return err
	})
	until(func(int) error {
		_, err := entries(j, 0)
		return err
	})
	for range 3 {
		require.NoError(t, j.Compact(context.Background()))
	}
	close(stop)
	wg.Wait()
	last := j.Last()
	all := replay(t, j, 0)
	require.Len(t, all, int(last), "nothing is covered, all clear parts stay")
	require.NoError(t, j.Close())
	j = mustOpen(t, dir, nil)
	require.Equal(t, all, replay(t, j, 0))
	for _, e := range all {
		require.False(t, e.subject > 200 && e.shredded, "record %d", e.seq)
	}
}

func TestArgumentsThatMakeNoSense(t *testing.T) {
	j := mustOpen(t, t.TempDir(), nil)
	last, err := j.Append(Batch{})
	require.NoError(t, err)
	require.Zero(t, last)
	require.EqualValues(t, 1, j.First())
	for name, parts := range map[string][]Part{
		"none": nil, "no name": {{"", text("")}}, "long name": {{strings.Repeat("x", 65), text("")}},
		"same name": {{"a", text("")}, {"a", text("")}}, "no writer": {{"a", nil}},
	} {
		require.ErrorIs(t, j.Snapshot(0, parts), ErrInvalid, name)
	}
	require.ErrorIs(t, j.Snapshot(1, []Part{{"a", text("")}}), ErrInvalid)
	_, err = j.Append(Batch{Forget: []uint64{0}})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = j.Append(Batch{Records: []Record{{Data: make([]byte, MaxRecord+1)}}})
	require.ErrorIs(t, err, ErrTooLarge)
	big := make([]byte, MaxRecord)
	_, err = j.Append(Batch{Records: []Record{{Data: big}, {Data: big}, {Data: big}, {Data: big}, {Data: big}}})
	require.ErrorIs(t, err, ErrTooLarge)
	require.ErrorIs(t, j.Truncate(2), ErrUncovered)
	require.NoError(t, j.Truncate(1))
	require.NoError(t, j.Snapshot(0, []Part{{strings.Repeat("Ä", 32), text("x")}}))
	_, err = j.Read(j.Snapshots()[0], "b")
	require.ErrorIs(t, err, ErrInvalid)
	_, err = j.Read(Set{Seq: 1, Parts: []string{"a"}}, "a")
	require.ErrorIs(t, err, ErrInvalid)
	_, err = j.Append(Batch{Records: make([]Record, 1)})
	require.NoError(t, err, "refusals are not failures")
}
