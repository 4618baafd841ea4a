package journal

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const goldenFormat = "golden 1"

// golden is what a directory of a released layout holds.
type golden struct {
	Records []goldenRecord
	Sets    []goldenSet
}

type goldenRecord struct {
	Seq, Subject uint64
	Kind         byte
	Clear, Data  string
	Shredded     bool
}

type goldenSet struct {
	Seq   uint64
	Parts []string // name and content, in turn
}

func goldenOf(t testing.TB, j *Journal) (g golden) {
	for _, e := range replay(t, j, j.First()-1) {
		g.Records = append(g.Records, goldenRecord{e.seq, e.subject, e.kind, e.clear, e.data, e.shredded})
	}
	for _, set := range j.Snapshots() {
		s := goldenSet{Seq: set.Seq}
		for _, part := range set.Parts {
			b, err := j.Read(set, part)
			require.NoError(t, err)
			s.Parts = append(s.Parts, part, string(b))
		}
		g.Sets = append(g.Sets, s)
	}
	return g
}

// A directory of each released layout can be opened for ever. With
// ZHUN_GOLDEN set, that of the present layout is written if there is none.
func TestReleasedLayoutsOpen(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("bbolt's files are in the byte order of the machine")
	}
	present := filepath.Join("testdata", "layout1")
	if _, err := os.Stat(present); os.IsNotExist(err) && os.Getenv("ZHUN_GOLDEN") != "" {
		writeGolden(t, present)
	}
	layouts, err := filepath.Glob(filepath.Join("testdata", "layout*.json"))
	require.NoError(t, err)
	require.Contains(t, layouts, present+".json")
	for _, path := range layouts {
		t.Run(filepath.Base(path), func(t *testing.T) {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			var want golden
			require.NoError(t, json.Unmarshal(b, &want))
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(path[:len(path)-len(".json")])))
			j := mustOpen(t, dir, &Options{Format: goldenFormat})
			require.Equal(t, want, goldenOf(t, j))
			last := j.Last()
			_, err = j.Append(Batch{Records: []Record{{Subject: 1, Data: []byte("more")}}})
			require.NoError(t, err)
			require.NoError(t, j.Snapshot(last+1, []Part{{"store", text("more")}}))
			require.NoError(t, j.Compact(context.Background()))
			require.Equal(t, "more", replay(t, j, last)[0].data)
		})
	}
}

func writeGolden(t *testing.T, dir string) {
	j := mustOpen(t, dir, &Options{Format: goldenFormat})
	add := func(records ...Record) {
		_, err := j.Append(Batch{Records: records})
		require.NoError(t, err)
	}
	take := func(content string) {
		require.NoError(t, j.Snapshot(j.Last(), []Part{{"store", text(content)}, {"view/segment", text("view of " + content)}}))
	}
	for i := range byte(12) {
		add(Record{Subject: uint64(i%3) + 1, Kind: i, Clear: []byte{'a' + i}, Data: []byte("somebody's")}, Record{Kind: i, Data: []byte("nobody's")})
	}
	take("first")
	require.NoError(t, j.Truncate(4))
	_, err := j.Append(Batch{Forget: []uint64{2}})
	require.NoError(t, err)
	add(Record{Subject: 3, Kind: 20, Data: []byte("later")})
	require.NoError(t, j.Compact(context.Background()))
	add(Record{Subject: 4, Kind: 21, Clear: []byte("clear"), Data: []byte("forgotten")})
	_, err = j.Append(Batch{Forget: []uint64{4}})
	require.NoError(t, err)
	take("second")
	add(Record{Subject: 5, Kind: 22, Data: []byte("tail")})
	b, err := json.MarshalIndent(goldenOf(t, j), "", "\t")
	require.NoError(t, err)
	require.NoError(t, j.Close())
	require.NoError(t, os.Remove(filepath.Join(dir, lockFile)))
	require.NoError(t, os.WriteFile(dir+".json", append(b, '\n'), 0o644))
}
