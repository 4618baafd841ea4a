package segment

import (
	"cmp"
	"math"
	"slices"

	"github.com/zhun-go/zhun/internal/value"
)

// eventType is an event the index keeps and where its fields are held.
type eventType struct {
	id     uint32
	name   string
	schema Schema
	nums   int // numeric fields, held as float64
	objs   int // other fields; with Options.Dynamic one more for what is not declared
	fields map[string]field
	names  []string // declared fields in their order
	places []field  // the same

	matchers []*matcher   // counted rows
	others   []*predicate // predicates that read the event in other ways
}

// field is where a declared field is held.
type field struct {
	kind   Kind
	col    int
	schema Schema // of the objects of a list, nil when they keep all they hold
}

// stream is one user's log of one event: a multiset of rows ordered by time,
// then content. The cells of a row lie side by side: second, nanosecond and
// the numeric fields, so that a row without fields costs 16 bytes and the
// newest rows, which are asked for most, are in one place.
type stream struct {
	event uint32
	width uint16 // cells of a row
	objs  uint16 // other fields of a row
	last  int64  // second of the newest row, so that to add one is only a write
	cells []uint64
	obj   *[]any // nil without such fields
}

// maxFields is how many fields of an event fit.
const maxFields = 1<<16 - 1 - timeCells - 1

// timeCells are the cells of a row that hold its time.
const timeCells = 2

func newStream(event uint32, nums, objs int) stream {
	s := stream{event: event, width: uint16(timeCells + nums), objs: uint16(objs)}
	if objs > 0 {
		s.obj = new([]any)
	}
	return s
}

func (s *stream) len() int { return int(uint32(len(s.cells)) / uint32(s.width)) }

// crowded reports whether there is no room for one more row.
func (s *stream) crowded() bool { return len(s.cells)+int(s.width) > cap(s.cells) && len(s.cells) > 0 }

func (s *stream) sec(i int) int64 { return int64(s.cells[i*int(s.width)]) }

func (s *stream) at(i int) stamp {
	c := s.cells[i*int(s.width):]
	return stamp{int64(c[0]), int32(c[1])}
}

// num returns a numeric field of a row.
func (s *stream) num(i, col int) float64 {
	return math.Float64frombits(s.cells[i*int(s.width)+timeCells+col])
}

func (s *stream) objRow(i int) []any {
	if s.obj == nil {
		return nil
	}
	return (*s.obj)[i*int(s.objs) : (i+1)*int(s.objs)]
}

// reserve makes room in an empty log.
func (s *stream) reserve(rows int) {
	s.cells = make([]uint64, 0, rows*int(s.width))
	if s.obj != nil {
		*s.obj = make([]any, 0, rows*int(s.objs))
	}
}

// insert puts a row in its place and returns it. Appending is the common case.
func (s *stream) insert(at stamp, num []float64, obj []any) int {
	n := s.len()
	i := n
	for i > 0 && at.sec <= s.last && s.compareRow(i-1, at, num, obj) > 0 {
		// A few steps back before a search: late rows are mostly a little late.
		if n-i == 8 {
			lo, hi := 0, i
			for lo < hi {
				if mid := int(uint(lo+hi) >> 1); s.compareRow(mid, at, num, obj) > 0 {
					hi = mid
				} else {
					lo = mid + 1
				}
			}
			i = lo
			break
		}
		i--
	}
	w := int(s.width)
	if n == 0 || at.sec > s.last {
		s.last = at.sec
	}
	end := len(s.cells)
	if end+w > cap(s.cells) {
		s.cells = slices.Grow(s.cells, w)
	}
	s.cells = s.cells[:end+w]
	if i < n {
		copy(s.cells[(i+1)*w:], s.cells[i*w:end])
	}
	c := s.cells[i*w:][:timeCells+len(num)]
	c[0], c[1] = uint64(at.sec), uint64(at.ns)
	for j, v := range num {
		c[timeCells+j] = math.Float64bits(v)
	}
	if s.objs > 0 {
		*s.obj = slices.Insert(*s.obj, i*int(s.objs), obj...)
	}
	return i
}

