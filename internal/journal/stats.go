package journal

import (
	"os"
	"path/filepath"
	"slices"
)

// Stats says what a journal holds.
type Stats struct {
	First, Last uint64 // sequences; Last is First-1 when there are no records
	Subjects    uint64 // with a key
	Forgotten   uint64 // destroyed keys since the last Compact
	Files       []FileSize
}

// Bytes returns the size of all files together.
func (s Stats) Bytes() int64 {
	var n int64
	for _, f := range s.Files {
		n += f.Bytes
	}
	return n
}

// FileSize is a file of the journal.
type FileSize struct {
	Name  string // within the directory
	Bytes int64
}

// Stats returns what the journal holds and which files it has, by name.
func (j *Journal) Stats() (Stats, error) {
	j.write.Lock()
	h, sets, err := j.meta.head, j.meta.sets, j.err
	j.write.Unlock()
	if err == ErrClosed {
		return Stats{}, err
	}
	s := Stats{First: h.first, Last: h.last, Subjects: h.live, Forgotten: h.destroyed}
	names := []string{dbFile, lockFile}
	for name := range fileNames(sets) {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		info, err := os.Stat(filepath.Join(j.dir, name))
		if err != nil {
			return s, system(name, "looking", err)
		}
		s.Files = append(s.Files, FileSize{name, info.Size()})
	}
	return s, nil
}
