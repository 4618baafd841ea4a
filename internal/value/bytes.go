package value

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/wire"
)

// Write writes a normalized value.
func Write(s *wire.Section, v any) {
	s.Byte(byte(tag(v)))
	switch x := v.(type) {
	case bool:
		s.Bool(x)
	case int64:
		s.Varint(x)
	case float64:
		s.Float(x)
	case string:
		s.String(x)
	case time.Time:
		s.Time(x)
	case []string:
		s.Strings(x)
	case []map[string]any:
		s.Count(len(x))
		for _, m := range x {
			WriteFields(s, m)
		}
	}
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

func tag(v any) int {
	switch v.(type) {
	case bool:
		return tagBool
	case int64:
		return tagInt
	case float64:
		return tagFloat
	case string:
		return tagString
	case time.Time:
		return tagTime
	case []string:
		return tagStrings
	case []map[string]any:
		return tagObjects
	}
	return tagNil
}

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
	for _, k := range slices.Sorted(maps.Keys(m)) {
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
