package value

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// kind ranks the kinds; numbers of both kinds share a rank and compare by
// value.
func kind(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case int64, float64:
		return 2
	case string:
		return 3
	case time.Time:
		return 4
	case []string:
		return 5
	case []map[string]any:
		return 6
	}
	return 7
}

// Compare is a total order over normalized values and nil: nil, then bools,
// numbers, strings, times, string lists, object lists. Numbers compare
// exactly across int64 and float64 (an int64 before the float64 equal to it,
// −0 before 0), strings by bytes, lists element by element, objects by their
// sorted entries.
func Compare(a, b any) int {
	ka, kb := kind(a), kind(b)
	if ka != kb {
		return cmp.Compare(ka, kb)
	}
	switch x := a.(type) {
	case bool:
		y := b.(bool)
		switch {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	case int64, float64:
		return compareNumbers(a, b)
	case string:
		return strings.Compare(x, b.(string))
	case time.Time:
		return x.Compare(b.(time.Time))
	case []string:
		return slices.Compare(x, b.([]string))
	case []map[string]any:
		return slices.CompareFunc(x, b.([]map[string]any), compareObjects)
	}
	return 0
}

func compareNumbers(a, b any) int {
	switch x := a.(type) {
	case int64:
		switch y := b.(type) {
		case int64:
			return cmp.Compare(x, y)
		case float64:
			if c := CompareIntFloat(x, y); c != 0 {
				return c
			}
			return -1
		}
	case float64:
		switch y := b.(type) {
		case int64:
			if c := CompareIntFloat(y, x); c != 0 {
				return -c
			}
			return 1
		case float64:
			if x == 0 && y == 0 {
				return cmp.Compare(boolInt(!math.Signbit(x)), boolInt(!math.Signbit(y)))
			}
			return cmp.Compare(x, y)
		}
	}
	return 0
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// CompareIntFloat compares an integer with a float exactly. The float must
// not be NaN.
func CompareIntFloat(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	floor := math.Floor(f)
	if c := cmp.Compare(i, int64(floor)); c != 0 {
		return c
	}
	if f > floor {
		return -1
	}
	return 0
}

func compareObjects(a, b map[string]any) int {
	ka, kb := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))
	for i := range min(len(ka), len(kb)) {
		if c := strings.Compare(ka[i], kb[i]); c != 0 {
			return c
		}
		if c := Compare(a[ka[i]], b[kb[i]]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(ka), len(kb))
}

// CompareFields is a total order over normalized field maps.
func CompareFields(a, b map[string]any) int { return compareObjects(a, b) }
