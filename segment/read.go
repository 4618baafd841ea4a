package segment

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/value"
	"github.com/zhun-go/zhun/internal/wire"
)

// rowReader reads the rows of a snapshot.
type rowReader struct {
	x      *Index
	r      *wire.Reader
	attrs  []*attribute // by place in the dictionary
	events []*eventType
	used   [2][]bool
	num    []float64
	obj    []any
}

func (x *Index) readRows(f *wire.Frame, snap *snapshot) error {
	d := &rowReader{x: x}
	if err := d.names(f.Section("names"), snap); err != nil {
		return err
	}
	r := f.Section("rows")
	d.r = r
	user := uint64(0)
	for range r.Count(3) {
		step := r.Uvarint()
		if user += step; step == 0 || user > 1<<32-1 {
			r.Fail("users out of order")
		}
		if r.Err() != nil {
			break
		}
		u := &row{user: uint32(user)}
		d.row(u)
		snap.table.put(u)
	}
	for _, used := range d.used {
		if slices.Contains(used, false) {
			r.Fail("a name that is not used")
		}
	}
	return r.Close()
}

// names reads the dictionaries. Names that a dynamic index does not know yet
// get the numbers they will have.
func (d *rowReader) names(r *wire.Reader, snap *snapshot) error {
	list := func() []string {
		names := r.Names()
		for i, n := range names {
			if n == "" || !utf8.ValidString(n) || i > 0 && ids.Compare(names[i-1], n) >= 0 {
				r.Fail("names out of order")
			}
		}
		return names
	}
	x := d.x
	for _, n := range list() {
		a := x.attrByName[n]
		if a == nil {
			if !x.opts.Dynamic {
				r.Fail("unknown attribute %q", n)
				break
			}
			a = &attribute{id: uint32(len(x.attrs) + len(snap.attrs)), name: n, kind: Any}
			snap.attrs = append(snap.attrs, a)
		}
		d.attrs = append(d.attrs, a)
	}
	for _, n := range list() {
		e := x.eventByName[n]
		if e == nil {
			if !x.opts.Dynamic {
				r.Fail("unknown event %q", n)
				break
			}
			e = newEventType(uint32(len(x.events)+len(snap.events)), n, nil, true)
			snap.events = append(snap.events, e)
		}
		d.events = append(d.events, e)
	}
	d.used = [2][]bool{make([]bool, len(d.attrs)), make([]bool, len(d.events))}
	return r.Close()
}

func (d *rowReader) row(u *row) {
	r := d.r
	last := -1
	for range r.Count(4) {
		i := r.Index(len(d.attrs))
		if r.Err() == nil && i <= last {
			r.Fail("attributes out of order")
		}
		last = i
		at := r.Time()
		if !validTime(at) {
			r.Fail("time out of range")
		}
		if r.Err() != nil {
			return
		}
		d.used[0][i] = true
		a := d.attrs[i]
		num, obj := d.value(a.kind)
		if a.kind.numeric() {
			u.setNumber(a.id, num, stampOf(at))
		} else {
			u.setObject(a.id, obj, stampOf(at))
		}
	}
	last = -1
	for range r.Count(4) {
		i := r.Index(len(d.events))
		if r.Err() == nil && i <= last {
			r.Fail("events out of order")
		}
		last = i
		if r.Err() != nil {
			return
		}
		d.used[1][i] = true
		d.stream(u.streamFor(d.events[i]), d.events[i])
	}
}

func (d *rowReader) stream(st *stream, e *eventType) {
	r := d.r
	n := r.Count(2 + len(e.names))
	if n == 0 {
		r.Fail("an empty log")
	}
	st.reserve(r.Room(n, timeBytes+len(e.places)))
	for range n {
		at := r.Time()
		if !validTime(at) {
			r.Fail("time out of range")
		}
		d.num = append(d.num[:0], make([]float64, e.nums)...)
		d.obj = append(d.obj[:0], make([]any, e.objs)...)
		for _, f := range e.places {
			if num, obj := d.value(f.kind); f.kind.numeric() {
				d.num[f.col] = num
			} else {
				d.obj[f.col] = obj
			}
		}
		if d.x.opts.Dynamic {
			fields := extra(value.ReadFields(r))
			for k, v := range fields {
				if !written(v, true) {
					r.Fail("field %q written in another way", k)
				}
				fields[k] = canon(v)
			}
			if len(fields) == 0 {
				fields = nil
			}
			d.obj[e.objs-1] = fields
		}
		if r.Err() != nil {
			return
		}
		if st.insert(stampOf(at), d.num, d.obj) != st.len()-1 {
			r.Fail("events out of order")
			return
		}
	}
}

// value reads a value of the kind, or a missing one.
func (d *rowReader) value(k Kind) (num float64, obj any) {
	v := value.Read(d.r)
	if v == nil {
		return missing, nil
	}
	if _, text := v.(string); text && (k == String || k == Any) {
		return missing, v // which is a copy already
	}
	num, obj, ok := k.admit(v)
	switch v.(type) { // an empty list is one of either kind
	case []string:
		ok = ok && k != Objects
	case []map[string]any:
		ok = ok && k != Strings
	}
	if !ok || !written(v, false) {
		d.r.Fail("a value that is not a %s", k)
	}
	return num, obj
}

// written reports whether a value stands in bytes as writeValue and canon
// leave it, so that one state has one encoding: whole numbers are integers,
// but floats in an object, and there is no −0.
func written(v any, nested bool) bool {
	switch x := v.(type) {
	case int64:
		return !nested
	case float64:
		if nested {
			return x != 0 || !math.Signbit(x)
		}
		return x != math.Trunc(x) || math.Abs(x) > value.MaxInt
	case []map[string]any:
		for _, m := range x {
			for _, e := range m {
				if !written(e, true) {
					return false
				}
			}
		}
	}
	return true
}
