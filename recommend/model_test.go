package recommend

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// shop is a history of few users: everybody who takes tea takes milk.
func shop(t testing.TB) *History {
	h := newTestHistory(t, nil)
	for user, items := range map[uint32][]string{
		1: {"tea", "milk"},
		2: {"tea", "milk", "cake"},
		3: {"coffee", "cake"},
		4: {"tea", "milk", "coffee"},
		5: {"coffee", "cake", "milk"},
	} {
		for _, i := range items {
			require.NoError(t, h.Add(user, i, 1, day0))
		}
	}
	return h
}

func TestModelByHand(t *testing.T) {
	m, err := FitItemKNN(t.Context(), shop(t), nil)
	require.NoError(t, err)
	require.Equal(t, "cosine K=200 per target", m.String())
	require.Equal(t, 4, m.Len())
	require.Equal(t, 12, m.Weights())
	require.InDelta(t, 3/math.Sqrt(3*4), m.Weight("tea", "milk"), 1e-15)
	require.InDelta(t, 2/math.Sqrt(3*4), m.Weight("cake", "milk"), 1e-15)
	require.Zero(t, m.Weight("tea", "tea"))
	require.Zero(t, m.Weight("tea", "soap"))
	require.Equal(t, 4, m.Users("milk"))

	r, err := m.Recommend(Query{Items: []string{"tea", "soap", "soap"}, N: 2})
	require.NoError(t, err)
	require.Equal(t, Result{
		Items: []Scored{{"milk", m.Weight("tea", "milk")}, {"cake", m.Weight("tea", "cake")}},
		Known: 1, Unknown: 2,
	}, r, "cake and coffee tie and the shorter id wins")
}

func TestColdUserGetsWhatIsPopular(t *testing.T) {
	m, err := FitItemKNN(t.Context(), shop(t), nil)
	require.NoError(t, err)
	r, err := m.Recommend(Query{N: 3})
	require.NoError(t, err)
	require.Equal(t, Result{Items: []Scored{{"milk", 0}, {"tea", 0}, {"cake", 0}}, Filled: 3}, r)
	p, err := FitPopularity(t.Context(), shop(t))
	require.NoError(t, err)
	got, err := p.AppendRecommend(nil, Query{N: 2, Items: []string{"milk"}, Deny: p.Items("tea")})
	require.NoError(t, err)
	require.Equal(t, []Scored{{"cake", 3}, {"coffee", 3}}, got)
}

func TestQueriesAreChecked(t *testing.T) {
	h := shop(t)
	m, err := FitItemKNN(t.Context(), h, nil)
	require.NoError(t, err)
	other, err := FitItemKNN(t.Context(), h, nil)
	require.NoError(t, err)
	for want, qs := range map[error][]Query{
		ErrOption: {
			{N: -1},
			{Fill: 9},
			{Own: 1},
			{Own: -1, KeepHistory: true},
			{Own: math.NaN(), KeepHistory: true},
			{History: h, User: 1, Items: []string{"tea"}},
			{Items: []string{"tea"}, Weights: []float64{1, 2}},
		},
		ErrUser:    {{History: h}},
		ErrWeight:  {{Items: []string{"tea"}, Weights: []float64{math.NaN()}}, {Items: []string{"tea"}, Weights: []float64{-1}}},
		ErrItemSet: {{Allow: other.Items("tea")}, {Deny: other.Items()}},
	} {
		for _, q := range qs {
			_, err := m.Recommend(q)
			require.ErrorIs(t, err, want, "%+v", q)
			_, err = m.AppendRecommend(nil, q)
			require.ErrorIs(t, err, want)
		}
	}
	_, err = m.Explain(Query{}, "soap")
	require.ErrorIs(t, err, ErrItem)
}

func TestFitRefusesBadInput(t *testing.T) {
	h := shop(t)
	empty := newTestHistory(t, nil)
	gone := newTestHistory(t, nil)
	require.NoError(t, gone.Add(1, "a", 1, day0))
	require.NoError(t, gone.Remove(1, "a", 1, day0))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		h    *History
		o    *ItemKNNOptions
		want error
	}{
		{t.Context(), nil, nil, ErrOption},
		{t.Context(), empty, nil, ErrEmpty},
		{t.Context(), gone, nil, ErrEmpty},
		{t.Context(), h, &ItemKNNOptions{K: -1}, ErrOption},
		{t.Context(), h, &ItemKNNOptions{Workers: -2}, ErrOption},
		{t.Context(), h, &ItemKNNOptions{Similarity: Cosine{Shrink: math.NaN()}}, ErrOption},
		{t.Context(), h, &ItemKNNOptions{Similarity: AsymmetricCosine{Exponent: 2}}, ErrOption},
		{t.Context(), h, &ItemKNNOptions{Similarity: RP3Beta{Alpha: math.Inf(1)}}, ErrOption},
		{cancelled, h, nil, context.Canceled},
	} {
		_, err := FitItemKNN(c.ctx, c.h, c.o)
		require.ErrorIs(t, err, c.want)
	}
	one := newTestHistory(t, nil)
	require.NoError(t, one.Add(1, "only", 1, day0))
	m, err := FitItemKNN(t.Context(), one, nil)
	require.NoError(t, err)
	r, err := m.Recommend(Query{History: one, User: 1})
	require.NoError(t, err)
	require.Empty(t, r.Items)
}

func TestRecommendAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("pools forget under the race detector")
	}
	h := synthetic(t, 300, 200, 6000)
	m, err := FitItemKNN(t.Context(), h, nil)
	require.NoError(t, err)
	dst := make([]Scored, 0, 20)
	allow := m.Items(m.cat.names[:90]...)
	names := []string{m.cat.names[3], m.cat.names[70], m.cat.names[5]}
	for _, q := range []Query{{History: h, User: 5}, {History: h, User: 7, Allow: allow}, {Items: names, Deny: allow}} {
		for range 3 {
			_, err = m.AppendRecommend(dst, q)
			require.NoError(t, err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = m.AppendRecommend(dst, q) }); n >= 1 {
			t.Errorf("%v allocations", n)
		}
	}
}

func TestModelBytes(t *testing.T) {
	m, err := FitItemKNN(t.Context(), synthetic(t, 100, 60, 900), &ItemKNNOptions{K: 7})
	require.NoError(t, err)
	data, err := m.AppendBinary([]byte("x"))
	require.NoError(t, err)
	var back Model
	require.NoError(t, back.UnmarshalBinary(data[1:]))
	again, err := back.AppendBinary([]byte("x"))
	require.NoError(t, err)
	require.Equal(t, data, again)
	q := Query{Items: m.cat.names[:4], N: 30}
	want, err := m.Recommend(q)
	require.NoError(t, err)
	got, err := back.Recommend(q)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestRowLimit(t *testing.T) {
	h := synthetic(t, 300, 200, 6000)
	all, err := FitItemKNN(t.Context(), h, nil)
	require.NoError(t, err)
	cut, err := FitItemKNN(t.Context(), h, &ItemKNNOptions{RowLimit: 7})
	require.NoError(t, err)
	require.Equal(t, "cosine K=200 per target rows=7", cut.String())
	total, kept := 0.0, 0.0
	for _, i := range all.cat.names {
		var want, got []float64
		for _, j := range all.cat.names {
			if w := all.Weight(i, j); w > 0 {
				want = append(want, w)
				total += w
			}
			if w := cut.Weight(i, j); w > 0 {
				require.Equal(t, all.Weight(i, j), w)
				got = append(got, w)
				kept += w
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, want[len(want)-min(7, len(want)):], got)
	}
	require.InDelta(t, 1-kept/total, cut.Cut(), 1e-12)
	require.Zero(t, all.Cut())
	data, err := cut.AppendBinary(nil)
	require.NoError(t, err)
	var back Model
	require.NoError(t, back.UnmarshalBinary(data))
	require.Equal(t, cut.Cut(), back.Cut())
	none, err := FitItemKNN(t.Context(), h, &ItemKNNOptions{RowLimit: 200})
	require.NoError(t, err)
	require.Equal(t, all.String(), none.String(), "nothing was cut")
	for _, o := range []*ItemKNNOptions{{RowLimit: -1}, {MinLLR: -1}, {MinLLR: math.NaN()}} {
		_, err = FitItemKNN(t.Context(), h, o)
		require.ErrorIs(t, err, ErrOption)
	}
}

func FuzzModelUnmarshalBinary(f *testing.F) {
	m, err := FitItemKNN(f.Context(), shop(f), nil)
	require.NoError(f, err)
	b, err := m.AppendBinary(nil)
	require.NoError(f, err)
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte("zhun"))
	full, err := FitEASE(f.Context(), shop(f), nil)
	require.NoError(f, err)
	narrow, err := full.Compact()
	require.NoError(f, err)
	for _, m := range []*Model{full, narrow} {
		b, err := m.AppendBinary(nil)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Model
		if m.UnmarshalBinary(data) != nil {
			require.Nil(t, m.cat)
			return
		}
		again, err := m.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, data, again)
		_, err = m.Recommend(Query{})
		require.NoError(t, err)
	})
}
