package recommend

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newTestHistory(t testing.TB, opts *HistoryOptions) *History {
	t.Helper()
	h, err := NewHistory(opts)
	require.NoError(t, err)
	return h
}

func TestObserveReadsTheVocabulary(t *testing.T) {
	h := newTestHistory(t, nil)
	at := func(s int) time.Time { return day0.Add(time.Duration(s) * time.Second) }
	for i, e := range []struct {
		event  string
		fields map[string]any
	}{
		{"Product Viewed", map[string]any{"product_id": "a", "sku": "ignored"}},
		{"Product Added", map[string]any{"product_id": "", "sku": "b"}},
		{"Order Completed", map[string]any{"order_id": "1", "products": []map[string]any{
			{"product_id": int64(7), "quantity": int64(12)}, {"sku": "b"}, {"product_id": "7"}, {"product_id": 8.0}, {"product_id": true},
		}}},
		{"Order Refunded", map[string]any{"products": []any{map[string]any{"product_id": "7"}}}},
		{"Order Refunded", map[string]any{"order_id": "1"}},
		{"Product Viewed", map[string]any{"product_id": 1.5}},
		{"Application Opened", nil},
	} {
		require.NoError(t, h.Observe(1, e.event, e.fields, at(i)))
	}
	require.NoError(t, h.Observe(1, "Product Viewed", map[string]any{"product_id": "a"}, time.Time{}))
	require.Equal(t, []Interaction{
		{"a", "Product Viewed", 1, at(0)},
		{"b", "Product Added", 2, at(1)},
		{"7", "Order Completed", 4, at(2)},
		{"8", "Order Completed", 4, at(2)},
		{"b", "Order Completed", 4, at(2)},
		{"7", "Order Refunded", -4, at(3)},
	}, h.Of(1))
	require.Equal(t, Stats{Users: 1, Items: 4, Rows: 6, Skipped: Skipped{BadTime: 1, NoItem: 2, BadItem: 2}}, h.Stats())
	require.Equal(t, []string{"8", "a", "b"}, h.snapshot().matrix(1).names, "what was refunded is gone")
	require.ErrorIs(t, h.Observe(0, "Product Viewed", nil, at(0)), ErrUser)
}

// What is no history of NewHistory, and a user whom nobody can look up, are
// told rather than answered as if nothing were known.
func TestNoHistory(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var none History
	require.ErrorIs(t, none.Add(1, "a", 1, start), ErrOption)
	require.ErrorIs(t, none.Observe(1, "Order Completed", map[string]any{"product_id": "a"}, start), ErrOption)
	_, err := none.AppendBinary(nil)
	require.ErrorIs(t, err, ErrOption)
	require.Equal(t, "history of 0 users, 0 rows", none.String())

	h := newTestHistory(t, nil)
	require.NoError(t, h.Add(1, "a", 1, start))
	m, err := FitItemKNN(t.Context(), h, nil)
	require.NoError(t, err)
	p, err := FitPopularity(t.Context(), h)
	require.NoError(t, err)
	for _, r := range []Recommender{m, p} {
		_, err = r.AppendRecommend(nil, Query{User: 1})
		require.ErrorIs(t, err, ErrOption)
		for _, q := range []Query{{}, {User: 1, Items: []string{"b"}}, {User: 1, History: h}} {
			_, err = r.AppendRecommend(nil, q)
			require.NoError(t, err)
		}
	}
}

// A list in which no object names an item leaves the word to the root.
func TestObserveReadsTheRoot(t *testing.T) {
	h := newTestHistory(t, nil)
	for i, list := range []any{nil, []any{}, []any{map[string]any{"name": "socks"}}, "none"} {
		require.NoError(t, h.Observe(uint32(i+1), "Order Completed", map[string]any{"products": list, "sku": "c"}, day0))
		require.Len(t, h.Of(uint32(i+1)), 1, "%v", list)
	}
	require.Zero(t, h.Stats().Skipped)
}

