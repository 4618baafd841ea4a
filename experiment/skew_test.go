package experiment

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table of the package documentation: what a 5 % test really does on
// skewed values. In short runs each
// cell is held to the table within the 99.9 % band of its own size.
func TestSkewTable(t *testing.T) {
	lognormal := func(r *rand.Rand) float64 { return math.Exp(2 * r.NormFloat64()) }
	buyers := func(r *rand.Rand) float64 {
		if r.Float64() >= .01 {
			return 0
		}
		return 50 * r.ExpFloat64()
	}
	for _, c := range []struct {
		name   string
		na, nb int
		draw   func(*rand.Rand) float64
		want   float64 // %, from 20,000 runs
	}{
		{"log-normal", 1000, 1000, lognormal, 4.0},
		{"log-normal", 1000, 9000, lognormal, 10.2},
		{"log-normal", 500, 4500, lognormal, 11.0},
		{"buyers", 1000, 1000, buyers, 4.4},
		{"buyers", 1000, 9000, buyers, 10.8},
		{"buyers", 500, 4500, buyers, 15.6},
	} {
		n, rejected := runs(300), 0
		r := rand.New(rand.NewPCG(21, 22))
		a, b := make([]float64, c.na), make([]float64, c.nb)
		for range n {
			for i := range a {
				a[i] = c.draw(r)
			}
			for i := range b {
				b[i] = c.draw(r)
			}
			var x, y Moments
			x.AddAll(a)
			y.AddAll(b)
			res, err := Welch(&x, &y, nil)
			require.NoError(t, err)
			if res.P < .05 {
				rejected++
			}
		}
		t.Logf("%-10s %d and %d: %.1f %% of %d", c.name, c.na, c.nb, 100*float64(rejected)/float64(n), n)
		lo, hi := band(n, c.want/100)
		require.GreaterOrEqual(t, float64(rejected), lo)
		require.LessOrEqual(t, float64(rejected), hi)
	}
}
