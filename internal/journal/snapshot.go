package journal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
)

// keptSets is how many published sets there are at most: should the newest
// prove damaged, the one before it and the records since are still there.
const keptSets = 2

// Part is one file of a snapshot.
type Part struct {
	Name  string
	Write io.WriterTo
}

// Set is a published snapshot: the parts together hold the state after the
// record Seq. Immutable; safe for concurrent use.
type Set struct {
	Seq   uint64
	Parts []string // names, in the order they were given

	serial uint64
	files  []file
}

// Size returns the bytes that the files of the set take.
func (s Set) Size() int64 {
	var n int64
	for _, f := range s.files {
		n += f.size
	}
	return n
}

func (s Set) clone() Set {
	s.Parts, s.files = slices.Clone(s.Parts), slices.Clone(s.files)
	return s
}

// fileName returns the name of a part's file. Letters that a file system may
// not take are escaped.
func (s Set) fileName(part string) string {
	var b strings.Builder
	for _, c := range []byte(part) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '_' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return fmt.Sprintf("%s%d-%d-%s", snapshot, s.Seq, s.serial, b.String())
}

func fileNames(sets []Set) map[string]bool {
	names := map[string]bool{}
	for _, s := range sets {
		for _, p := range s.Parts {
			names[s.fileName(p)] = true
		}
	}
	return names
}

// Longest name of a part; escaped it must still be a file's name.
const maxPartName = 64

// Snapshot writes a set of files that hold the host's state after the record
// seq, and publishes it in one transaction when all of them are durable. Of
// older sets the newest is kept and the others are removed. Records are
// appended meanwhile; only the publication waits its turn.
//
// Part names are unique and have 1 to 64 bytes. An error of a file leaves the
// journal as it was, and it goes on; an error of the publishing transaction
// is that of a failed Append.
func (j *Journal) Snapshot(seq uint64, parts []Part) error {
	j.snapshots.Lock()
	defer j.snapshots.Unlock()
	if err := j.checkParts(seq, parts); err != nil {
		return err
	}
	j.write.Lock()
	err, set := j.err, Set{Seq: seq, serial: j.meta.head.serial + 1}
	j.write.Unlock()
	if err != nil {
		return err
	}
	for _, p := range parts {
		set.Parts = append(set.Parts, p.Name)
	}
	set.files = make([]file, len(parts))
	if j.opts.bugs.has(bugEarlyPublish) {
		if err := j.publishSet(set); err != nil {
			return err
		}
	}
	for i, p := range parts {
		if set.files[i], err = j.writePart(set.fileName(p.Name), p.Write); err != nil {
			for _, q := range parts[:i+1] {
				os.Remove(filepath.Join(j.dir, set.fileName(q.Name)))
				os.Remove(filepath.Join(j.dir, set.fileName(q.Name)+partial))
			}
			return err
		}
	}
	if err := j.sync("snapshot.renamed"); err != nil {
		return err
	}
	if err := j.publishSet(set); err != nil {
		return err
	}
	return j.clean("snapshot")
}

func (j *Journal) checkParts(seq uint64, parts []Part) error {
	invalid := func(format string, args ...any) error {
		return &Error{Offset: -1, Err: ErrInvalid, Reason: fmt.Sprintf(format, args...)}
	}
	seen := map[string]bool{}
	for i, p := range parts {
		if len(p.Name) == 0 || len(p.Name) > maxPartName {
			return invalid("part %d of the snapshot has the name %q, of 1 to %d bytes", i, p.Name, maxPartName)
		}
		if seen[p.Name] {
			return invalid("two parts of the snapshot have the name %q", p.Name)
		}
		if p.Write == nil {
			return invalid("part %q of the snapshot has no writer", p.Name)
		}
		seen[p.Name] = true
	}
	if len(parts) == 0 {
		return invalid("a snapshot without parts")
	}
	if last := j.Last(); seq > last {
		return invalid("a snapshot after record %d, the last is %d", seq, last)
	}
	if sets := j.Snapshots(); len(sets) > 0 && seq < sets[0].Seq {
		return invalid("a snapshot after record %d, the newest is after %d", seq, sets[0].Seq)
	}
	return nil
}

// writePart writes one file and makes its content durable.
func (j *Journal) writePart(name string, content io.WriterTo) (file, error) {
	path := filepath.Join(j.dir, name)
	err := j.hook("snapshot.create")
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(path+partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	}
	if err != nil {
		return file{}, system(name+partial, "creating", err)
	}
	w := newPartWriter(f, j.hook)
	_, err = content.WriteTo(w)
	if w.err != nil {
		err = w.err // not what the host makes of it
	}
	written := file{}
	if err == nil {
		written, err = w.finish()
	}
	if err == nil {
		err = j.hook("snapshot.written")
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = j.hook("snapshot.synced")
	}
	if err == nil {
		err = os.Rename(path+partial, path)
	}
	if err != nil {
		return file{}, system(name+partial, "writing", err)
	}
	return written, nil
}

// sync makes the names in the directory durable after a failpoint.
func (j *Journal) sync(point string) error {
	if err := j.hook(point); err != nil {
		return system("", "syncing the directory", err)
	}
	return syncDir(j.dir)
}

func (j *Journal) publishSet(set Set) error {
	j.write.Lock()
	defer j.write.Unlock()
	return j.transact("publish", overhead, func(tx *bbolt.Tx, m *meta) error {
		older := m.sets
		if j.opts.bugs.has(bugEarlyPublish) && len(older) > 0 && older[0].serial == set.serial {
			older = older[1:]
		}
		m.head.serial = set.serial
		m.sets = append([]Set{set}, older...)
		m.sets = m.sets[:min(len(m.sets), keptSets)]
		return putMeta(tx, metaSets, encodeSets(m.sets))
	})
}

// clean removes files that no published set names.
func (j *Journal) clean(name string) error {
	if err := j.hook(name + ".published"); err != nil {
		return system("", "removing old snapshots", err)
	}
	return sweep(j.dir, fileNames(j.Snapshots()))
}

// Snapshots returns the published sets, newest first, at most two.
func (j *Journal) Snapshots() []Set {
	j.view.Lock()
	defer j.view.Unlock()
	out := make([]Set, len(j.sets))
	for i, s := range j.sets {
		out[i] = s.clone()
	}
	return out
}

// Read returns the content of a part of a published set. A file that is
// missing, or differs from what was written in any way, is [ErrCorrupt] with
// its name and the offset; the set before it and the records since then still
// give the state.
func (j *Journal) Read(set Set, part string) ([]byte, error) {
	i := slices.Index(set.Parts, part)
	if i < 0 || i >= len(set.files) {
		return nil, &Error{Offset: -1, Err: ErrInvalid, Reason: fmt.Sprintf("the snapshot after record %d has no part %q", set.Seq, part)}
	}
	name := set.fileName(part)
	path := filepath.Join(j.dir, name)
	want := set.files[i]
	// The size that was published may itself be more than there is.
	if info, err := os.Stat(path); err == nil && info.Size() < want.content {
		return nil, corrupt(name, info.Size(), "the file has %d bytes, there should be %d", info.Size(), want.size)
	}
	var out []byte
	err := readPart(path, name, want, func(b []byte) error {
		if out == nil {
			out = make([]byte, 0, want.content)
		}
		out = append(out, b...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
