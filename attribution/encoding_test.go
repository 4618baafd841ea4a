package attribution

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/wire"
)

// One state has one encoding: a dictionary with a name that nothing uses is
// refused, though its checksums are right.
func TestUnusedNamesAreRefused(t *testing.T) {
	j := newJourneys(t, nil)
	require.NoError(t, j.Touch(1, Touch{Channel: "Email", Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}))
	data, err := j.AppendBinary(nil)
	require.NoError(t, err)
	require.NoError(t, newJourneys(t, nil).UnmarshalBinary(data))
	err = newJourneys(t, nil).UnmarshalBinary(withNames(t, data, "", "Email", "Organic"))
	require.ErrorIs(t, err, ErrCorrupt)
	require.ErrorContains(t, err, "nobody uses")

	var p Paths
	require.NoError(t, p.Add([]string{"A"}, 1, 5, 0))
	data, err = p.AppendBinary(nil)
	require.NoError(t, err)
	f, err := wire.Inspect(data)
	require.NoError(t, err)
	require.NoError(t, new(Paths).UnmarshalBinary(data))
	w := wire.NewWriter(f.Kind, f.Version)
	for _, n := range f.Names() {
		body := f.Payload(n)
		switch n {
		case "head": // the currency, then the names
			body = append([]byte{0, 2, 1, 'A', 1, 'B'}, body[4:]...)
		case "spend": // two sums of two floats for each name
			body = append(body[:len(body):len(body)], make([]byte, 32)...)
		}
		w.Section(n).Raw(body)
	}
	err = new(Paths).UnmarshalBinary(w.AppendTo(nil))
	require.ErrorIs(t, err, ErrCorrupt)
	require.ErrorContains(t, err, "says nothing")
}

// withNames returns a frame with another dictionary.
func withNames(t *testing.T, data []byte, names ...string) []byte {
	t.Helper()
	f, err := wire.Inspect(data)
	require.NoError(t, err)
	w := wire.NewWriter(f.Kind, f.Version)
	for _, n := range f.Names() {
		s := w.Section(n)
		if n != "names" {
			s.Raw(f.Payload(n))
			continue
		}
		s.Strings(names)
	}
	return w.AppendTo(nil)
}
