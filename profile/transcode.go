package profile

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/zhun-go/zhun/internal/ids"
)

// transcoder brings events of the log into a form that depends on what they
// say only: names are numbered by their order, fields follow that.
type transcoder struct {
	names   []string // sorted, each of them used
	rank    []uint32 // of the log's names, by their number
	inline  map[string]uint32
	entries []fieldEntry
	out     []byte
	pass    func([]byte) []byte // over the reference to a name
}

type fieldEntry struct {
	rank       uint32
	start, end int // of the value
}

// learn finds the names that are used.
func (t *transcoder) learn(s *Store, people []*person) {
	l := &s.log
	seen := make([]bool, l.names.Len())
	others := make(map[string]bool)
	name := func(b []byte) []byte {
		n, k := binary.Uvarint(b)
		if b = b[k:]; n > 0 {
			seen[n-1] = true
			return b
		}
		text, b := cutText(b)
		others[string(text)] = true
		return b
	}
	for _, p := range people {
		for _, r := range p.rows {
			b := l.content(r.pos())[1:]
			_, b = cutText(b)
			skipFields(name(b), name)
		}
	}
	for n, used := range seen {
		if used {
			t.names = append(t.names, l.names.Name(uint32(n)))
		}
	}
	for n := range others {
		// A name written out is not in the dictionary, which only grows.
		t.names = append(t.names, n)
	}
	slices.SortFunc(t.names, ids.Compare)
	t.pass = func(b []byte) []byte { _, b = t.ref(b); return b }
	t.rank = make([]uint32, len(seen))
	t.inline = make(map[string]uint32, len(others))
	for i, n := range t.names {
		if id, ok := l.names.Lookup(n); ok {
			t.rank[id] = uint32(i)
		} else {
			t.inline[n] = uint32(i)
		}
	}
}

func cutText(b []byte) (text, rest []byte) {
	n, k := binary.Uvarint(b)
	return b[k : k+int(n)], b[k+int(n):]
}

// skipFields passes over fields and tells name of each name.
func skipFields(b []byte, name func([]byte) []byte) []byte {
	n, k := binary.Uvarint(b)
	b = b[k:]
	for range n {
		b = skipValue(name(b), name)
	}
	return b
}

func skipValue(b []byte, name func([]byte) []byte) []byte {
	tag := b[0]
	b = b[1:]
	switch tag {
	case tagInt:
		_, k := binary.Varint(b)
		return b[k:]
	case tagFloat:
		return b[8:]
	case tagString:
		_, b = cutText(b)
	case tagTime:
		_, k := binary.Varint(b)
		_, j := binary.Uvarint(b[k:])
		return b[k+j:]
	case tagStrings:
		n, k := binary.Uvarint(b)
		b = b[k:]
		for range n {
			_, b = cutText(b)
		}
	case tagObjects:
		n, k := binary.Uvarint(b)
		b = b[k:]
		for range n {
			b = skipFields(b, name)
		}
	}
	return b
}

func (t *transcoder) ref(b []byte) (rank uint32, rest []byte) {
	n, k := binary.Uvarint(b)
	if b = b[k:]; n > 0 {
		return t.rank[n-1], b
	}
	text, b := cutText(b)
	return t.inline[string(text)], b
}

// event returns an event of the log in the form written; it is valid until
// the next call.
func (t *transcoder) event(b []byte) []byte {
	t.out = append(t.out[:0], b[0])
	id, b := cutText(b[1:])
	t.out = binary.AppendUvarint(t.out, uint64(len(id)))
	t.out = append(t.out, id...)
	name, b := t.ref(b)
	t.out = binary.AppendUvarint(t.out, uint64(name)+1)
	t.fields(b)
	return t.out
}

func (t *transcoder) fields(b []byte) (rest []byte) {
	whole := b
	n, k := binary.Uvarint(b)
	b = b[k:]
	t.out = binary.AppendUvarint(t.out, n)
	base := len(t.entries)
	for range n {
		rank, rest := t.ref(b)
		start := len(whole) - len(rest)
		b = skipValue(rest, t.pass)
		t.entries = append(t.entries, fieldEntry{rank, start, len(whole) - len(b)})
	}
	slices.SortFunc(t.entries[base:], func(x, y fieldEntry) int { return cmp.Compare(x.rank, y.rank) })
	for i := base; i < base+int(n); i++ {
		x := t.entries[i]
		t.out = binary.AppendUvarint(t.out, uint64(x.rank)+1)
		v := whole[x.start:x.end]
		if v[0] != tagObjects {
			t.out = append(t.out, v...)
			continue
		}
		objects, k := binary.Uvarint(v[1:])
		t.out = append(t.out, v[:1+k]...)
		v = v[1+k:]
		for range objects {
			v = t.fields(v)
		}
	}
	t.entries = t.entries[:base]
	return b
}
