package exact

import "github.com/zhun-go/zhun/experiment"

// ClusterBootstrap is [Bootstrap] where values come in clusters that were
// randomized together (the sessions of a user, the users of a household, the
// stores of a region): whole clusters are resampled, each with its values, so
// that values may depend on each other within one. A control or treatment is a
// list of values for each cluster, not empty. The statistic sees the values of
// all clusters drawn; nil is their mean, as a ratio of sums. BCa takes its
// acceleration from leaving out clusters, Studentized its standard error from
// the sums of clusters (delta method). Fewer than two clusters in an arm are
// [experiment.ErrTooFew]; with fewer than about thirty no interval is to be
// trusted.
func ClusterBootstrap(control, treatment [][]float64, statistic func([]float64) float64, method Method, opts *Options) (experiment.Estimate, error) {
	const fn = "ClusterBootstrap"
	o, err := opts.resolveMethod(fn, statistic, method)
	if err != nil {
		return experiment.Estimate{}, err
	}
	var arms [2]sample
	for i, clusters := range [2][][]float64{control, treatment} {
		if len(clusters) < 2 {
			return experiment.Estimate{}, tooFew(fn, [2]string{"control", "treatment"}[i]+" of clusters", len(clusters))
		}
		for _, c := range clusters {
			if err := measurable(fn, i, c, 1); err != nil {
				return experiment.Estimate{}, err
			}
		}
		arms[i] = clustered(clusters)
	}
	return bootstrap(fn, arms, statistic, method, o)
}

type clustered [][]float64

func (c clustered) units() int                             { return len(c) }
func (c clustered) draw(dst []float64, unit int) []float64 { return append(dst, c[unit]...) }

func (c clustered) variance(units []int) float64 {
	sums := make([]float64, len(units))
	total, n := 0.0, 0.0
	for i, u := range units {
		for _, x := range c[u] {
			sums[i] += x
		}
		total, n = total+sums[i], n+float64(len(c[u]))
	}
	m, q := total/n, 0.0
	for i, u := range units {
		d := sums[i] - m*float64(len(c[u]))
		q += d * d
	}
	k := float64(len(units))
	return q * k / (k - 1) / (n * n)
}
