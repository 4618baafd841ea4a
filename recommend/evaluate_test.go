package recommend

import (
	"context"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fixed answers every query with one list.
type fixed []string

func (f fixed) AppendRecommend(dst []Scored, q Query) ([]Scored, error) {
	for i, item := range f[:min(len(f), q.N)] {
		dst = append(dst, Scored{item, float64(-i)})
	}
	return dst, nil
}

// Items 1…10 with 10, 9, …, 1 users; held out of user 21: 1, 4, 9 and an
// unknown one; of user 22: 10. The list is 4, 8, 1, 9, nowhere.
func TestMetricsByHand(t *testing.T) {
	train, known, held := newTestHistory(t, nil), newTestHistory(t, nil), newTestHistory(t, nil)
	for i := 1; i <= 10; i++ {
		for u := 1; u <= 11-i; u++ {
			require.NoError(t, train.Add(uint32(u), strconv.Itoa(i), 1, day0))
		}
	}
	for _, i := range []string{"1", "4", "9", "unknown"} {
		require.NoError(t, held.Add(21, i, 1, day0))
	}
	require.NoError(t, held.Add(22, "10", 1, day0))
	require.NoError(t, held.Add(23, "unknown", 1, day0))
	list := fixed{"4", "8", "1", "9", "nowhere"}

	r, err := Evaluate(t.Context(), list, held, &EvalOptions{History: known, Train: train, K: []int{2, 5}})
	require.NoError(t, err)
	require.Equal(t, 2, r.Users)
	require.Equal(t, 4, r.Pairs)
	require.Equal(t, 10, r.Items)
	require.InDelta(t, 2.0/6, r.Lost, 1e-15)
	two, _ := r.At(2)
	five, _ := r.At(5)
	_, ok := r.At(3)
	require.False(t, ok)

	half := func(x float64) float64 { return x / 2 } // user 22 has no hit
	lg := math.Log2
	require.InDelta(t, half(1.0/2), two.Recall.Value, 1e-15)
	require.InDelta(t, half(1), five.Recall.Value, 1e-15)
	require.InDelta(t, half((1/lg(2))/(1/lg(2)+1/lg(3))), two.NDCG.Value, 1e-15)
	require.InDelta(t, half((1/lg(2)+1/lg(4)+1/lg(5))/(1/lg(2)+1/lg(3)+1/lg(4))), five.NDCG.Value, 1e-15)
	require.InDelta(t, half((1.0+2.0/3+3.0/4)/3), five.MAP.Value, 1e-15)
	require.InDelta(t, half(1), five.MRR.Value, 1e-15)
	require.InDelta(t, half(1), five.HitRate.Value, 1e-15)
	// 55 interactions; items 1 and 2 reach a fifth, so 1 is head and 4, 9, 10 tail.
	require.InDelta(t, half(1), five.TailRecall.Value, 1e-15)
	require.InDelta(t, half(1.0/2), two.TailRecall.Value, 1e-15)
	w := func(users float64) float64 { return 1 / math.Sqrt(users) }
	require.InDelta(t, half(w(7)/(w(10)+w(7)+w(2))), two.StratifiedRecall.Value, 1e-15)
	require.InDelta(t, 0.2, two.Coverage, 1e-15)
	require.InDelta(t, 0.4, five.Coverage, 1e-15)
	require.InDelta(t, 0.8, two.Gini, 1e-15)
	require.InDelta(t, (-lg(7.0/10)-lg(3.0/10))/2, two.Novelty, 1e-15)
	// Values 1 and 0: population deviation one half, over √2.
	require.InDelta(t, 0.5/math.Sqrt2, five.Recall.StdErr, 1e-15)
	require.InDelta(t, 0.5-1.959963984540054*0.5/math.Sqrt2, five.Recall.Lo, 1e-12)
	require.Contains(t, r.String(), "2 users, 4 held-out pairs (33.3% lost), 10 items")

	all, err := Evaluate(t.Context(), list, held, &EvalOptions{History: known, Train: train, K: []int{2}, Recall: RecallAll})
	require.NoError(t, err)
	require.InDelta(t, half(1.0/3), all.Cuts[0].Recall.Value, 1e-15)
}

func TestEvaluateRefusesBadInput(t *testing.T) {
	h := shop(t)
	m, err := FitPopularity(t.Context(), h)
	require.NoError(t, err)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		r    Recommender
		test *History
		o    *EvalOptions
		want error
	}{
		{t.Context(), m, h, nil, ErrOption},
		{t.Context(), nil, h, &EvalOptions{History: h}, ErrOption},
		{t.Context(), m, nil, &EvalOptions{History: h}, ErrOption},
		{t.Context(), m, h, &EvalOptions{History: h, K: []int{5, 5}}, ErrOption},
		{t.Context(), m, h, &EvalOptions{History: h, K: []int{0}}, ErrOption},
		{t.Context(), m, h, &EvalOptions{History: h, Level: 1}, ErrOption},
		{t.Context(), m, h, &EvalOptions{History: h, Level: math.NaN()}, ErrOption},
		{t.Context(), m, h, &EvalOptions{History: h, Recall: 7}, ErrOption},
		{t.Context(), m, h, &EvalOptions{History: h, Workers: -1}, ErrOption},
		{t.Context(), m, newTestHistory(t, nil), &EvalOptions{History: h}, ErrEmpty},
		{cancelled, m, h, &EvalOptions{History: h}, context.Canceled},
	} {
		_, err := Evaluate(c.ctx, c.r, c.test, c.o)
		require.ErrorIs(t, err, c.want)
	}
}

