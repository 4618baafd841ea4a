package recommend

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Unit by unit: each unit taken back removes the latest unit of the item that
// is still there.
func TestDecayAgainstUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const halfLife = 10 * time.Hour
		h, err := NewHistory(&HistoryOptions{Value: Cap(1e9)})
		require.NoError(t, err)
		now := day0.Add(40 * time.Hour)
		type unit struct{ at int }
		held := map[[2]int][]unit{}
		owed := map[[2]int]float64{}
		factor := func(at int) float64 { return math.Exp2(-max(0, float64(40-at)) / 10) }
		for at := range rapid.IntRange(1, 60).Draw(t, "rows") {
			user, item := rapid.IntRange(1, 3).Draw(t, "user"), rapid.IntRange(1, 3).Draw(t, "item")
			n := rapid.IntRange(-4, 4).Filter(func(n int) bool { return n != 0 }).Draw(t, "weight")
			when, key := day0.Add(time.Duration(at)*time.Hour), [2]int{user, item}
			if n > 0 {
				require.NoError(t, h.Add(uint32(user), strconv.Itoa(item), float64(n), when))
				for range n {
					held[key] = append(held[key], unit{at})
				}
				continue
			}
			require.NoError(t, h.Remove(uint32(user), strconv.Itoa(item), float64(-n), when))
			for range -n {
				if k := len(held[key]); k > 0 {
					held[key] = held[key][:k-1]
				} else {
					owed[key] += factor(at)
				}
			}
		}
		before, err := h.AppendBinary(nil)
		require.NoError(t, err)
		d, err := Decay(h, halfLife, now)
		require.NoError(t, err)
		after, err := h.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, before, after, "the history itself must not change")
		got := map[[2]int]float64{}
		for _, u := range d.Users() {
			for _, i := range d.Of(u) {
				got[[2]int{int(u), int(i.Item[0] - '0')}] += i.Weight
			}
		}
		for user := 1; user <= 3; user++ {
			for item := 1; item <= 3; item++ {
				key := [2]int{user, item}
				want := -owed[key]
				for _, x := range held[key] {
					want += factor(x.at)
				}
				require.InDelta(t, want, got[key], 1e-9)
			}
		}
	})
}

func TestDecayRefusesBadInput(t *testing.T) {
	h := newTestHistory(t, &HistoryOptions{Value: Log1p()})
	require.NoError(t, h.Add(1, "a", 1, day0))
	for _, err := range []error{
		second(Decay(nil, time.Hour, day0)),
		second(Decay(h, 0, day0)),
		second(Decay(h, -time.Hour, day0)),
		second(Decay(newTestHistory(t, nil), time.Hour, day0)),
	} {
		require.ErrorIs(t, err, ErrOption)
	}
	require.ErrorIs(t, second(Decay(h, time.Hour, time.Time{})), ErrTime)
	d, err := Decay(h, time.Second, day0.Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, d.Users(), "2^-3600 is nothing")
}

// Few touched items in a large catalogue, and most of it, by the same rule.
func TestSparseAndDenseRequests(t *testing.T) {
	h := synthetic(t, 300, 600, 1500)
	m, err := FitItemKNN(t.Context(), h, &ItemKNNOptions{K: 5})
	require.NoError(t, err)
	for k := range m.weight {
		if k%7 == 0 {
			m.weight[k] = -m.weight[k]
		}
	}
	sparse := 0
	for _, n := range []int{1, 3, 300} {
		for start := 0; start+n < m.Len(); start += 97 {
			items := m.cat.names[start : start+n]
			history, work := map[string]float64{}, 0
			for k, i := range items {
				history[i] = 1
				work += m.ptr[start+k+1] - m.ptr[start+k]
			}
			if work < m.Len()/8 {
				sparse++
			}
			for _, q := range []Query{{N: 10}, {N: m.Len()}, {N: 10, Allow: m.Items(m.cat.names[:m.Len()/2]...)}, {N: 5, Allow: m.Items(m.cat.names[:7]...)}} {
				q.Items = items
				got, err := m.Recommend(q)
				require.NoError(t, err)
				require.Equal(t, slowRecommend(m, history, q), got.Items)
			}
		}
	}
	require.Positive(t, sparse)
}
