package journal

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// dirty returns how many kilobytes of a file the kernel has not written to
// its disk: those that smaps calls dirty once the file is mapped and touched.
func dirty(path string) (int, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return 0, err
	}
	defer syscall.Munmap(m)
	sum := 0
	for i := 0; i < len(m); i += 4096 {
		sum += int(m[i])
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return 0, err
	}
	defer maps.Close()
	kb, inside := 0, false
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		line := lines.Text()
		name, _, _ := strings.Cut(line, " ")
		if !strings.HasSuffix(name, ":") { // a range of addresses
			inside = strings.HasSuffix(line, " "+path)
		}
		var n int
		if inside && (name == "Shared_Dirty:" || name == "Private_Dirty:") {
			fmt.Sscan(strings.TrimPrefix(line, name), &n)
			kb += n
		}
	}
	if sum < 0 {
		kb = 0 // never; it keeps the reads alive
	}
	return kb, nil
}

// dirtyWorks tells whether the file system shows what has been flushed: one
// in memory does not.
func dirtyWorks(t testing.TB) bool {
	path := filepath.Join(t.TempDir(), "probe")
	f, err := os.Create(path)
	if err != nil {
		return false
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 8192)); err != nil {
		return false
	}
	before, err := dirty(path)
	if err != nil || before == 0 || f.Sync() != nil {
		return false
	}
	after, err := dirty(path)
	return err == nil && after == 0
}