// A history item is never shown, and the number of workers does not show.
func TestEvaluateIsDeterministic(t *testing.T) {
	s, err := SplitStrong(synthetic(t, 400, 150, 8000), nil)
	require.NoError(t, err)
	m, err := FitItemKNN(t.Context(), s.Train, nil)
	require.NoError(t, err)
	var want Report
	for workers := 1; workers <= 3; workers++ {
		r, err := Evaluate(t.Context(), m, s.Test.Held, &EvalOptions{History: s.Test.Known, Workers: workers})
		require.NoError(t, err)
		if workers == 1 {
			want = r
		}
		require.Equal(t, want.Cuts, r.Cuts, "%d workers", workers)
	}
	same, err := Evaluate(t.Context(), m, s.Test.Held, &EvalOptions{History: s.Test.Known, Train: s.Train})
	require.NoError(t, err)
	require.Equal(t, want.Cuts, same.Cuts, "a model knows its own vocabulary")
	for _, u := range s.Test.Held.Users() {
		r, err := m.Recommend(Query{History: s.Test.Known, User: u, N: 200})
		require.NoError(t, err)
		require.Len(t, r.Items, m.Len()-r.Known)
		for _, i := range s.Test.Known.Of(u) {
			for _, x := range r.Items {
				require.NotEqual(t, i.Item, x.Item)
			}
		}
	}
}

func TestCompareIsPaired(t *testing.T) {
	s, err := SplitStrong(synthetic(t, 400, 150, 8000), nil)
	require.NoError(t, err)
	o := &EvalOptions{History: s.Test.Known, Train: s.Train}
	good, err := Evaluate(t.Context(), fixed(byUsers(t, s.Train)), s.Test.Held, o)
	require.NoError(t, err)
	bad, err := Evaluate(t.Context(), fixed{}, s.Test.Held, o)
	require.NoError(t, err)
	c, err := good.Compare(bad, "recall", 20, nil)
	require.NoError(t, err)
	g, _ := good.At(20)
	require.InDelta(t, g.Recall.Value, c.Difference.Value, 1e-15)
	require.InDelta(t, g.Recall.StdErr, c.Difference.StdErr, 1e-15)
	require.Less(t, c.Difference.Lo, c.Difference.Value)
	require.Greater(t, c.Difference.Hi, c.Difference.Value)
	require.Less(t, c.PValue, 0.01)
	none, err := good.Compare(good, "ndcg", 100, &CompareOptions{Seed: 3})
	require.NoError(t, err)
	require.Equal(t, 1.0, none.PValue)
	for _, err := range []error{
		second(good.Compare(bad, "auc", 20, nil)),
		second(good.Compare(bad, "recall", 21, nil)),
		second(good.Compare(Report{}, "recall", 20, nil)),
		second(good.Compare(bad, "recall", 20, &CompareOptions{Level: 2})),
		second(good.Compare(bad, "recall", 20, &CompareOptions{Resamples: -2})),
		second(good.Compare(bad, "recall", 20, &CompareOptions{Resamples: math.MaxInt})),
	} {
		require.ErrorIs(t, err, ErrOption)
	}
}

func second[T any](_ T, err error) error { return err }

func byUsers(t *testing.T, h *History) []string {
	p, err := FitPopularity(t.Context(), h)
	require.NoError(t, err)
	list, err := p.AppendRecommend(nil, Query{N: p.Len()})
	require.NoError(t, err)
	var out []string
	for _, x := range list {
		out = append(out, x.Item)
	}
	return out
}

