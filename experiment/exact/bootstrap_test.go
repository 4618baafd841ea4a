package exact

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment"
)

// Intervals hold the truth as often as they say; on skewed values the
// studentized ones more often than percentiles.
func TestBootstrapCoverage(t *testing.T) {
	n := 300
	if os.Getenv("ZHUN_LONG") != "" {
		n = 5_000
	}
	held := map[Method]int{}
	for _, method := range []Method{BCa, Studentized, Percentile} {
		r := rand.New(rand.NewPCG(3, 4))
		for run := range n {
			var arms [2][]float64
			for i, size := range []int{30, 60} {
				for range size {
					arms[i] = append(arms[i], r.ExpFloat64())
				}
			}
			e, err := Bootstrap(arms[0], arms[1], nil, method, &Options{Runs: 400, Seed: uint64(run)})
			require.NoError(t, err)
			if e.Lo <= 0 && 0 <= e.Hi {
				held[method]++
			}
		}
		// The bootstrap is asymptotic: two points off are allowed beside chance.
		share := float64(held[method]) / float64(n)
		require.InDelta(t, .95, share, .02+3.29*math.Sqrt(.05*.95/float64(n)), method)
	}
	require.GreaterOrEqual(t, held[Studentized], held[Percentile])
}

// Values that depend on each other within clusters: resampling clusters covers,
// resampling values does not.
func TestClusterBootstrapCoverage(t *testing.T) {
	n := 200
	if os.Getenv("ZHUN_LONG") != "" {
		n = 5_000
	}
	for _, method := range []Method{BCa, Studentized, Percentile} {
		r := rand.New(rand.NewPCG(13, 4))
		held, naive := 0, 0
		for run := range n {
			var arms [2][][]float64
			var flat [2][]float64
			for i, size := range []int{40, 60} {
				for range size {
					level := r.NormFloat64()
					var c []float64
					for range 1 + r.IntN(5) {
						c = append(c, level+.5*r.NormFloat64())
					}
					arms[i], flat[i] = append(arms[i], c), append(flat[i], c...)
				}
			}
			o := &Options{Runs: 300, Seed: uint64(run)}
			e, err := ClusterBootstrap(arms[0], arms[1], nil, method, o)
			require.NoError(t, err)
			if e.Lo <= 0 && 0 <= e.Hi {
				held++
			}
			if method != Percentile {
				continue
			}
			if e, err = Bootstrap(flat[0], flat[1], nil, method, o); err == nil && e.Lo <= 0 && 0 <= e.Hi {
				naive++
			}
			require.NoError(t, err)
		}
		half := 3.29 * math.Sqrt(.05*.95/float64(n))
		require.InDelta(t, .95, float64(held)/float64(n), .02+half, method)
		t.Logf("method %d covers %.1f %% of %d", method, 100*float64(held)/float64(n), n)
		require.Less(t, float64(naive)/float64(n), .85)
	}
}

// Clusters of one value are values.
func TestClustersOfOneAreValues(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	var flat [2][]float64
	var clusters [2][][]float64
	for i := range flat {
		for range 25 {
			x := r.ExpFloat64()
			flat[i], clusters[i] = append(flat[i], x), append(clusters[i], []float64{x})
		}
	}
	for _, method := range []Method{BCa, Studentized, Percentile} {
		want, err := Bootstrap(flat[0], flat[1], nil, method, &Options{Runs: 500})
		require.NoError(t, err)
		got, err := ClusterBootstrap(clusters[0], clusters[1], nil, method, &Options{Runs: 500})
		require.NoError(t, err)
		require.InDelta(t, want.Lo, got.Lo, 1e-12)
		require.InDelta(t, want.Hi, got.Hi, 1e-12)
		require.InDelta(t, want.StdErr, got.StdErr, 1e-12)
	}
	for _, bad := range [][][]float64{nil, {{1, 2}}, {{1}, {}}, {{1}, {math.NaN()}}} {
		_, err := ClusterBootstrap(bad, clusters[1], nil, BCa, nil)
		require.Error(t, err)
	}
	_, err := ClusterBootstrap(clusters[0], clusters[1], mean, Studentized, nil)
	require.ErrorIs(t, err, experiment.ErrInvalid)
}

func TestBootstrapOfNormalMeansIsWelch(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var arms [2][]float64
	var m [2]experiment.Moments
	for i := range arms {
		for range 300 {
			x := r.NormFloat64() + float64(i)
			arms[i] = append(arms[i], x)
			m[i].Add(x)
		}
	}
	want, err := experiment.Welch(&m[0], &m[1], nil)
	require.NoError(t, err)
	for _, method := range []Method{BCa, Studentized, Percentile} {
		e, err := Bootstrap(arms[0], arms[1], nil, method, nil)
		require.NoError(t, err)
		require.InDelta(t, want.Absolute.Value, e.Value, 1e-12)
		require.InEpsilon(t, want.Absolute.StdErr, e.StdErr, .03)
		require.InDelta(t, want.Absolute.Lo, e.Lo, .1*want.Absolute.StdErr)
		require.InDelta(t, want.Absolute.Hi, e.Hi, .1*want.Absolute.StdErr)
		again, err := Bootstrap(arms[0], arms[1], nil, method, nil)
		require.NoError(t, err)
		require.Equal(t, e, again)
	}
}