func (s *stream) compareRow(i int, at stamp, num []float64, obj []any) int {
	if c := s.at(i).compare(at); c != 0 {
		return c
	}
	for j, v := range num {
		if c := compareNum(s.num(i, j), v); c != 0 {
			return c
		}
	}
	for j, x := range s.objRow(i) {
		if c := compareObj(x, obj[j]); c != 0 {
			return c
		}
	}
	return 0
}

// compareNum orders a missing number before any other.
func compareNum(a, b float64) int { return cmp.Compare(a, b) }

func compareObj(a, b any) int {
	if x, ok := a.(extra); ok {
		y, _ := b.(extra)
		return value.CompareFields(x, y)
	}
	return value.Compare(a, b)
}

// extra holds the fields of a row that are not declared.
type extra map[string]any

// upper returns the number of rows whose second is at most sec.
func (s *stream) upper(sec int64) int {
	n := s.len()
	if n == 0 || s.last <= sec {
		return n
	}
	lo, hi := 0, n-1
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); s.sec(mid) <= sec {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (s *stream) absorb(o *stream) {
	if o.len() == 0 {
		return
	}
	if s.len() == 0 {
		*s = o.clone()
		return
	}
	num := make([]float64, o.width-timeCells)
	for i := range o.len() {
		for j := range num {
			num[j] = o.num(i, j)
		}
		s.insert(o.at(i), num, o.objRow(i))
	}
}

func (s *stream) clone() stream {
	c := *s
	c.cells = slices.Clone(s.cells)
	if s.obj != nil {
		obj := slices.Clone(*s.obj)
		c.obj = &obj
	}
	return c
}

// oldest is upper where that is mostly few: those come in the order in which
// memory is read.
func (s *stream) oldest(sec int64) int {
	n, w := 0, int(s.width)
	for c := s.cells; len(c) > 0 && int64(c[0]) <= sec; c = c[w:] {
		if n++; n == 8 {
			return s.upper(sec)
		}
	}
	return n
}

// prune drops the rows up to and including the second.
func (s *stream) prune(sec int64) {
	n := s.oldest(sec)
	if n == 0 {
		return
	}
	s.cells = s.cells[:copy(s.cells, s.cells[n*int(s.width):])]
	if s.obj != nil {
		*s.obj = slices.Delete(*s.obj, 0, n*int(s.objs))
	}
}

// newEventType lays out the fields of an event.
func newEventType(id uint32, name string, schema Schema, dynamic bool) *eventType {
	e := &eventType{id: id, name: name, schema: schema, fields: make(map[string]field)}
	for _, f := range schema.names() {
		if _, _, sub := schema.parent(f); sub {
			continue
		}
		e.names = append(e.names, f)
		k := schema[f]
		if k.numeric() {
			e.fields[f] = field{kind: k, col: e.nums}
			e.nums++
		} else {
			e.fields[f] = field{kind: k, col: e.objs, schema: schema.below(f)}
			e.objs++
		}
		e.places = append(e.places, e.fields[f])
	}
	if dynamic {
		e.objs++
	}
	return e
}

// below returns what is declared of the objects of a field, nil if nothing is.
func (s Schema) below(name string) Schema {
	var sub Schema
	for n, k := range s {
		if parent, rest, ok := s.parent(n); ok && parent == name {
			if sub == nil {
				sub = make(Schema)
			}
			sub[rest] = k
		}
	}
	return sub
}

// keep reduces the objects of a list to the declared fields of the declared
// kinds. The objects are the caller's to change.
func (s Schema) keep(list []map[string]any) {
	for _, m := range list {
		for name, v := range m {
			k, ok := s[name]
			if !ok || !k.holds(v) {
				delete(m, name)
				continue
			}
			if sub, ok := v.([]map[string]any); ok {
				if below := s.below(name); below != nil {
					below.keep(sub)
				}
			}
		}
	}
}

// holds reports whether a canonical value is of the kind.
func (k Kind) holds(v any) bool {
	switch x := v.(type) {
	case bool:
		return k == Bool || k == Any
	case float64:
		return (k == Number || k == Any) && !math.IsNaN(x)
	case string:
		return k == String || k == Any
	case []string:
		return k == Strings || k == Any || k == Objects && len(x) == 0
	case []map[string]any:
		return k == Objects || k == Any
	case nil:
		return false
	}
	return k == Time || k == Any
}
