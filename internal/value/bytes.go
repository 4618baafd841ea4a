package value

import (
	"bytes"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/wire"
)

// Write writes a normalized value.
func Write(s *wire.Section, v any) {
	switch x := v.(type) {
	case bool:
		s.Byte(tagBool)
		s.Bool(x)
	case int64:
		WriteInt(s, x)
	case float64:
		WriteFloat(s, x)
	case string:
		s.Byte(tagString)
		s.String(x)
	case time.Time:
		s.Byte(tagTime)
		s.Time(x)
	case []string:
		s.Byte(tagStrings)
		s.Strings(x)
	case []map[string]any:
		s.Byte(tagObjects)
		s.Count(len(x))
		for _, m := range x {
			WriteFields(s, m)
		}
	default:
		s.Byte(tagNil)
	}
}

// WriteInt is Write of an integer.
func WriteInt(s *wire.Section, x int64) {
	s.Byte(tagInt)
	s.Varint(x)
}

// WriteFloat is Write of a float.
func WriteFloat(s *wire.Section, x float64) {
	s.Byte(tagFloat)
	s.Float(x)
}

const (
	tagNil = iota
	tagBool
	tagInt
	tagFloat
	tagString
	tagTime
	tagStrings
	tagObjects
)

// Read reads a value; failures stick to r. A value that [Normalize] would
// refuse is a failure.
func Read(r *wire.Reader) any { return read(r, 0) }

func read(r *wire.Reader, depth int) any {
	var v any
	switch t := r.Byte(); t {
	case tagNil:
		return nil
	case tagBool:
		return r.Bool()
	case tagInt:
		v = r.Varint()
	case tagFloat:
		v = r.Float()
	case tagString:
		v = r.String()
	case tagTime:
		v = r.Time()
	case tagStrings:
		v = r.Strings()
	case tagObjects:
		if depth >= maxDepth {
			r.Fail("objects nested too deeply")
			return nil
		}
		n := r.Count(1)
		out := make([]map[string]any, 0, n)
		for range n {
			out = append(out, readFields(r, depth+1))
		}
		return out
	default:
		r.Fail("unknown kind %d", t)
		return nil
	}
	if r.Err() != nil {
		return nil
	}
	if _, ok := normalize(v, depth); !ok {
		r.Fail("value out of range")
		return nil
	}
	return v
}

// WriteFields writes a field map by ascending name.
func WriteFields(s *wire.Section, m map[string]any) {
	s.Count(len(m))
	var few [16]string
	names := few[:0]
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		s.String(k)
		Write(s, m[k])
	}
}

// ReadFields reads a field map; names out of order are a failure.
func ReadFields(r *wire.Reader) map[string]any { return readFields(r, 0) }

func readFields(r *wire.Reader, depth int) map[string]any {
	n := r.Count(2)
	m := make(map[string]any, r.Room(n, 8))
	prev := ""
	for i := range n {
		k := r.String()
		if i > 0 && bytes.Compare([]byte(k), []byte(prev)) <= 0 {
			r.Fail("field names out of order")
		}
		prev = k
		m[k] = read(r, depth)
		if r.Err() != nil {
			return nil
		}
	}
	return m
}
