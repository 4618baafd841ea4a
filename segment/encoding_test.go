package segment

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/wire"
)

// One state has one encoding: what the index would write in another way is
// refused, though its checksums are right.
func TestSecondEncodingsAreRefused(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		fields   map[string]any
		old, new []byte
	}{
		"an empty list of objects as one of texts": {map[string]any{"products": []map[string]any{}}, []byte{7, 0}, []byte{6, 0}},
		"an empty list of texts as one of objects": {map[string]any{"list": []string{}}, []byte{6, 0}, []byte{7, 0}},
		"a whole number as a float":                {map[string]any{"x": 3}, []byte{2, 6}, []byte{3, 0, 0, 0, 0, 0, 0, 8, 64}},
	} {
		x := lawIndex(t, Options{})
		require.NoError(t, x.Observe(1, "A", c.fields, at))
		data, err := x.AppendBinary(nil)
		require.NoError(t, err)
		f, err := wire.Inspect(data)
		require.NoError(t, err)
		w := wire.NewWriter(f.Kind, f.Version)
		for _, n := range f.Names() {
			body := f.Payload(n)
			if n == "rows" {
				require.Equal(t, 1, bytes.Count(body, c.old), name)
				body = bytes.Replace(body, c.old, c.new, 1)
			}
			w.Section(n).Raw(body)
		}
		y := lawIndex(t, Options{})
		require.NoError(t, y.UnmarshalBinary(data))
		require.ErrorIs(t, y.UnmarshalBinary(w.AppendTo(nil)), ErrCorrupt, name)
	}
}

// TestUnmarshalAllocates bounds what reading an index allocates by the length
// of what is read: users side by side and far apart, with much and with little
// of each.
func TestUnmarshalAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, too")
	}
	opts := &Options{Events: map[string]Schema{"A": {"x": Number, "s": String}}, Clock: Manual}
	schema := Schema{"n": Number, "m": Number, "s": String}
	const users = 20_000
	for _, apart := range []uint32{1, 3, 50, 5000} {
		for _, c := range []struct {
			what string
			fill func(x *Index, u uint32)
			most float64 // bytes for each byte read
		}{
			// A user of whom nothing is known is three bytes, and a row.
			{"nothing", func(x *Index, u uint32) { _ = x.Observe(u, "else", nil, modelEpoch) }, 80},
			{"number", func(x *Index, u uint32) { _ = x.Update(u, map[string]any{"n": u % 50}, modelEpoch) }, 24},
			{"string", func(x *Index, u uint32) { _ = x.Update(u, map[string]any{"s": fmt.Sprint(u)}, modelEpoch) }, 24},
			{"attributes", func(x *Index, u uint32) {
				_ = x.Update(u, map[string]any{"n": u % 50, "m": 0.5, "s": strings.Repeat("s", 10)}, modelEpoch)
			}, 16},
			{"event", func(x *Index, u uint32) { _ = x.Observe(u, "A", map[string]any{"x": 1.5}, modelEpoch) }, 16},
			{"events", func(x *Index, u uint32) {
				for range 20 {
					_ = x.Observe(u, "A", map[string]any{"x": u % 7, "s": "abc"}, modelEpoch)
				}
			}, 16},
		} {
			x, err := NewIndex(schema, opts)
			require.NoError(t, err)
			for u := range uint32(users) {
				c.fill(x, 1+u*apart)
			}
			data, err := x.AppendBinary(nil)
			require.NoError(t, err)
			y, err := NewIndex(schema, opts)
			require.NoError(t, err)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			require.NoError(t, y.UnmarshalBinary(data))
			runtime.ReadMemStats(&after)
			const constant = 1 << 20
			got := float64(after.TotalAlloc-before.TotalAlloc-constant) / float64(len(data))
			t.Logf("%s, %d apart: %d bytes, %.1f times as much", c.what, apart, len(data), got)
			require.Less(t, got, c.most, "%s, %d apart", c.what, apart)
		}
	}
}
