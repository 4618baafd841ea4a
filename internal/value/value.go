// Package value defines what a field of an event or an attribute of a user
// may hold: bool, int64, float64, string, time.Time, []string, and
// []map[string]any for lists of objects. It has one order over all of them
// and one encoding.
package value

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxInt is the largest magnitude of an integer that every float64 below it
// represents exactly, 2^53; larger integers are refused.
const MaxInt = 1 << 53

// maxDepth bounds lists of objects within lists of objects.
const maxDepth = 8

// Normalize returns v in one of the kinds above: every Go integer kind
// becomes int64, float32 becomes float64, json.Number becomes int64 when it
// has neither a point nor an exponent, times lose their monotonic reading and
// move to UTC, []any becomes []string or a list of objects when all its
// elements fit. It reports false for what cannot be held: nil, NaN and
// infinities, integers beyond ±2^53, times whose year is not within 1–9999,
// strings that are not UTF-8, and foreign kinds. Lists and objects are
// returned as they are when nothing needs to change, so the result may share
// memory with v.
func Normalize(v any) (any, bool) { return normalize(v, 0) }

func normalize(v any, depth int) (any, bool) {
	// A value that stays as it is is not put into an interface again.
	switch x := v.(type) {
	case bool:
		return v, true
	case string:
		return v, utf8.ValidString(x)
	case int64:
		return v, x >= -MaxInt && x <= MaxInt
	case float64:
		return v, !math.IsNaN(x) && !math.IsInf(x, 0)
	case time.Time:
		x = x.Round(0).UTC()
		return x, x.Year() >= 1 && x.Year() <= 9999
	case int:
		return normalize(int64(x), depth)
	case int32:
		return int64(x), true
	case int16:
		return int64(x), true
	case int8:
		return int64(x), true
	case uint:
		return int64(x), uint64(x) <= MaxInt
	case uint64:
		return int64(x), x <= MaxInt
	case uint32:
		return int64(x), true
	case uint16:
		return int64(x), true
	case uint8:
		return int64(x), true
	case float32:
		return normalize(float64(x), depth)
	case json.Number:
		if !strings.ContainsAny(string(x), ".eE") {
			i, err := x.Int64()
			if err != nil {
				return nil, false
			}
			return normalize(i, depth)
		}
		f, err := x.Float64()
		if err != nil {
			return nil, false
		}
		return normalize(f, depth)
	case []string:
		for _, s := range x {
			if !utf8.ValidString(s) {
				return nil, false
			}
		}
		return v, true
	case []map[string]any:
		return objects(x, depth)
	case []any:
		return list(x, depth)
	}
	return nil, false
}

func list(x []any, depth int) (any, bool) {
	if len(x) == 0 {
		return []string{}, true
	}
	if _, ok := x[0].(string); ok {
		out := make([]string, len(x))
		for i, e := range x {
			s, ok := e.(string)
			if !ok || !utf8.ValidString(s) {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	}
	out := make([]map[string]any, len(x))
	for i, e := range x {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, false
		}
		out[i] = m
	}
	return objects(out, depth)
}

func objects(x []map[string]any, depth int) (any, bool) {
	if depth >= maxDepth {
		return nil, false
	}
	out, copied := x, false
	for i, m := range x {
		clean, ok := object(m, depth)
		if !ok {
			return nil, false
		}
		if !sameMap(clean, m) && !copied {
			out, copied = slices.Clone(x), true
		}
		if copied {
			out[i] = clean
		}
	}
	return out, true
}

// object returns m itself when every entry already is in a kind of this
// package, and a cleaned copy otherwise; entries that cannot be held are left
// out, the object stands.
func object(m map[string]any, depth int) (map[string]any, bool) {
	clean := true
	for _, v := range m {
		switch v.(type) {
		case bool, string, int64, float64:
			if _, ok := normalize(v, depth); !ok {
				clean = false
			}
		default:
			clean = false
		}
	}
	if clean {
		return m, true
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		if n, ok := normalize(v, depth+1); ok {
			out[k] = n
		}
	}
	return out, true
}

func sameMap(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		w, ok := b[k]
		if !ok {
			return false
		}
		switch v.(type) {
		case bool, string, int64, float64:
			if v != w {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// Float returns a number of either kind as a float64.
func Float(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case int64:
		return float64(x), true
	}
	return 0, false
}

// Clone returns a copy of v that shares no list or map with it.
func Clone(v any) any {
	switch x := v.(type) {
	case []string:
		return slices.Clone(x)
	case []map[string]any:
		out := make([]map[string]any, len(x))
		for i, m := range x {
			out[i] = CloneFields(m)
		}
		return out
	}
	return v
}

// CloneFields returns a deep copy of m.
func CloneFields(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = Clone(v)
	}
	return out
}

// Own returns a copy of v that shares no memory with it, strings included: one
// may be a small part of a long line that is to be forgotten.
func Own(v any) any {
	switch x := v.(type) {
	case string:
		return strings.Clone(x)
	case []string:
		out := make([]string, len(x))
		for i, s := range x {
			out[i] = strings.Clone(s)
		}
		return out
	case []map[string]any:
		out := make([]map[string]any, len(x))
		for i, m := range x {
			out[i] = make(map[string]any, len(m))
			for k, e := range m {
				out[i][strings.Clone(k)] = Own(e)
			}
		}
		return out
	}
	return v
}
