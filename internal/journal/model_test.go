package journal

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is a journal as simple as can be.
type model struct {
	dir       string
	j         *Journal
	entries   []entry
	last      uint64
	forgotten map[uint64]bool
	sets      []uint64 // newest first
}

func (m *model) open(t *rapid.T) {
	// Nothing is lost without flushing as long as the machine runs.
	j, err := Open(m.dir, &Options{bugs: bugNoSync, pageSize: 1024})
	require.NoError(t, err)
	m.j = j
}

func (m *model) append(t *rapid.T) {
	var b Batch
	known := false
	n := rapid.IntRange(0, 6).Draw(t, "records")
	var added []entry
	for i := range n {
		e := entry{
			seq: m.last + uint64(i) + 1, subject: rapid.Uint64Range(0, 12).Draw(t, "subject"), kind: byte(i),
			clear: fmt.Sprint(m.last), data: string(make([]byte, rapid.SampledFrom([]int{0, 3, 200, 3000}).Draw(t, "size"))),
		}
		known = known || m.forgotten[e.subject]
		added = append(added, e)
		b.Records = append(b.Records, Record{Subject: e.subject, Kind: e.kind, Clear: []byte(e.clear), Data: []byte(e.data), Shredded: i == 0})
	}
	b.Forget = rapid.SliceOfN(rapid.Uint64Range(1, 12), 0, 1).Draw(t, "forget")
	last, err := m.j.Append(b)
	if known {
		require.ErrorIs(t, err, ErrForgotten)
		return
	}
	require.NoError(t, err)
	m.entries = append(m.entries, added...)
	m.last += uint64(n)
	require.Equal(t, m.last, last)
	for _, subject := range b.Forget {
		m.forgotten[subject] = true
		for i := range m.entries {
			if e := &m.entries[i]; e.subject == subject {
				e.data, e.shredded = "", true
			}
		}
	}
}

func (m *model) snapshot(t *rapid.T) {
	seq := rapid.Uint64Range(0, m.last+1).Draw(t, "seq")
	err := m.j.Snapshot(seq, []Part{{"a", text(fmt.Sprint(seq))}})
	if seq > m.last || len(m.sets) > 0 && seq < m.sets[0] {
		require.ErrorIs(t, err, ErrInvalid)
		return
	}
	require.NoError(t, err)
	m.sets = append([]uint64{seq}, m.sets[:min(1, len(m.sets))]...)
}

func (m *model) truncate(t *rapid.T) {
	before := rapid.Uint64Range(0, m.last+2).Draw(t, "before")
	first := m.j.First()
	err := m.j.Truncate(before)
	if before > first && (len(m.sets) == 0 || before-1 > m.sets[len(m.sets)-1]) {
		require.ErrorIs(t, err, ErrUncovered)
		return
	}
	require.NoError(t, err)
	require.LessOrEqual(t, m.j.First(), max(first, before))
	m.entries = slices.DeleteFunc(m.entries, func(e entry) bool { return e.seq < before })
}

func (m *model) compact(t *rapid.T) {
	require.NoError(t, m.j.Compact(context.Background()))
	if len(m.sets) > 0 {
		m.sets = m.sets[:1]
		m.entries = slices.DeleteFunc(m.entries, func(e entry) bool { return e.shredded && e.seq <= m.sets[0] })
	}
	clear(m.forgotten)
}

func (m *model) reopen(t *rapid.T) {
	require.NoError(t, m.j.Close())
	m.open(t)
}

func (m *model) check(t *rapid.T) {
	require.Equal(t, m.last, m.j.Last())
	first := m.j.First()
	var seqs []uint64
	for _, set := range m.j.Snapshots() {
		seqs = append(seqs, set.Seq)
		b, err := m.j.Read(set, "a")
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(set.Seq), string(b))
	}
	require.Equal(t, slices.Clone(m.sets), seqs)
	after := rapid.Uint64Range(0, m.last+1).Draw(t, "after")
	got, err := entries(m.j, after)
	if after+1 < first {
		require.ErrorIs(t, err, ErrCut)
		return
	}
	require.NoError(t, err)
	var want []entry
	for _, e := range m.entries {
		if e.seq > after {
			want = append(want, e)
		}
	}
	require.Equal(t, want, got)
}

// Every sequence of calls shows what a naive journal would.
func TestModel(t *testing.T) {
	if raceEnabled {
		t.Skip("one caller at a time; TestCompactBesideEverything has many")
	}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "journal")
		require.NoError(rt, err)
		defer os.RemoveAll(dir)
		m := &model{dir: dir, forgotten: map[uint64]bool{}}
		m.open(rt)
		defer func() { m.j.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.append, "append again": m.append, "snapshot": m.snapshot, "truncate": m.truncate,
			"compact": m.compact, "reopen": m.reopen, "": m.check,
		})
	})
}
