package profile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// On a disk with room for the journal and none for a snapshot changes go on,
// and the host is told; with room again the next snapshot stands.
func TestDiskTooFullForSnapshots(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	defer func() { _ = syscall.Unmount(dir, 0) }()
	s := openTest(t, dir, Options{SnapshotEvery: 300_000})
	n := 0
	apply := func() {
		n++
		e := event(fmt.Sprint("m", n), epoch.Add(time.Duration(n)*time.Second), Key{UserID, fmt.Sprint("u", n%7)})
		e.Fields = map[string]any{"text": string(bytes.Repeat([]byte{'a' + byte(n%26)}, 5000))}
		s.must(t, e)
	}
	for range 200 {
		apply()
	}
	require.NoError(t, s.JournalStats().SnapshotErr)
	// The file of a snapshot of a megabyte finds 200 kB.
	var disk syscall.Statfs_t
	require.NoError(t, syscall.Statfs(dir, &disk))
	ballast := filepath.Join(dir, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, int64(disk.Bfree)*int64(disk.Bsize)-200_000), 0o600))
	for s.JournalStats().SnapshotErr == nil {
		apply()
	}
	x := s.JournalStats()
	require.ErrorIs(t, x.SnapshotErr, ErrFull)
	require.NoError(t, x.Err)
	apply()
	require.NoError(t, os.Remove(ballast))
	for s.JournalStats().SnapshotErr != nil {
		apply()
	}
	require.EqualValues(t, n, s.Stats().Retained)
	require.NoError(t, s.Close())
}
