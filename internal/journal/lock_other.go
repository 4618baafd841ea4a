//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package journal

import (
	"os"
	"path/filepath"
	"time"
)

// lock opens the lock file. Where there is no flock, bbolt's own lock on the
// journal's file keeps a second process away.
func lock(dir string, _ time.Duration) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, system(lockFile, "opening", err)
	}
	return f, nil
}