func TestRemoveUndoesAdd(t *testing.T) {
	h := newTestHistory(t, &HistoryOptions{Value: Log1p()})
	for _, w := range []float64{0.1, 0.2, 0.7} {
		require.NoError(t, h.Add(1, "a", w, day0))
		require.NoError(t, h.Add(1, "b", w, day0))
	}
	for _, w := range []float64{0.7, 0.1, 0.2} {
		require.NoError(t, h.Remove(1, "a", w, day0))
	}
	m := h.snapshot().matrix(1)
	require.Equal(t, []string{"b"}, m.names)
	require.InDelta(t, math.Log(2), m.val[0], 1e-15)
}

func TestHistoryRefusesBadInput(t *testing.T) {
	h := newTestHistory(t, nil)
	for _, c := range []struct {
		err  error
		want error
		text string
	}{
		{h.Add(0, "a", 1, day0), ErrUser, "user 0"},
		{h.Add(1, "", 1, day0), ErrItem, `""`},
		{h.Add(1, strings.Repeat("x", 1025), 1, day0), ErrItem, "xxx"},
		{h.Add(1, "\xff", 1, day0), ErrItem, `"\xff"`},
		{h.Add(1, "a", 0, day0), ErrWeight, "0"},
		{h.Add(1, "a", -1, day0), ErrWeight, "-1"},
		{h.Add(1, "a", math.NaN(), day0), ErrWeight, "NaN"},
		{h.Remove(1, "a", math.Inf(1), day0), ErrWeight, "+Inf"},
		{h.Add(1, "a", 1, time.Time{}), ErrTime, "0001-01-01"},
		{h.Add(1, "a", 1, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), ErrTime, "10000"},
		{h.Rename(0, 1), ErrUser, "Rename"},
		{h.Rename(1, 0), ErrUser, "Rename"},
		{h.Erase(0), ErrUser, "Erase"},
		{h.Merge(h), ErrMismatch, "Merge"},
		{h.Merge(nil), ErrMismatch, "Merge"},
		{h.Merge(newTestHistory(t, &HistoryOptions{Value: Log1p()})), ErrMismatch, "Log1p"},
		{h.Advance(time.Time{}), ErrTime, "Advance"},
	} {
		require.ErrorIs(t, c.err, c.want)
		require.True(t, strings.HasPrefix(c.err.Error(), "recommend: "), c.err)
		require.ErrorContains(t, c.err, c.text)
		var e *Error
		require.True(t, errors.As(c.err, &e))
	}
	require.Zero(t, h.Stats().Rows)

	h.Attached(true)
	require.ErrorIs(t, h.Add(1, "a", 1, day0), ErrAttached)
	require.ErrorIs(t, h.Remove(1, "a", 1, day0), ErrAttached)
	require.NoError(t, h.Observe(1, "Product Viewed", map[string]any{"product_id": "a"}, day0))
	h.Attached(false)
	require.NoError(t, h.Add(1, "a", 1, day0))
}

func TestHistoryOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]*HistoryOptions{
		`HistoryOptions.Events["x"]`: {Events: map[string]float64{"x": math.NaN()}},
		`HistoryOptions.Events["y"]`: {Events: map[string]float64{"y": math.Inf(-1)}},
		"HistoryOptions.Item":        {Item: []string{""}},
		"HistoryOptions.Value":       {Value: Cap(-1)},
	} {
		_, err := NewHistory(o)
		require.ErrorIs(t, err, ErrOption)
		require.ErrorContains(t, err, name)
	}
}

func TestRetention(t *testing.T) {
	h := newTestHistory(t, &HistoryOptions{Retain: 24 * time.Hour})
	require.NoError(t, h.Add(1, "old", 1, day0))
	require.NoError(t, h.Add(2, "old", 1, day0))
	require.NoError(t, h.Add(2, "new", 1, day0.Add(time.Hour)))
	require.NoError(t, h.Advance(day0.Add(24*time.Hour)))
	require.Equal(t, 3, h.Stats().Rows)
	require.NoError(t, h.Advance(day0.Add(24*time.Hour+1)))
	require.Equal(t, []uint32{2}, h.Users())
	require.Equal(t, 1, h.Stats().Rows)
	require.NoError(t, h.Advance(day0), "the clock stays")

	// A row that comes too late is no more held than one that came in time.
	require.NoError(t, h.Add(3, "old", 1, day0))
	require.Equal(t, []uint32{2}, h.Users())
	require.EqualValues(t, 1, h.Stats().Skipped.Expired)
	other := newTestHistory(t, &HistoryOptions{Retain: 24 * time.Hour})
	require.NoError(t, other.Add(4, "old", 1, day0))
	require.NoError(t, h.Merge(other))
	require.Equal(t, []uint32{2}, h.Users())
	require.Equal(t, 1, h.Stats().Rows)

	ever := newTestHistory(t, &HistoryOptions{Retain: -1})
	require.NoError(t, ever.Add(1, "old", 1, day0))
	require.NoError(t, ever.Advance(day0.AddDate(50, 0, 0)))
	require.Equal(t, []uint32{1}, ever.Users())
}

