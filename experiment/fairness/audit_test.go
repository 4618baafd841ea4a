package fairness

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
)

func of(x, n int64) exact.Count { return exact.Count{Successes: x, Users: n} }

func drawGroups(r *rand.Rand, n int) []Group {
	groups := make([]Group, n)
	share := func(users int64) exact.Count { return of(r.Int64N(users+1), users) }
	for i := range groups {
		p, q, u := share(r.Int64N(200)), share(r.Int64N(200)), share(20+r.Int64N(100))
		groups[i] = Group{fmt.Sprintf("g%d", i), of(p.Successes+q.Successes+u.Successes, p.Users+q.Users+u.Users), p, q}
	}
	return groups
}

// The worst pairs are those that fairlearn's measures are of: the range of the
// shares, of tpr, and the larger range of tpr and fpr.
func TestWorstAgainstRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	tested := 0
	for range 500 {
		groups := drawGroups(r, 2+r.IntN(5))
		report, err := Audit(groups, &Options{MinGroup: 30})
		if err != nil {
			require.ErrorIs(t, err, experiment.ErrTooFew)
			continue
		}
		tested++
		span := func(of func(Group) exact.Count) (lo, hi float64) {
			lo, hi = math.Inf(1), math.Inf(-1)
			for _, g := range report.Groups {
				if c := of(g); c.Users >= 30 {
					lo, hi = min(lo, rate(c)), max(hi, rate(c))
				}
			}
			return lo, hi
		}
		lo, hi := span(func(g Group) exact.Count { return g.All })
		require.InDelta(t, lo-hi, report.Worst.Parity.Value, 1e-12)
		first := slices.IndexFunc(report.Groups, func(g Group) bool { return rate(g.All) == hi })
		require.Equal(t, report.Groups[first].Name, report.Reference, "the first with the highest share")
		if hi > 0 {
			require.InDelta(t, lo/hi, report.Worst.Impact.Value, 1e-12)
		}
		tl, th := span(func(g Group) exact.Count { return g.Positive })
		fl, fh := span(func(g Group) exact.Count { return g.Negative })
		if th > tl {
			require.InDelta(t, th-tl, math.Abs(report.WorstOpportunity.Opportunity.Value), 1e-12)
		}
		everyone := true // has enough users of both outcomes
		for _, g := range report.Groups {
			everyone = everyone && min(g.Positive.Users, g.Negative.Users) >= 30
		}
		if everyone {
			require.InDelta(t, max(th-tl, fh-fl), report.WorstOdds.Odds.Value, 1e-12)
		}
		for _, p := range append(report.Pairs, report.Worst) {
			require.LessOrEqual(t, p.P, p.Adjusted)
			for _, e := range []experiment.Estimate{p.Impact, p.Parity, p.Opportunity, p.FalsePositive, p.Odds} {
				if !math.IsNaN(e.Value) {
					require.True(t, e.Lo <= e.Value+1e-9 && e.Value <= e.Hi+1e-9, "%+v in %+v", e, p)
				}
			}
		}

		// The order of the groups matters to nothing but the order of the pairs.
		again, err := Audit(shuffled(r, groups), &Options{MinGroup: 30, Reference: report.Reference})
		require.NoError(t, err)
		require.Equal(t, report.Worst.Parity, again.Worst.Parity)
		require.Len(t, again.Pairs, len(report.Pairs))
	}
	require.Greater(t, tested, 300)
}

// Worst pairs are found among the ends of shares; all pairs compared in full are
// the reference.
func TestWorstAgainstAllPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 5))
	for range 300 {
		groups := drawGroups(r, 2+r.IntN(6))
		if r.IntN(4) == 0 {
			groups[1].All, groups[1].Positive, groups[1].Negative = groups[0].All, groups[0].Positive, groups[0].Negative
		}
		o := Options{MinGroup: 30, Level: .95, Correction: experiment.Holm}
		report, err := Audit(groups, &o)
		if err != nil {
			continue
		}
		var pairs []Pair
		m := len(report.Groups) * (len(report.Groups) - 1) / 2
		for i, a := range report.Groups {
			for _, b := range report.Groups[i+1:] {
				p := compare(a, b, m, o)
				require.InDelta(t, p.P, pooled(a.All, b.All), 1e-12)
				pairs = append(pairs, p)
			}
		}
		require.NoError(t, adjust(pairs, o.Correction, m))
		parity, opportunity, odds := 0., 0., 0.
		for _, p := range pairs {
			parity = max(parity, math.Abs(p.Parity.Value))
			if x := math.Abs(p.Opportunity.Value); x > opportunity {
				opportunity = x
			}
			if p.Odds.Value > odds {
				odds = p.Odds.Value
			}
			for _, w := range []Pair{report.Worst, report.WorstOpportunity, report.WorstOdds} {
				if p.Group == w.Group && p.Reference == w.Reference || p.Group == w.Reference && p.Reference == w.Group {
					require.InDelta(t, p.Adjusted, w.Adjusted, 1e-12)
				}
			}
		}
		require.InDelta(t, parity, -report.Worst.Parity.Value, 1e-15)
		require.LessOrEqual(t, report.Worst.Parity.Value, 0., "the reference has the higher share")
		require.Equal(t, opportunity, math.Abs(report.WorstOpportunity.Opportunity.Value))
		require.Equal(t, odds, report.WorstOdds.Odds.Value)
	}
}

