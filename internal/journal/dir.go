package journal

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	dbFile   = "journal.db"
	lockFile = "journal.lock"
	partial  = ".part" // ends the name of a file that is being written
	snapshot = "snap-" // begins the name of a snapshot's file
)

// makeDir creates the directory and makes its name durable.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return system("", "creating the directory", err)
	}
	return syncDir(filepath.Dir(filepath.Clean(dir)))
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a directory cannot be flushed there
	}
	d, err := os.Open(dir)
	if err != nil {
		return system("", "opening the directory", err)
	}
	err = d.Sync()
	if closing := d.Close(); err == nil {
		err = closing
	}
	return system("", "syncing the directory", err)
}

// sweep removes what a crash left behind: files that were being written and
// files of sets that were never published or are no longer wanted.
func sweep(dir string, wanted map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return system("", "reading the directory", err)
	}
	for _, e := range entries {
		name := e.Name()
		mine := name == dbFile+partial || strings.HasPrefix(name, snapshot)
		if !mine || wanted[name] || e.IsDir() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			return system(name, "removing", err)
		}
	}
	return nil
}
