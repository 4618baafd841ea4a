package value_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/value"
	"github.com/zhun-go/zhun/internal/wire"
)

func TestNormalize(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	for _, c := range []struct {
		in   any
		want any
		ok   bool
	}{
		{1, int64(1), true},
		{int8(-1), int64(-1), true},
		{uint64(1 << 53), int64(1 << 53), true},
		{uint64(1<<53 + 1), nil, false},
		{int64(-1<<53 - 1), nil, false},
		{float32(0.5), 0.5, true},
		{math.NaN(), nil, false},
		{math.Inf(-1), nil, false},
		{json.Number("12"), int64(12), true},
		{json.Number("12.0"), 12.0, true},
		{json.Number("1e3"), 1000.0, true},
		{json.Number("1e999"), nil, false},
		{json.Number("99999999999999999999"), nil, false},
		{"准", "准", true},
		{"\xff", nil, false},
		{at, at.UTC(), true},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), nil, false},
		{[]any{"a", "b"}, []string{"a", "b"}, true},
		{[]any{"a", 1}, nil, false},
		{[]any{}, []string{}, true},
		{[]any{map[string]any{"q": 1, "bad": math.NaN()}}, []map[string]any{{"q": int64(1)}}, true},
		{nil, nil, false},
		{struct{}{}, nil, false},
	} {
		got, ok := value.Normalize(c.in)
		require.Equal(t, c.ok, ok, "%T %v", c.in, c.in)
		if ok {
			require.Equal(t, c.want, got, "%T %v", c.in, c.in)
		}
	}
}

func TestNormalizeLeavesTheCallersObjectsAlone(t *testing.T) {
	m := map[string]any{"q": 1}
	got, ok := value.Normalize([]map[string]any{m})
	require.True(t, ok)
	require.Equal(t, []map[string]any{{"q": int64(1)}}, got)
	require.Equal(t, map[string]any{"q": 1}, m)
}

func TestNumbersCompareExactlyAcrossKinds(t *testing.T) {
	require.Equal(t, -1, value.CompareIntFloat(1<<53, 1<<53+2))
	require.Equal(t, 1, value.CompareIntFloat(math.MaxInt64, 1<<62))
	require.Equal(t, -1, value.CompareIntFloat(math.MaxInt64, 1<<63))
	require.Equal(t, 0, value.CompareIntFloat(-3, -3))
	require.Equal(t, -1, value.CompareIntFloat(-3, -2.5))
	require.Equal(t, 1, value.CompareIntFloat(-2, -2.5))
	require.Equal(t, 1, value.CompareIntFloat(0, math.Inf(-1)))
}

// values draws any normalized value.
func values(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		n := 5
		if depth < 2 {
			n = 6
		}
		switch rapid.IntRange(0, n).Draw(t, "kind") {
		case 0:
			return rapid.Bool().Draw(t, "bool")
		case 1:
			return rapid.Int64Range(-3, 3).Draw(t, "int")
		case 2:
			return float64(rapid.IntRange(-6, 6).Draw(t, "half")) / 2
		case 3:
			return rapid.StringN(0, 3, 8).Draw(t, "string")
		case 4:
			return time.Unix(rapid.Int64Range(-5, 5).Draw(t, "sec"), rapid.Int64Range(0, 3).Draw(t, "ns")).UTC()
		case 5:
			return rapid.SliceOfN(rapid.StringN(0, 2, 4), 0, 3).Draw(t, "strings")
		}
		return rapid.SliceOfN(fields(depth+1), 0, 2).Draw(t, "objects")
	})
}

func fields(depth int) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		return rapid.MapOfN(rapid.StringN(0, 2, 4), values(depth), 0, 3).Draw(t, "fields")
	})
}

func TestCompareIsATotalOrderThatEqualityOfBytesAgreesWith(t *testing.T) {
	encode := func(v any) []byte {
		w := wire.NewWriter("v", 0)
		value.Write(w.Section("v"), v)
		return w.AppendTo(nil)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := values(0).Draw(t, "a"), values(0).Draw(t, "b"), values(0).Draw(t, "c")
		require.Equal(t, value.Compare(a, b), -value.Compare(b, a))
		if value.Compare(a, b) <= 0 && value.Compare(b, c) <= 0 {
			require.LessOrEqual(t, value.Compare(a, c), 0)
		}
		require.Equal(t, value.Compare(a, b) == 0, string(encode(a)) == string(encode(b)), "%#v %#v", a, b)
		f, err := wire.Open(encode(a), "v", 0)
		require.NoError(t, err)
		r := f.Section("v")
		back := value.Read(r)
		require.NoError(t, r.Close())
		require.Zero(t, value.Compare(a, back))
		n, ok := value.Normalize(a)
		require.True(t, ok)
		require.Zero(t, value.Compare(a, n))
		require.Zero(t, value.Compare(a, value.Clone(a)))
		require.Zero(t, value.Compare(a, value.Own(a)))
	})
}
