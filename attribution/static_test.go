package attribution

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/sim"
)

// staticDesign is a population whose channels are fixed before the outcome.
type staticDesign struct{ interactions, confounded, ordered bool }

// population draws people: their paths, all together and by parts of equal size
// of the propensity, and what the channels caused.
func (d staticDesign) population(t testing.TB, seed uint64, users, strata int) (all *Paths, by []*Paths, truth [6]float64) {
	t.Helper()
	s, err := sim.NewStatic(&sim.StaticOptions{
		Seed: seed, Users: users, Interactions: d.interactions, Targeted: d.confounded, Ordered: d.ordered,
	})
	require.NoError(t, err)
	all, by = new(Paths), make([]*Paths, strata)
	for i := range by {
		by[i] = new(Paths)
	}
	type row struct {
		stratum int
		path    string
	}
	rows := map[row][2]float64{}
	for j := range s.Journeys() {
		k := row{part(j.Propensity, strata), string(j.Path)}
		n := rows[k]
		if j.Converted {
			n[0]++
		} else {
			n[1]++
		}
		rows[k] = n
		for c, x := range j.Caused {
			truth[c] += x
		}
	}
	for k, n := range rows {
		var path []string
		for _, c := range []byte(k.path) {
			path = append(path, string(rune('A'+c)))
		}
		require.NoError(t, all.Add(path, n[0], 0, n[1]))
		require.NoError(t, by[k.stratum].Add(path, n[0], 0, n[1]))
	}
	return all, by, truth
}

// part is which of n parts of equal size a standard normal figure lies in.
func part(z float64, n int) int {
	return min(n-1, int(float64(n)*0.5*math.Erfc(-z/math.Sqrt2)))
}

func TestStratified(t *testing.T) {
	// One stratum is no stratum.
	all, _, _ := staticDesign{}.population(t, 3, 500, 1)
	require.NoError(t, all.AddSpend("A", 7))
	cohort := func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: Cohort}) }
	want, err := cohort(all)
	require.NoError(t, err)
	got, err := Stratified([]*Paths{all}, cohort)
	require.NoError(t, err)
	require.Equal(t, want.Channels, got.Channels)
	require.Equal(t, want.Total, got.Total)
	require.Equal(t, want.Unattributed, got.Unattributed)

	// The ledger counts once, people twice.
	got, err = Stratified([]*Paths{all, all}, cohort)
	require.NoError(t, err)
	require.Equal(t, want.Total.Spend, got.Total.Spend)
	require.Equal(t, 2*want.Total.Conversions, got.Total.Conversions)
	require.Len(t, got.Warnings, len(want.Warnings))

	_, err = Stratified(nil, cohort)
	require.ErrorIs(t, err, ErrInput)
	var p Paths
	_, err = Stratified([]*Paths{&p}, func(*Paths) (Credits, error) { return Credits{}, ErrNoTimes })
	require.ErrorIs(t, err, ErrNoTimes)
}