func TestBytesOfOtherOptions(t *testing.T) {
	a, b := newTestHistory(t, nil), newTestHistory(t, &HistoryOptions{Value: Cap(3)})
	require.NoError(t, a.Add(1, "a", 1, day0))
	data, err := a.AppendBinary(nil)
	require.NoError(t, err)
	require.ErrorIs(t, b.UnmarshalBinary(data), ErrMismatch)
	require.ErrorIs(t, b.UnmarshalBinary(nil), ErrCorrupt)
	require.ErrorIs(t, new(History).UnmarshalBinary(data), ErrMismatch)
}

func FuzzHistoryUnmarshalBinary(f *testing.F) {
	h := newTestHistory(f, nil)
	seed := func() {
		b, err := h.AppendBinary(nil)
		require.NoError(f, err)
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	seed()
	require.NoError(f, h.Add(1, "a", 1.5, day0.Add(1)))
	require.NoError(f, h.Observe(7, "Order Completed", map[string]any{"products": []map[string]any{{"product_id": "b"}, {"sku": "a"}}}, day0))
	require.NoError(f, h.Advance(day0))
	seed()
	f.Fuzz(func(t *testing.T, data []byte) {
		h := newTestHistory(t, nil)
		require.NoError(t, h.Add(3, "kept", 1, day0))
		before, err := h.AppendBinary(nil)
		require.NoError(t, err)
		bad := h.UnmarshalBinary(data)
		after, err := h.AppendBinary(nil)
		require.NoError(t, err)
		if bad != nil {
			require.Equal(t, before, after)
		} else {
			require.Equal(t, data, after, "accepted bytes are canonical")
		}
		require.NoError(t, h.Add(1, "usable", 1, day0))
	})
}

// One writer beside fits, queries, evaluation and bytes; meant for -race.
func TestReadersBesideOneWriter(t *testing.T) {
	h := newTestHistory(t, nil)
	other := newTestHistory(t, nil)
	for u := range uint32(20) {
		for i := range 5 {
			require.NoError(t, h.Add(u+1, string(rune('a'+(int(u)+i*i)%11)), 1, day0))
			require.NoError(t, other.Add(u+1, string(rune('a'+i)), 1, day0))
		}
	}
	done := make(chan struct{})
	var wait sync.WaitGroup
	read := func(f func()) {
		wait.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					f()
				}
			}
		})
	}
	read(func() {
		m, err := FitItemKNN(t.Context(), h, nil)
		if err == nil {
			_, err = m.Recommend(Query{History: h, User: 3})
		}
		if err == nil {
			_, err = Evaluate(t.Context(), m, h, &EvalOptions{History: h, Repeat: true})
		}
		if err != nil {
			t.Error(err)
		}
	})
	read(func() {
		b, err := h.AppendBinary(nil)
		if err != nil || len(b) == 0 {
			t.Error(err)
		}
		h.Stats()
		h.Of(2)
		if err := other.Merge(newHistory(h.set)); err != nil {
			t.Error(err)
		}
	})
	for i := range uint32(300) {
		require.NoError(t, h.Observe(i%30+1, "Product Viewed", map[string]any{"product_id": string(rune('a' + i%20))}, day0))
		switch i % 10 {
		case 3:
			require.NoError(t, h.Rename(i%30+1, (i+7)%30+1))
		case 5:
			require.NoError(t, h.Erase(i%7+25))
		case 7:
			require.NoError(t, h.Advance(day0.Add(time.Duration(i)*time.Second)))
		}
	}
	close(done)
	wait.Wait()
}
