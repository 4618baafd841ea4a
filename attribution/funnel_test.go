package attribution

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every report again, journey by journey.
func TestFunnelReportsByDefinition(t *testing.T) {
	for seed := range 200 {
		r := rand.New(rand.NewPCG(uint64(seed), 31))
		var p Paths
		pairs := map[[2]string]FirstLast{}
		funnels := map[string]Funnel{}
		steps := map[int]Step{}
		longest := 0
		for range r.IntN(20) {
			path := make([]string, r.IntN(5))
			for i := range path {
				path[i] = string(rune('A' + r.IntN(4)))
			}
			conv, value, null := float64(r.IntN(4)), float64(r.IntN(9)), float64(r.IntN(3))
			require.NoError(t, p.Add(path, conv, value, null))
			if len(path) == 0 {
				continue
			}
			if conv+value+null > 0 {
				longest = max(longest, len(path))
				k := [2]string{path[0], path[len(path)-1]}
				f := pairs[k]
				pairs[k] = FirstLast{k[0], k[1], f.Conversions + conv, f.Value + value, f.Nulls + null}
			}
			for k := 1; k <= len(path); k++ {
				s := steps[k]
				s.Touches = k
				s.Journeys += conv + null
				if k == len(path) {
					s.Converted += conv
					s.Lost += null
				}
				steps[k] = s
			}
			for _, c := range []string{"A", "B", "C", "D"} {
				f := funnels[c]
				f.Channel = c
				met, other := false, false
				for _, x := range path {
					if x == c {
						met = true
						f.Touches += conv + null
					} else if met {
						other = true
					}
				}
				if met {
					f.Journeys += conv + null
					f.Conversions += conv
					f.Value += value
				}
				if other {
					f.Continued += conv + null
				}
				funnels[c] = f
			}
		}
		cells, err := FirstLasts(&p)
		require.NoError(t, err)
		require.Len(t, cells, len(pairs))
		for _, c := range cells {
			require.Equal(t, pairs[[2]string{c.First, c.Last}], c)
		}
		list, err := Funnels(&p)
		require.NoError(t, err)
		for _, f := range list {
			require.Equal(t, funnels[f.Channel], f)
		}
		got, err := Steps(&p)
		require.NoError(t, err)
		require.Len(t, got, longest)
		for i, s := range got {
			want := steps[i+1]
			want.Touches = i + 1
			require.Equal(t, want, s)
		}
	}
}

func TestFunnelReportsRefuseNegativeCounts(t *testing.T) {
	var p Paths
	require.NoError(t, p.Sub([]string{"A"}, 1, 0, 0))
	_, err := FirstLasts(&p)
	require.ErrorIs(t, err, ErrNegative)
	_, err = Funnels(&p)
	require.ErrorIs(t, err, ErrNegative)
	_, err = Steps(&p)
	require.ErrorIs(t, err, ErrNegative)
	f := Funnel{}
	_, ok := f.Rate()
	require.False(t, ok)
}