func TestSplitTimeByHand(t *testing.T) {
	h := newTestHistory(t, nil)
	day := func(d int) time.Time { return day0.AddDate(0, 0, d) }
	buy := func(user uint32, event, item string, d int) {
		require.NoError(t, h.Observe(user, event, map[string]any{"products": []map[string]any{{"product_id": item}}}, day(d)))
	}
	buy(1, "Order Completed", "a", 0)
	buy(1, "Order Completed", "a", 11) // again
	buy(1, "Order Completed", "b", 12) // new
	buy(1, "Order Completed", "b", 13) // new once
	buy(1, "Order Completed", "c", 12) // returned
	buy(1, "Order Refunded", "c", 13)
	buy(1, "Product Viewed", "d", 12)  // not bought
	buy(1, "Order Completed", "e", 30) // too late
	buy(2, "Order Completed", "a", 12) // nothing known of 2
	buy(3, "Order Completed", "b", 10) // the instant itself is after
	buy(3, "Product Viewed", "x", 1)

	orders := []string{"Order Completed", "Order Refunded"}
	s, err := SplitTime(h, day(10), &SplitTimeOptions{Until: day(30), Events: orders})
	require.NoError(t, err)
	require.Equal(t, []uint32{1, 3}, s.Train.Users())
	require.Equal(t, 2, s.Train.Stats().Rows)
	require.Same(t, s.Train, s.Test.Known)
	require.Equal(t, 2, s.Test.Users)
	require.Equal(t, 1, s.Test.Cold)
	held := func(s *Split) (out [][]string) {
		sn := s.Test.Held.snapshot()
		for i := range sn.users {
			var names []string
			for _, p := range userRow(nil, sn.rows[sn.start[i]:sn.start[i+1]], sn.set.value) {
				names = append(names, sn.names[p.item])
			}
			out = append(out, names)
		}
		return out
	}
	require.Equal(t, [][]string{{"b"}, {"b"}}, held(s))
	s, err = SplitTime(h, day(10), &SplitTimeOptions{Repeat: true, ColdUsers: true})
	require.NoError(t, err)
	require.Equal(t, [][]string{{"a", "b", "d", "e"}, {"a"}, {"b"}}, held(s))

	for _, c := range []struct {
		err  error
		want error
	}{
		{second(SplitTime(nil, day(1), nil)), ErrOption},
		{second(SplitTime(h, time.Time{}, nil)), ErrTime},
		{second(SplitTime(h, day(0), nil)), ErrEmpty},
		{second(SplitTime(h, day(1), &SplitTimeOptions{Until: day(1)})), ErrOption},
		{second(SplitTime(h, day(1), &SplitTimeOptions{Events: []string{"Order"}})), ErrOption},
		{second(SplitStrong(nil, nil)), ErrOption},
		{second(SplitStrong(h, &SplitStrongOptions{MinItems: -1})), ErrOption},
		{second(SplitStrong(newTestHistory(t, nil), nil)), ErrEmpty},
	} {
		require.ErrorIs(t, c.err, c.want)
	}
}

// FNV-1a values of the published test vectors.
func TestHash(t *testing.T) {
	require.Equal(t, uint64(0xcbf29ce484222325), hash(""))
	require.Equal(t, uint64(0xaf63dc4c8601ec8c), hash("a"))
	require.Equal(t, uint64(0x85944171f73967e8), hash("foobar"))
}

func TestSplitLastByHand(t *testing.T) {
	h := newTestHistory(t, nil)
	add := func(user uint32, item string, s int) {
		require.NoError(t, h.Add(user, item, 1, day0.Add(time.Duration(s)*time.Second)))
	}
	add(1, "a", 5)
	add(1, "b", 1)
	add(1, "b", 9) // again: b was taken up first
	add(1, "c", 5) // with a, and a larger id
	add(2, "a", 1) // one item only
	s, err := SplitLast(h, nil)
	require.NoError(t, err)
	require.Equal(t, 1, s.Test.Users)
	require.Equal(t, 1, s.Test.Cold)
	require.Len(t, s.Test.Held.Of(1), 1)
	require.Equal(t, "c", s.Test.Held.Of(1)[0].Item)
	require.Len(t, s.Train.Of(1), 3)
	require.Len(t, s.Train.Of(2), 1)
	s, err = SplitLast(h, &SplitLastOptions{Items: 2})
	require.NoError(t, err)
	require.Len(t, s.Test.Held.Of(1), 2)
	require.Len(t, s.Train.Of(1), 2)
	for _, c := range []struct {
		err  error
		want error
	}{
		{second(SplitLast(nil, nil)), ErrOption},
		{second(SplitLast(h, &SplitLastOptions{Items: -1})), ErrOption},
		{second(SplitLast(h, &SplitLastOptions{MinItems: -1})), ErrOption},
		{second(SplitLast(h, &SplitLastOptions{Items: 3})), ErrEmpty},
	} {
		require.ErrorIs(t, c.err, c.want)
	}
}
