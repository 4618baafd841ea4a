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
}

type fieldEntry struct {
	rank       uint32
	start, end int // of the value
}

// learn finds the names that are used.
func (t *transcoder) learn(s *Store, people []*person) {
	l := &s.log
	names := usedNames{seen: make([]bool, l.names.Len()), others: make(map[string]bool)}
	for _, p := range people {
		for _, r := range p.rows {
			b := l.content(r.pos())[1:]
			_, b = cutText(b)
			skipFields(names.ref(b), &names)
		}
	}
	for n, used := range names.seen {
		if used {
			t.names = append(t.names, l.names.Name(uint32(n)))
		}
	}
	for n := range names.others {
		// A name written out is not in the dictionary, which only grows.
		t.names = append(t.names, n)
	}
	slices.SortFunc(t.names, ids.Compare)
	t.rank = make([]uint32, len(names.seen))
	t.inline = make(map[string]uint32, len(names.others))
	for i, n := range t.names {
		if id, ok := l.names.Lookup(n); ok {
			t.rank[id] = uint32(i)
		} else {
			t.inline[n] = uint32(i)
		}
	}
}

// usedNames are the names that events refer to, or write out.
type usedNames struct {
	seen   []bool // by number
	others map[string]bool
}

func (u *usedNames) ref(b []byte) []byte {
	n, b := cutUvarint(b)
	if n == 0 {
		text, rest := cutText(b)
		if u != nil {
			u.others[string(text)] = true
		}
		return rest
	}
	if u != nil {
		u.seen[n-1] = true
	}
	return b
}

// cutUvarint reads an integer of the log, of which most take one byte.
func cutUvarint(b []byte) (n uint64, rest []byte) {
	if b[0] < 0x80 {
		return uint64(b[0]), b[1:]
	}
	return cutLong(b)
}

func cutLong(b []byte) (n uint64, rest []byte) {
	n, k := binary.Uvarint(b)
	return n, b[k:]
}

func cutText(b []byte) (text, rest []byte) {
	n, b := cutUvarint(b)
	return b[:n], b[n:]
}

// skipFields passes over fields and notes their names, unless names is nil.
func skipFields(b []byte, names *usedNames) []byte {
	n, b := cutUvarint(b)
	for range n {
		b = skipValue(names.ref(b), names)
	}
	return b
}

func skipValue(b []byte, names *usedNames) []byte {
	tag := b[0]
	b = b[1:]
	switch tag {
	case tagInt:
		_, b = cutUvarint(b)
	case tagFloat:
		return b[8:]
	case tagString:
		_, b = cutText(b)
	case tagTime:
		_, b = cutUvarint(b)
		_, b = cutUvarint(b)
	case tagStrings:
		n, rest := cutUvarint(b)
		b = rest
		for range n {
			_, b = cutText(b)
		}
	case tagObjects:
		n, rest := cutUvarint(b)
		b = rest
		for range n {
			b = skipFields(b, names)
		}
	}
	return b
}

func (t *transcoder) ref(b []byte) (rank uint32, rest []byte) {
	n, b := cutUvarint(b)
	if n > 0 {
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
	n, b := cutUvarint(b)
	t.out = binary.AppendUvarint(t.out, n)
	base := len(t.entries)
	for range n {
		rank, rest := t.ref(b)
		start := len(whole) - len(rest)
		b = skipValue(rest, nil)
		t.entries = append(t.entries, fieldEntry{rank, start, len(whole) - len(b)})
	}
	sortEntries(t.entries[base:])
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

// sortEntries sorts the few fields of an event by their names.
func sortEntries(x []fieldEntry) {
	if len(x) > 16 {
		slices.SortFunc(x, func(x, y fieldEntry) int { return cmp.Compare(x.rank, y.rank) })
		return
	}
	for i := 1; i < len(x); i++ {
		for j := i; j > 0 && x[j].rank < x[j-1].rank; j-- {
			x[j], x[j-1] = x[j-1], x[j]
		}
	}
}
