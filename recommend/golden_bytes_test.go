package recommend

import (
	"bytes"
	"encoding"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden bytes of the present format")

// Bytes of a released format stay readable: what is in testdata is decoded,
// says what was fitted, and is encoded to the same bytes.
func TestGoldenBytes(t *testing.T) {
	type stored interface {
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	}
	h := shop(t)
	knn, err := FitItemKNN(t.Context(), h, &ItemKNNOptions{RowLimit: 2})
	require.NoError(t, err)
	ease, err := FitEASE(t.Context(), h, nil)
	require.NoError(t, err)
	compact, err := knn.Compact()
	require.NoError(t, err)
	for name, c := range map[string]struct{ now, back stored }{
		"history.v0.bin": {h, newTestHistory(t, nil)},
		"knn.v0.bin":     {knn, &Model{}},
		"ease.v0.bin":    {ease, &Model{}},
		"compact.v0.bin": {compact, &Model{}},
	} {
		path := "testdata/" + name
		if *update {
			b, err := c.now.AppendBinary(nil)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, b, 0o644))
		}
		golden, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, c.back.UnmarshalBinary(golden), name)
		again, err := c.back.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, golden, again, name)

		switch now := c.now.(type) {
		case *History:
			again, err := now.AppendBinary(nil)
			require.NoError(t, err)
			require.Equal(t, golden, again)
		case *Model:
			// Other processors may round the fit otherwise.
			back := c.back.(*Model)
			require.Equal(t, now.String(), back.String())
			require.Equal(t, now.cat.names, back.cat.names)
			for _, i := range now.cat.names {
				require.Equal(t, now.Users(i), back.Users(i))
				for _, j := range now.cat.names {
					require.InDelta(t, now.Weight(i, j), back.Weight(i, j), 1e-12, "%s: %s to %s", name, i, j)
				}
			}
		}
	}
}

// A snapshot stays what it was, whatever happens to the history after it.
func TestSnapshotIsImmutable(t *testing.T) {
	h := shop(t)
	want, err := h.AppendBinary(nil)
	require.NoError(t, err)
	picture := h.Snapshot()
	for _, u := range h.Users() {
		require.NoError(t, h.Add(u, "0", 1, day0.AddDate(-1, 0, 0)))
		require.NoError(t, h.Add(u, "later", 1, day0.AddDate(1, 0, 0)))
	}
	require.NoError(t, h.Erase(h.Users()[0]))
	for range 2 {
		var b bytes.Buffer
		n, err := picture.WriteTo(&b)
		require.NoError(t, err)
		require.Equal(t, int64(len(want)), n)
		require.Equal(t, want, b.Bytes())
	}
	now, err := h.AppendBinary(nil)
	require.NoError(t, err)
	require.NotEqual(t, want, now)
}
