//go:build unix && !linux

package journal

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopped gives the system the time to stop a process.
func stopped(int) bool {
	time.Sleep(5 * time.Millisecond)
	return true
}

// limitFiles makes every file of this process full at a size.
func limitFiles(size uint64) error {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(limit.Max, size)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

func mountSmall(string, int) (func(), error) { return nil, errors.ErrUnsupported }

// unprivileged cannot help root here.
func unprivileged(f func() error) error {
	if os.Geteuid() == 0 {
		return ErrReadOnly
	}
	return f()
}
