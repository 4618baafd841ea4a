package exact

import (
	"cmp"
	"math"
	"slices"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/stats"
)

// RankTest is the result of [MannWhitney].
type RankTest struct {
	// U counts pairs in which the treatment value is larger, ties as half.
	U float64
	// Superiority is U over the number of pairs: the chance that a value of
	// treatment is larger than one of control.
	Superiority float64
	P           float64 // two-sided; exact when Exact
	Exact       bool    // fewer than 50 values in each arm, and no ties
	Ties        bool    // whether values were equal
	// Z and PNormal are the normal approximation with the corrections for ties
	// and for continuity.
	Z, PNormal float64
}

// MannWhitney tests whether values of treatment tend to be larger or smaller
// than those of control, by ranks: what outliers cannot move. It says nothing
// of means. The p-value is exact where R's wilcox.test is by default, and the
// normal approximation elsewhere (H. B. Mann and D. R. Whitney, Annals of
// Mathematical Statistics 18 (1947)). An arm without a value is
// [experiment.ErrTooFew].
func MannWhitney(control, treatment []float64) (RankTest, error) {
	const fn = "MannWhitney"
	type obs struct {
		x       float64
		treated bool
	}
	var all []obs
	for i, arm := range [][]float64{control, treatment} {
		if err := finite(fn, i, arm, 1); err != nil {
			return RankTest{}, err
		}
		for _, x := range arm {
			all = append(all, obs{x, i == 1})
		}
	}
	slices.SortFunc(all, func(a, b obs) int { return cmp.Compare(a.x, b.x) })
	ranks, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].x == all[i].x {
			j++
		}
		t := float64(j - i)
		ties += t*t*t - t
		for _, o := range all[i:j] {
			if o.treated {
				ranks += float64(i+j+1) / 2
			}
		}
		i = j
	}
	na, nb := float64(len(control)), float64(len(treatment))
	n := na + nb
	r := RankTest{U: ranks - nb*(nb+1)/2, Ties: ties > 0}
	r.Superiority = r.U / (na * nb)
	v := na * nb / 12 * (n + 1 - ties/(n*(n-1)))
	if !(v > 0) {
		r.P, r.PNormal = 1, 1 // all values are the same
		return r, nil
	}
	d := r.U - na*nb/2
	d -= math.Copysign(min(.5, math.Abs(d)), d)
	r.Z = d / math.Sqrt(v)
	r.PNormal = min(1, 2*stats.NormalSF(math.Abs(r.Z)))
	r.P = r.PNormal
	if r.Exact = !r.Ties && max(na, nb) < 50; r.Exact {
		r.P = rankTail(len(control), len(treatment), int(min(r.U, na*nb-r.U)))
	}
	return r, nil
}

// rankTail returns min(1, 2·P(U ≤ u)) without ties. The shares of the
// orderings of i and k values with each U follow from where the largest is.
func rankTail(m, n, u int) float64 {
	// row[k][x] is the chance of x for the present i and k values.
	row := make([][]float64, n+1)
	for k := range row {
		row[k] = make([]float64, u+1)
		row[k][0] = 1
	}
	for i := 1; i <= m; i++ {
		next := make([][]float64, n+1)
		next[0] = row[0]
		for k := 1; k <= n; k++ {
			next[k] = make([]float64, u+1)
			top := float64(k) / float64(i+k) // the largest is of the k: above all i
			for x := range next[k] {
				next[k][x] = (1 - top) * row[k][x]
				if x >= i {
					next[k][x] += top * next[k-1][x-i]
				}
			}
		}
		row = next
	}
	var sum stats.Sum
	for _, p := range row[n] {
		sum.Add(p)
	}
	return min(1, 2*sum.Value())
}

// finite refuses what is no number, and arms of fewer than least values.
func finite(fn string, arm int, xs []float64, least int) error {
	name := [2]string{"control", "treatment"}[arm]
	if len(xs) < least {
		return tooFew(fn, name+" of n", len(xs))
	}
	for _, x := range xs {
		if math.IsNaN(x - x) {
			return &experiment.ValueError{Func: "exact." + fn, What: name + " value", Value: x, Err: experiment.ErrNotFinite}
		}
	}
	return nil
}

// most bounds values that are squared and summed up.
const most = 1e144

// measurable is finite for values of which there are means and variances.
func measurable(fn string, arm int, xs []float64, least int) error {
	if err := finite(fn, arm, xs, least); err != nil {
		return err
	}
	for _, x := range xs {
		if math.Abs(x) > most {
			return &experiment.ValueError{Func: "exact." + fn, What: [2]string{"control", "treatment"}[arm] + " square of", Value: x, Err: experiment.ErrNotFinite}
		}
	}
	return nil
}
