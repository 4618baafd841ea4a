package profile

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/value"
	"github.com/zhun-go/zhun/internal/wire"
)

// events reads the retained events of all persons.
func (d *decoder) events() error {
	b := d.f.Payload(partEvents)
	x := eventScan{b: b, size: len(b), names: uint64(d.s.log.names.Len())}
	for _, p := range d.people {
		x.person(d, p)
		if x.wrong != "" {
			return &wire.Error{Kind: stateKind, Section: partEvents, Offset: x.at(), Reason: x.wrong, Err: wire.ErrCorrupt}
		}
	}
	if len(x.b) > 0 {
		return &wire.Error{Kind: stateKind, Section: partEvents, Offset: x.at(), Reason: "bytes left over", Err: wire.ErrCorrupt}
	}
	d.s.lendAll()
	return nil
}

// eventScan checks events as a transcoder wrote them, without copying.
type eventScan struct {
	b     []byte
	size  int
	names uint64
	wrong string
}

func (x *eventScan) at() int { return x.size - len(x.b) }

func (x *eventScan) fail(why string) {
	if x.wrong == "" {
		x.wrong, x.b = why, nil
	}
}

func (x *eventScan) uvarint() uint64 {
	if len(x.b) > 0 && x.b[0] < 0x80 {
		v := x.b[0]
		x.b = x.b[1:]
		return uint64(v)
	}
	if len(x.b) > 0 && x.b[0] < 0x80 {
		v := x.b[0]
		x.b = x.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(x.b)
	if n <= 0 || n > 1 && x.b[n-1] == 0 {
		x.fail("bad integer")
		return 0
	}
	x.b = x.b[n:]
	return v
}

func (x *eventScan) varint() int64 {
	u := x.uvarint()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

// count reads how many things of at least size bytes follow.
func (x *eventScan) count(size int) int {
	n := x.uvarint()
	if n > uint64(len(x.b)/size) {
		x.fail("count exceeds the bytes left")
		return 0
	}
	return int(n)
}

func (x *eventScan) take(n int) []byte {
	if n > len(x.b) {
		x.fail("ends early")
		return nil
	}
	out := x.b[:n]
	x.b = x.b[n:]
	return out
}

// raw reads a text of which it is known that it is UTF-8.
func (x *eventScan) raw() []byte { return x.take(x.count(1)) }

func (x *eventScan) text() []byte {
	t := x.take(x.count(1))
	if !utf8.Valid(t) {
		x.fail("text is not UTF-8")
	}
	return t
}

func (x *eventScan) name() uint64 {
	n := x.uvarint()
	if n == 0 || n > x.names {
		x.fail("unknown name")
	}
	return n
}

func (x *eventScan) person(d *decoder, p *person) {
	n := x.count(8)
	p.rows = make([]row, 0, n)
	sec := int64(0)
	for i := range n {
		sec += x.varint()
		ns := x.uvarint()
		k := x.uvarint()
		if ns >= 1e9 || k >= uint64(len(d.ofSet)) || d.s.graph.sets[k].owner != p {
			x.fail("bad time or combination of an event")
			return
		}
		at := instant{sec, uint32(ns)}
		if !usable(at.time()) {
			x.fail("time out of range")
			return
		}
		content := x.take(x.count(1))
		inner := eventScan{b: content, size: len(content), names: x.names}
		inner.event()
		if inner.wrong != "" || len(inner.b) > 0 {
			x.fail("event: " + inner.wrong)
			return
		}
		r := makeRow(at, uint32(k), d.s.log.restore(content, len(x.b)))
		if i > 0 && d.s.log.compareRows(p.rows[i-1], r) >= 0 {
			x.fail("events out of order")
			return
		}
		p.rows = append(p.rows, r)
	}
	d.s.retained += n
}

func (x *eventScan) event() {
	if t := x.take(1); t != nil && int(t[0]) >= typeCount {
		x.fail("unknown type")
	}
	if len(x.text()) == 0 {
		x.fail("no id")
	}
	x.name()
	x.fields(0)
}

func (x *eventScan) fields(depth int) {
	before := uint64(0)
	for range x.count(2) {
		n := x.name()
		if n <= before {
			x.fail("fields out of order")
		}
		before = n
		x.value(depth)
		if x.wrong != "" {
			return
		}
	}
}

func (x *eventScan) value(depth int) {
	tag := x.take(1)
	if tag == nil {
		return
	}
	switch tag[0] {
	case tagFalse, tagTrue, tagNil:
	case tagInt:
		if v := x.varint(); v > value.MaxInt || v < -value.MaxInt {
			x.fail("integer out of range")
		}
	case tagFloat:
		if b := x.take(8); b != nil {
			if f := math.Float64frombits(binary.LittleEndian.Uint64(b)); f-f != 0 {
				x.fail("float that is no number")
			}
		}
	case tagString:
		x.text()
	case tagTime:
		at := instant{sec: x.varint()}
		if ns := x.uvarint(); ns >= 1e9 || x.wrong == "" && !inYears(at.time()) {
			x.fail("time out of range")
		}
	case tagStrings:
		for range x.count(1) {
			x.text()
		}
	case tagObjects:
		if depth >= maxNesting {
			x.fail("objects nested too deeply")
			return
		}
		for range x.count(1) {
			x.fields(depth + 1)
			if x.wrong != "" {
				return
			}
		}
	default:
		x.fail("unknown kind of value")
	}
}
