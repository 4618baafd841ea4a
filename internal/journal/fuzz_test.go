package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzOpen opens damaged databases: anything but a typed error or a journal
// that can be read and written is a bug. Only what passes the check, which
// comes before all else, is worth a file.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	j, err := Open(dir, &Options{pageSize: minPage, bugs: bugNoSync})
	require.NoError(f, err)
	for i := range 4 {
		_, err := j.Append(Batch{Records: []Record{{Subject: uint64(i), Data: make([]byte, 300*i)}}, Forget: []uint64{2}})
		if err != nil {
			require.ErrorIs(f, err, ErrForgotten)
		}
	}
	require.NoError(f, j.Snapshot(1, []Part{{"a", text("a")}}))
	require.NoError(f, j.Close())
	whole, err := os.ReadFile(filepath.Join(dir, dbFile))
	require.NoError(f, err)
	whole = bytes.TrimRight(whole, "\x00")
	for len(whole)%minPage != 0 {
		whole = append(whole, 0)
	}
	f.Add(uint32(0), []byte{}, uint32(len(whole)))
	f.Add(uint32(minPage+20), []byte{1, 2, 3}, uint32(len(whole)))
	f.Add(uint32(3*minPage), bytes.Repeat([]byte{0xff}, 64), uint32(len(whole)))
	f.Add(uint32(0), []byte("hello"), uint32(5))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, size uint32) {
		b := bytes.Clone(whole)
		copy(b[min(int(at), len(b)):], patch)
		b = b[:min(int(size), len(b))]
		typed := func(err error) {
			if _, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatalf("%v", err)
			}
		}
		fresh := false // in a page that matters
		err := readPages(bytes.NewReader(b), int64(len(b)), dbFile, func(p *pages, root uint64) error {
			_, err := p.verify(root, 0)
			for id := range p.high {
				at := int(int64(id) * p.page)
				fresh = fresh || !p.mark(id) && !bytes.Equal(b[at:at+int(p.page)], whole[at:at+int(p.page)])
			}
			return err
		})
		if err != nil {
			typed(err)
			return
		}
		if !fresh {
			return
		}
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, dbFile), b, 0o600))
		j, err := Open(dir, &Options{bugs: bugNoSync})
		if err != nil {
			typed(err) // of another format
			return
		}
		defer j.Close()
		_, err = entries(j, j.First()-1)
		require.NoError(t, err)
		_, err = j.Append(Batch{Records: []Record{{Subject: 9, Data: []byte("x")}}})
		require.NoError(t, err)
	})
}

// FuzzRecord parses stored records; what it accepts is written the same way.
func FuzzRecord(f *testing.F) {
	for _, s := range []stored{
		{seq: 1, kind: 2, clear: []byte("clear"), data: []byte("data")},
		{seq: 1, state: sealed, subject: 300, data: make([]byte, nonceSize+tagSize)},
		{seq: 1, state: shredded, subject: 1, clear: []byte("c")},
		{seq: 1, state: hole, n: 1000},
	} {
		f.Add(appendStored(nil, &s, 0)[8:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append(make([]byte, 8), b...)
		if len(b) >= recordHeader {
			endRecord(b, 0, 0)
		}
		var s stored
		if s.parse(b, 1, 0) == "" && s.state != hole {
			var again stored
			require.Empty(t, again.parse(appendStored(nil, &s, 0), 1, 0))
			require.Equal(t, s, again)
		}
	})
}

// FuzzSets decodes lists of snapshots.
func FuzzSets(f *testing.F) {
	f.Add(encodeSets(nil))
	f.Add(encodeSets([]Set{{Seq: 7, serial: 2, Parts: []string{"a", "b"}, files: []file{{10, 5, 77}, {1, 0, 0}}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		sets, err := decodeSets(b)
		if err == nil {
			require.Equal(t, b, encodeSets(sets))
		}
	})
}

// FuzzPart reads files of parts.
func FuzzPart(f *testing.F) {
	path := filepath.Join(f.TempDir(), "part")
	out, err := os.Create(path)
	require.NoError(f, err)
	w := newPartWriter(out, func(string) error { return nil })
	_, err = io.WriteString(w, "content")
	require.NoError(f, err)
	want, err := w.finish()
	require.NoError(f, err)
	require.NoError(f, out.Close())
	whole, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(whole, want.size, want.content)
	f.Add(whole[:20], int64(20), int64(0))
	f.Add(append(bytes.Clone(whole), whole...), 2*want.size, 2*want.content)
	f.Fuzz(func(t *testing.T, b []byte, size, content int64) {
		total := 0
		err := scanPart(bytes.NewReader(b), int64(len(b)), "part", file{size: size, content: content, crc: want.crc}, func(c []byte) error {
			total += len(c)
			return nil
		})
		if err == nil && !bytes.Equal(whole, b) || err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
			t.Fatalf("%v of %x", err, b)
		}
		if total > len(b) {
			t.Fatalf("%d bytes of %d", total, len(b))
		}
	})
}
