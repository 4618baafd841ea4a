//go:build unix

package journal

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// mapEmpty maps an empty file: to read it faults.
func mapEmpty(t testing.TB) []byte {
	f, err := os.Create(filepath.Join(t.TempDir(), "empty"))
	require.NoError(t, err)
	defer f.Close()
	b, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ, syscall.MAP_SHARED)
	require.NoError(t, err)
	t.Cleanup(func() { syscall.Munmap(b) })
	return b
}
