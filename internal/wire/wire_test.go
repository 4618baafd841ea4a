package wire_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/wire"
)

var at = time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC)

func frame() []byte {
	w := wire.NewWriter("test.Thing", 2)
	s := w.Section("rows")
	s.Uvarint(300)
	s.Varint(-5)
	s.Varint(math.MinInt64)
	s.Bool(true)
	s.Float(math.Pi)
	s.String("准")
	s.Bytes([]byte{1, 2})
	s.Time(at)
	s.Time(time.Time{})
	s.Strings([]string{"a", ""})
	w.Section(wire.Meta).Uint64(7)
	return w.AppendTo([]byte("before"))[len("before"):]
}

func TestRoundTrip(t *testing.T) {
	f, err := wire.Open(frame(), "test.Thing", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"rows", wire.Meta}, f.Names())
	r := f.Section("rows")
	require.Equal(t, uint64(300), r.Uvarint())
	require.Equal(t, int64(-5), r.Varint())
	require.Equal(t, int64(math.MinInt64), r.Varint())
	require.True(t, r.Bool())
	require.Equal(t, math.Pi, r.Float())
	require.Equal(t, "准", r.String())
	require.Equal(t, []byte{1, 2}, r.Bytes())
	require.True(t, at.Equal(r.Time()))
	require.True(t, r.Time().IsZero())
	require.Equal(t, []string{"a", ""}, r.Strings())
	require.NoError(t, r.Close())
	m := f.Section(wire.Meta)
	require.Equal(t, uint64(7), m.Uint64())
	require.NoError(t, m.Close())
	require.Error(t, f.Section("absent").Close())
}

func TestEveryDamageIsAnError(t *testing.T) {
	good := frame()
	for i := range good {
		for bit := range 8 {
			bad := append([]byte(nil), good...)
			bad[i] ^= 1 << bit
			_, err := wire.Open(bad, "test.Thing", 2)
			require.Error(t, err, "byte %d bit %d", i, bit)
		}
		_, err := wire.Open(good[:i], "test.Thing", 2)
		require.ErrorIs(t, err, wire.ErrCorrupt, "truncated to %d", i)
	}
	_, err := wire.Open(append(good, 0), "test.Thing", 2)
	require.ErrorIs(t, err, wire.ErrCorrupt)
}

func TestKindAndVersion(t *testing.T) {
	_, err := wire.Open(frame(), "test.Other", 2)
	require.ErrorIs(t, err, wire.ErrCorrupt)
	_, err = wire.Open(frame(), "test.Thing", 1)
	require.ErrorIs(t, err, wire.ErrVersion)
	var e *wire.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, "test.Thing", e.Kind)
}

func TestCountsAreCheckedBeforeAllocation(t *testing.T) {
	w := wire.NewWriter("test.Thing", 1)
	w.Section("rows").Uvarint(1 << 40)
	f, err := wire.Open(w.AppendTo(nil), "test.Thing", 1)
	require.NoError(t, err)
	for _, read := range []func(*wire.Reader){
		func(r *wire.Reader) { r.Count(1) },
		func(r *wire.Reader) { _ = r.String() },
		func(r *wire.Reader) { r.Strings() },
	} {
		r := f.Section("rows")
		read(r)
		require.ErrorIs(t, r.Close(), wire.ErrCorrupt)
	}
}

func FuzzInspect(f *testing.F) {
	f.Add(frame())
	f.Add([]byte("zhun"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		fr, err := wire.Inspect(data)
		if err != nil {
			require.ErrorIs(t, err, wire.ErrCorrupt)
			return
		}
		for _, n := range fr.Names() {
			r := fr.Section(n)
			for r.Err() == nil && r.Left() > 0 {
				_ = r.String()
			}
		}
	})
}
