package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// inRounds runs the rounds of a test one after the other, each as a test of
// its own: what it opened is closed and its directories are gone before the
// next. The first that fails is the last.
func inRounds(t *testing.T, n int, f func(t *testing.T, round int)) {
	t.Helper()
	for round := range n {
		if !t.Run(fmt.Sprint(round), func(t *testing.T) { f(t, round) }) {
			t.FailNow()
		}
	}
}

// memoryDir returns a directory in memory where there is one: what is tested
// there is what was written when, not that it reached a disk. What killed
// processes left there is removed.
func memoryDir(t testing.TB) string {
	t.Helper()
	const memory, name = "/dev/shm", "zhun-%d-"
	dir, err := os.MkdirTemp(memory, fmt.Sprintf(name, os.Getpid()))
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	others, _ := filepath.Glob(filepath.Join(memory, "zhun-*"))
	for _, other := range others {
		pid := 0
		if _, err := fmt.Sscanf(filepath.Base(other), name, &pid); err != nil || pid == os.Getpid() {
			continue
		}
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Signal(syscall.Signal(0))
			_ = p.Release()
		}
		if errors.Is(err, os.ErrProcessDone) {
			os.RemoveAll(other)
		}
	}
	return dir
}
