package segment

import (
	"bytes"
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
