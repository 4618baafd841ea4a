package experiment

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/stats"
)

// exposed is a readout with so many users by epoch and arm.
func exposed(t *testing.T, weights []map[string]float64, counts []map[string]int) *Readout {
	r := mustReadout(t, &ReadoutOptions{Weights: weights})
	user := uint32(0)
	for epoch, c := range counts {
		for _, arm := range []string{"a", "b", "c", "d"} {
			for range c[arm] {
				user++
				require.NoError(t, r.Expose(user, Exposure{Arm: arm, Epoch: epoch, At: at(0)}))
			}
		}
	}
	return r
}

func TestSampleRatioOverEpochs(t *testing.T) {
	ramp := []map[string]float64{{"a": 9, "b": 1}, {"a": 1, "b": 1}}
	// Of two arms it is the square of a normal score with the epochs' variances.
	s, err := exposed(t, ramp, []map[string]int{{"a": 170, "b": 30}, {"a": 150, "b": 150}}).SRM(nil)
	require.NoError(t, err)
	require.Equal(t, []float64{330, 170}, s.Expected)
	x := 10 * 10 / (200*.9*.1 + 300*.5*.5)
	require.InEpsilon(t, x, s.ChiSquare, 1e-12)
	require.Equal(t, 1, s.DF)
	require.InEpsilon(t, stats.ChiSquareSF(x, 1), s.P, 1e-10)
	// One epoch, or several alike, is Pearson's; so are arms that share no epoch,
	// whose statistics add up.
	want, err := SRM([]int{320, 180}, []float64{9, 1})
	require.NoError(t, err)
	s, err = exposed(t, []map[string]float64{{"a": 9, "b": 1}, {"a": .9, "b": .1}}, []map[string]int{{"a": 170, "b": 30}, {"a": 150, "b": 150}}).SRM(nil)
	require.NoError(t, err)
	require.InEpsilon(t, want.ChiSquare, s.ChiSquare, 1e-12)
	s, err = exposed(t, []map[string]float64{{"a": 9, "b": 1}, {"c": 1, "d": 1}}, []map[string]int{{"a": 170, "b": 30}, {"c": 140, "d": 160}}).SRM(nil)
	require.NoError(t, err)
	require.InEpsilon(t, 10*10/(200*.9*.1)+10*10/(300*.5*.5), s.ChiSquare, 1e-12)
	require.Equal(t, 2, s.DF)
	// Nobody is expected in an arm before it has a weight, at no look either.
	for _, o := range []*TestOptions{nil, {Sequential: 1}} {
		s, err = exposed(t, []map[string]float64{{"a": 1}, {"a": 1, "b": 1}}, []map[string]int{{"a": 100, "b": 1}, {"a": 50, "b": 50}}).SRM(o)
		require.NoError(t, err)
		require.Zero(t, s.P)
		require.ErrorIs(t, errors.Join(s.Warnings...), ErrSampleRatio)
	}
	s, err = exposed(t, []map[string]float64{{"a": 1}, {"b": 1}}, []map[string]int{{"a": 100}, {"b": 50}}).SRM(nil)
	require.NoError(t, err)
	require.Equal(t, [2]float64{0, 1}, [2]float64{s.ChiSquare, s.P})
}
