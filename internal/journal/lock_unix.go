//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package journal

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const lockPause = 10 * time.Millisecond

// lock takes the directory for this journal. bbolt locks its own file too,
// but Compact replaces that file, and whoever waited for the old one would
// then own a file that is no longer there. The system releases the lock when
// the process dies.
func lock(dir string, timeout time.Duration) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, system(lockFile, "opening", err)
	}
	for waited := time.Duration(0); ; waited += lockPause {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, system(lockFile, "locking", err)
		}
		if waited >= timeout {
			f.Close()
			return nil, &Error{File: lockFile, Offset: -1, Reason: "another journal holds the lock", Err: ErrLocked}
		}
		time.Sleep(lockPause)
	}
}
