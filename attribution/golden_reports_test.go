package attribution

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGoldenHeuristics(t *testing.T) {
	for name, set := range golden[map[string]goldenSet](t, "small.json") {
		p := set.paths(t)
		c, err := LeaveOneOut(p)
		require.NoError(t, err)
		nearCredits(t, set.LeaveOneOut, c, conversionsOf, name+" leave one out")
		requireWhole(t, c)
		c, err = ShaoLi(p)
		require.NoError(t, err)
		nearCredits(t, set.ShaoLi, c, effectOf, name+" Shao–Li")
		requireWhole(t, c)
		o, err := OrderedShapley(p)
		require.NoError(t, err)
		require.Len(t, o.Channels, len(set.OrderedConv))
		v1, err := Shapley(p, nil)
		require.NoError(t, err)
		for i, ch := range o.Channels {
			for _, part := range []struct {
				want, got []float64
				sum       float64
			}{
				{set.OrderedConv[ch], o.Conversions[i], v1.Channels[i].Conversions},
				{set.OrderedValue[ch], o.Value[i], v1.Channels[i].Value},
			} {
				sum := 0.0
				for k, got := range part.got {
					want := 0.0
					if k < len(part.want) {
						want = part.want[k]
					}
					near(t, want, got, "%s %s %d", name, ch, k)
					sum += got
				}
				near(t, part.sum, sum)
			}
		}
	}
}

type goldenReports struct {
	Assists map[string]struct {
		Last, First, Assisted, Any, Only float64
		NotLast                          float64 `json:"assisted_not_last"`
		FirstOfMulti                     float64 `json:"first_of_multi"`
		PerLast                          float64 `json:"assisted_per_last"`
	} `json:"assist_conv"`
	Lengths     map[string]struct{ Conv, Value, Null float64 } `json:"path_length"`
	Top         []goldenRow                                    `json:"top_paths_raw"`
	Transitions [][3]any                                       `json:"transition_counts_collapsed_order1"`
}

func TestGoldenReports(t *testing.T) {
	p := pathData(t)
	want := golden[goldenReports](t, "reports.json")
	assists, err := Assists(p)
	require.NoError(t, err)
	require.Len(t, assists, len(want.Assists))
	for _, a := range assists {
		w := want.Assists[a.Channel]
		require.Equal(t, w.Last, a.Last)
		require.Equal(t, w.First, a.First)
		require.Equal(t, w.Assisted, a.Assisted)
		require.Equal(t, w.NotLast, a.AssistedNotLast)
		require.Equal(t, w.Any, a.Any)
		require.Equal(t, w.Only, a.Only)
		require.Equal(t, w.FirstOfMulti, a.FirstOfMulti)
		r, ok := a.PerLast()
		require.True(t, ok)
		near(t, w.PerLast, r)
	}
	lengths := PathLengths(p)
	require.Len(t, lengths, len(want.Lengths))
	for i, l := range lengths {
		w := want.Lengths[fmt.Sprint(l.Touches)]
		require.Equal(t, w.Conv, l.Conversions)
		require.Equal(t, w.Null, l.Nulls)
		near(t, w.Value, l.Value)
		require.True(t, i == 0 || lengths[i-1].Touches < l.Touches)
	}
	for i, top := range TopPaths(p, len(want.Top)) {
		w := want.Top[i]
		require.Equal(t, w.Path, top.Channels)
		require.Equal(t, w.Conv, top.Conversions)
		require.Equal(t, w.Null, top.Nulls)
		near(t, w.Value, top.Value)
	}
	transitions, err := Transitions(p, false)
	require.NoError(t, err)
	got := map[string]float64{}
	leaving := map[string]float64{}
	for _, tr := range transitions {
		got[tr.From+"→"+tr.To] = tr.Journeys
		leaving[tr.From] += tr.Probability
	}
	require.Len(t, got, len(want.Transitions))
	for _, w := range want.Transitions {
		require.Equal(t, w[2], got[w[0].(string)+"→"+w[1].(string)], "%v", w)
	}
	for from, sum := range leaving {
		near(t, 1, sum, from)
	}
	loops, err := Transitions(p, true)
	require.NoError(t, err)
	require.Greater(t, len(loops), len(transitions))
}

func TestReportsOfNothing(t *testing.T) {
	p := new(Paths)
	a, err := Assists(p)
	require.NoError(t, err)
	require.Empty(t, a)
	require.Empty(t, PathLengths(p))
	require.Empty(t, TopPaths(p, -1))
	tr, err := Transitions(p, true)
	require.NoError(t, err)
	require.Empty(t, tr)
	o, err := OrderedShapley(p)
	require.NoError(t, err)
	data, err := json.Marshal(o)
	require.NoError(t, err)
	require.NotEmpty(t, data)
	require.NoError(t, p.Sub([]string{"A"}, 1, 0, 0))
	_, err = Assists(p)
	require.ErrorIs(t, err, ErrNegative)
	_, err = Transitions(p, false)
	require.ErrorIs(t, err, ErrNegative)
	_, err = OrderedShapley(p)
	require.ErrorIs(t, err, ErrNegative)
}