func TestAuditOfManyGroups(t *testing.T) {
	groups := make([]Group, MaxAudited+1)
	for i := range groups {
		groups[i] = Group{Name: fmt.Sprint(i), All: of(int64(i), 2000)}
	}
	_, err := Audit(groups, nil)
	var bad *experiment.OptionError
	require.ErrorAs(t, err, &bad)
	r, err := Audit(groups[:MaxAudited], nil)
	require.NoError(t, err)
	require.Equal(t, "0", r.Worst.Group)
	require.Equal(t, "999", r.Worst.Reference)
}

func shuffled(r *rand.Rand, groups []Group) []Group {
	out := slices.Clone(groups)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// With a declared reference k − 1 comparisons are made, otherwise all pairs.
func TestAuditAllowsForItsComparisons(t *testing.T) {
	groups := []Group{
		{Name: "a", All: of(60, 200)},
		{Name: "b", All: of(90, 300)},
		{Name: "c", All: of(70, 250)},
		{Name: "few", All: of(20, 49)},
	}
	declared, err := Audit(groups, &Options{Reference: "c"})
	require.NoError(t, err)
	require.Equal(t, []string{"few"}, declared.LeftOut)
	require.Len(t, declared.Pairs, 2)
	require.Equal(t, difference(groups[0].All, groups[2].All, .025, .95, 1), declared.Pairs[0].Parity)
	found, err := Audit(groups, nil)
	require.NoError(t, err)
	require.Equal(t, "a", found.Reference, "of the highest shares the first")
	require.Equal(t, difference(groups[2].All, groups[0].All, .05/3, .95, 1), found.Pairs[1].Parity)
	require.Equal(t, found.Pairs[1].String(), found.Worst.String())

	// Two groups are one comparison: the intervals are those of experiment.
	two, err := Audit(groups[:2], &Options{Reference: "b"})
	require.NoError(t, err)
	score, err := experiment.Proportions(moments(groups[1].All), moments(groups[0].All), experiment.Score, nil)
	require.NoError(t, err)
	require.InDelta(t, score.Absolute.Lo, two.Pairs[0].Parity.Lo, 1e-15)
	require.InDelta(t, score.Absolute.Hi, two.Pairs[0].Parity.Hi, 1e-15)
	ratio, err := experiment.Proportions(moments(groups[1].All), moments(groups[0].All), experiment.Miettinen, nil)
	require.NoError(t, err)
	require.Equal(t, ratio.Relative.Lo+1, two.Pairs[0].Impact.Lo)
	require.Equal(t, ratio.P, two.Pairs[0].P)
	require.Equal(t, ratio.P, two.Pairs[0].Adjusted)
	require.True(t, math.IsNaN(two.Pairs[0].Opportunity.Value), "no outcomes")
	require.Empty(t, two.WorstOpportunity.Group)
}

// Nobody or everybody selected is an answer, not a division by zero.
func TestAuditOfNoneAndAll(t *testing.T) {
	for _, c := range []struct {
		group, reference exact.Count
		value            float64
		within           [2]float64 // the interval holds these
	}{
		{of(0, 100), of(0, 100), math.NaN(), [2]float64{0, math.Inf(1)}},
		{of(0, 100), of(30, 100), 0, [2]float64{0, .05}},
		{of(30, 100), of(0, 100), math.Inf(1), [2]float64{20, math.Inf(1)}},
		{of(100, 100), of(100, 100), 1, [2]float64{.97, 1.03}},
		{of(100, 100), of(50, 100), 2, [2]float64{1.8, 2.3}},
	} {
		r, err := Audit([]Group{{Name: "g", All: c.group}, {Name: "r", All: c.reference}}, &Options{Reference: "r"})
		require.NoError(t, err)
		e := r.Pairs[0].Impact
		if math.IsNaN(c.value) {
			require.True(t, math.IsNaN(e.Value))
		} else {
			require.Equal(t, c.value, e.Value)
		}
		require.LessOrEqual(t, e.Lo, c.within[0], "%+v", e)
		require.GreaterOrEqual(t, e.Hi, c.within[1], "%+v", e)
		require.GreaterOrEqual(t, e.Lo, 0.0)
		require.NotContains(t, r.String(), "%!")
	}
}

func TestAuditRefuses(t *testing.T) {
	good := []Group{{Name: "a", All: of(60, 200)}, {Name: "b", All: of(90, 300)}}
	for name, c := range map[string]struct {
		groups []Group
		opts   *Options
		err    error
	}{
		"one group":      {good[:1], nil, experiment.ErrTooFew},
		"small groups":   {good, &Options{MinGroup: 250}, experiment.ErrTooFew},
		"level":          {good, &Options{Level: 1}, experiment.ErrInvalid},
		"correction":     {good, &Options{Correction: 99}, experiment.ErrInvalid},
		"min":            {good, &Options{MinGroup: 1}, experiment.ErrInvalid},
		"reference":      {good, &Options{Reference: "c"}, experiment.ErrInvalid},
		"twice":          {append(good[:1:1], good...), nil, experiment.ErrInvalid},
		"more than all":  {append(good[:1:1], Group{Name: "c", All: of(101, 100)}), nil, experiment.ErrInvalid},
		"below zero":     {append(good[:1:1], Group{Name: "c", All: of(-1, 100)}), nil, experiment.ErrInvalid},
		"outcomes":       {append(good[:1:1], Group{Name: "c", All: of(10, 100), Positive: of(5, 101)}), nil, experiment.ErrInvalid},
		"outcomes, both": {append(good[:1:1], Group{Name: "c", All: of(10, 100), Positive: of(5, 60), Negative: of(5, 60)}), nil, experiment.ErrInvalid},
	} {
		_, err := Audit(c.groups, c.opts)
		require.ErrorIs(t, err, c.err, name)
	}
}

// Of all selected, the ratio is 1, and its interval is made of Wilson's.
func TestEverybodySelected(t *testing.T) {
	for _, n := range []int64{50, 70, 4000} {
		r, err := Audit([]Group{{Name: "a", All: of(n, n)}, {Name: "b", All: of(60, 60)}}, &Options{Reference: "b"})
		require.NoError(t, err)
		z := 1.959963984540054
		lowest := func(n float64) float64 { return n / (n + z*z) } // Wilson's lower end for n of n
		require.Equal(t, 1.0, r.Pairs[0].Impact.Value)
		require.InDelta(t, lowest(float64(n)), r.Pairs[0].Impact.Lo, 1e-12)
		require.InDelta(t, 1/lowest(60), r.Pairs[0].Impact.Hi, 1e-12)
		require.Equal(t, 1.0, r.Pairs[0].P)
	}
}

// A level that leaves no interval is refused, not answered with a p-value of 1.
func TestLevels(t *testing.T) {
	groups := []Group{
		{Name: "a", All: exact.Count{Successes: 100, Users: 1000}},
		{Name: "b", All: exact.Count{Successes: 900, Users: 1000}},
		{Name: "c", All: exact.Count{Successes: 500, Users: 1000}},
	}
	strata := []Offers{{Group: groups[0].All, Reference: groups[1].All}}
	for _, level := range []float64{1e-10, 1 - 1e-10, 1 - 1e-16, 1} {
		_, err := Audit(groups, &Options{Level: level})
		require.ErrorIs(t, err, experiment.ErrInvalid, "%g", level)
		_, err = ConditionalOffers(strata, &Options{Level: level})
		require.ErrorIs(t, err, experiment.ErrInvalid, "%g", level)
	}
	for _, level := range []float64{1e-9, .5, 1 - 1e-9} {
		r, err := Audit(groups, &Options{Level: level})
		require.NoError(t, err)
		for _, p := range append(r.Pairs, r.Worst) {
			require.Less(t, p.P, 1e-50, "%g", level)
			require.Less(t, p.Impact.Lo, p.Impact.Value)
			require.Less(t, p.Impact.Value, p.Impact.Hi)
			require.InDelta(t, pooled(group(groups, p.Group), group(groups, p.Reference)), p.P, 1e-12*p.P)
		}
		c, err := ConditionalOffers(strata, &Options{Level: level})
		require.NoError(t, err)
		require.Empty(t, c.Warnings)
		require.Less(t, c.P, 1e-50)
	}
}

func group(groups []Group, name string) exact.Count {
	return groups[slices.IndexFunc(groups, func(g Group) bool { return g.Name == name })].All
}
