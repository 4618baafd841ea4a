package fairness

import (
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
	"github.com/zhun-go/zhun/internal/stats"
)

// Options of an audit. The zero value and nil are the defaults.
type Options struct {
	// Reference is the group that others are compared with. Default: the one
	// with the highest share selected. Which that is depends on chance, and the
	// intervals allow for that; a reference that was chosen before makes them
	// narrower.
	Reference string
	// MinGroup is the fewest users of a group that is looked at, and the fewest
	// with an outcome for the measures that need one; at least 2. Default: 50.
	MinGroup int64
	// Level of the intervals of a measure, of all comparisons together, from 1e-9
	// to 1 − 1e-9. Default: 0.95.
	Level float64
	// Correction of p-values for the number of comparisons. Default: Holm.
	Correction experiment.Correction
}

func (o *Options) resolve(fn string) (Options, error) {
	var r Options
	if o != nil {
		r = *o
	}
	if r.MinGroup == 0 {
		r.MinGroup = 50
	}
	if r.Level == 0 {
		r.Level = .95
	}
	switch {
	case r.MinGroup < 2:
		return r, invalid(fn, "MinGroup", r.MinGroup, "want at least 2, or 0 for 50")
	case !(r.Level >= 1e-9 && r.Level <= 1-1e-9):
		return r, invalid(fn, "Level", r.Level, "want 1e-9 ≤ Level ≤ 1 − 1e-9, or 0 for 0.95")
	case r.Correction > experiment.BY:
		return r, invalid(fn, "Correction", r.Correction, "want one of the constants")
	}
	return r, nil
}

// Pair compares a group with another. Estimates that cannot be made, for lack of
// users with an outcome, are NaN throughout.
type Pair struct {
	Group, Reference string

	Impact        experiment.Estimate // share selected over that of the reference
	Parity        experiment.Estimate // share selected less that of the reference
	Opportunity   experiment.Estimate // the same among the positive
	FalsePositive experiment.Estimate // the same among the negative
	// Odds is the larger of the absolute values of Opportunity and
	// FalsePositive; its interval is at least as wide as its level.
	Odds experiment.Estimate
	// FourFifths reports that Impact is below 4/5.
	FourFifths bool
	// P is the p-value of equal shares selected, by the pooled score test.
	P, Adjusted float64
}

// Report is the result of [Audit]. Immutable; safe for concurrent use.
type Report struct {
	Groups    []Group // that were looked at
	LeftOut   []string
	Reference string
	// Pairs compare each other group with the reference, in the order given.
	Pairs []Pair
	// The worst of all pairs of groups, with the higher share as the reference:
	// by Impact and Parity, by Opportunity, and by Odds. The last two have no
	// group when no pair has enough users with an outcome. They are the worst of
	// many, and their intervals and p-values allow for that.
	Worst, WorstOpportunity, WorstOdds Pair
	Level                              float64
	MinGroup                           int64
}

// MaxAudited is how many groups [Audit] compares at most: all pairs of them are
// half a million comparisons.
const MaxAudited = 1000

// Audit compares the groups' shares of users selected, and of those among users
// with an outcome. At least two groups must have MinGroup users, else the error
// wraps experiment.ErrTooFew, and at most [MaxAudited].
func Audit(groups []Group, opts *Options) (Report, error) {
	const fn = "Audit"
	o, err := opts.resolve(fn)
	if err != nil {
		return Report{}, err
	}
	r := Report{Level: o.Level, MinGroup: o.MinGroup}
	seen := map[string]bool{}
	for i, g := range groups {
		if err := g.check(fn, fmt.Sprintf("groups[%d]", i)); err != nil {
			return Report{}, err
		}
		if seen[g.Name] {
			return Report{}, invalid(fn, fmt.Sprintf("groups[%d].Name", i), g.Name, "want names once each")
		}
		seen[g.Name] = true
		if g.All.Users < o.MinGroup {
			r.LeftOut = append(r.LeftOut, g.Name)
			continue
		}
		r.Groups = append(r.Groups, g)
	}
	if len(r.Groups) < 2 {
		return Report{}, tooFew(fn, fmt.Sprintf("groups of %d users", o.MinGroup), len(r.Groups))
	}
	if len(r.Groups) > MaxAudited {
		return Report{}, invalid(fn, "groups", len(r.Groups), fmt.Sprintf("want at most %d of %d users: join some, or look at fewer attributes", MaxAudited, o.MinGroup))
	}
	all := len(r.Groups) * (len(r.Groups) - 1) / 2
	reference, m := r.highest(), all
	if o.Reference != "" {
		reference, m = -1, len(r.Groups)-1
		for i, g := range r.Groups {
			if g.Name == o.Reference {
				reference = i
			}
		}
		if reference < 0 {
			return Report{}, invalid(fn, "Reference", o.Reference, fmt.Sprintf("want a group of at least %d users", o.MinGroup))
		}
	}
	r.Reference = r.Groups[reference].Name
	for i, g := range r.Groups {
		if i != reference {
			r.Pairs = append(r.Pairs, compare(g, r.Groups[reference], m, o))
		}
	}
	if err := adjust(r.Pairs, o.Correction, m); err != nil {
		return Report{}, err
	}
	if err := r.worst(o, all); err != nil {
		return Report{}, err
	}
	return r, nil
}

// highest returns the place of the first group with the highest share selected.
func (r *Report) highest() int {
	best := 0
	for i, g := range r.Groups {
		if less(r.Groups[best].All, g.All, 1, 1) {
			best = i
		}
	}
	return best
}

// less tells whether a times the share of x is below b times that of y, exactly.
func less(x, y exact.Count, a, b uint64) bool {
	xh, xl := bits.Mul64(a*uint64(x.Successes), uint64(y.Users))
	yh, yl := bits.Mul64(b*uint64(y.Successes), uint64(x.Users))
	return xh < yh || xh == yh && xl < yl
}

// worst finds the worst pairs among all. They are at the ends of the groups'
// shares, so that no more than three are compared in full; of the others the
// p-values are needed, for the correction.
func (r *Report) worst(o Options, m int) error {
	p := make([]float64, 0, m)
	for i, a := range r.Groups {
		for _, b := range r.Groups[i+1:] {
			p = append(p, pooled(a.All, b.All))
		}
	}
	adjusted, err := experiment.Adjust(p, o.Correction)
	if err != nil {
		return err
	}
	// Of two groups, the one with the higher share selected is the reference.
	pair := func(i, j int) Pair {
		i, j = min(i, j), max(i, j)
		at := i*(2*len(r.Groups)-i-1)/2 + j - i - 1
		a, b := r.Groups[i], r.Groups[j]
		if less(b.All, a.All, 1, 1) {
			a, b = b, a
		}
		out := compare(a, b, m, o)
		out.P, out.Adjusted = p[at], adjusted[at]
		return out
	}
	all := func(g Group) exact.Count { return g.All }
	positive := func(g Group) exact.Count { return g.Positive }
	negative := func(g Group) exact.Count { return g.Negative }
	i, j, _ := r.ends(all, func(Group) bool { return true })
	r.Worst = pair(i, j)
	if i, j, ok := r.ends(positive, func(g Group) bool { return g.Positive.Users >= o.MinGroup }); ok {
		r.WorstOpportunity = pair(i, j)
	}
	both := func(g Group) bool { return min(g.Positive.Users, g.Negative.Users) >= o.MinGroup }
	if i, j, ok := r.ends(positive, both); ok {
		r.WorstOdds = pair(i, j)
		i, j, _ = r.ends(negative, both)
		if x := pair(i, j); x.Odds.Value > r.WorstOdds.Odds.Value {
			r.WorstOdds = x
		}
	}
	return nil
}

// ends returns the places of the first groups with the lowest and the highest
// share among those that count, if two do.
func (r *Report) ends(share func(Group) exact.Count, counts func(Group) bool) (lo, hi int, ok bool) {
	first, second := -1, -1
	for i, g := range r.Groups {
		switch {
		case !counts(g):
			continue
		case first < 0:
			first, lo, hi = i, i, i
			continue
		case second < 0:
			second = i
		}
		if less(share(g), share(r.Groups[lo]), 1, 1) {
			lo = i
		}
		if less(share(r.Groups[hi]), share(g), 1, 1) {
			hi = i
		}
	}
	if lo == hi && second >= 0 { // all are equal
		lo, hi = first, second
	}
	return lo, hi, second >= 0
}

// pooled is the p-value of equal shares by the score test with the n/(n − 1) of
// Miettinen and Nurminen.
func pooled(a, b exact.Count) float64 {
	n, m := float64(a.Users), float64(b.Users)
	share := float64(a.Successes+b.Successes) / (n + m)
	v := share * (1 - share) * (1/n + 1/m) * (n + m) / (n + m - 1)
	if !(v > 0) {
		return 1
	}
	return min(1, 2*stats.NormalSF(math.Abs(rate(a)-rate(b))/math.Sqrt(v)))
}

// adjust corrects the p-values of pairs for m comparisons: those that were not
// made stand in as 1, since the pairs were picked among them.
func adjust(pairs []Pair, method experiment.Correction, m int) error {
	p := make([]float64, m)
	for i := range p {
		p[i] = 1
		if i < len(pairs) {
			p[i] = pairs[i].P
		}
	}
	adjusted, err := experiment.Adjust(p, method)
	for i := range pairs {
		if err == nil {
			pairs[i].Adjusted = adjusted[i]
		}
	}
	return err
}

// compare makes one of m comparisons.
func compare(g, reference Group, m int, o Options) Pair {
	alpha := (1 - o.Level) / float64(m)
	p := Pair{Group: g.Name, Reference: reference.Name}
	p.Impact, p.P = ratio(g.All, reference.All, alpha, o.Level)
	p.Parity = difference(g.All, reference.All, alpha, o.Level, 1)
	p.Opportunity = difference(g.Positive, reference.Positive, alpha, o.Level, o.MinGroup)
	p.FalsePositive = difference(g.Negative, reference.Negative, alpha, o.Level, o.MinGroup)
	// With both intervals at half of what may go wrong, both hold at once.
	p.Odds = larger(difference(g.Positive, reference.Positive, alpha/2, o.Level, o.MinGroup),
		difference(g.Negative, reference.Negative, alpha/2, o.Level, o.MinGroup))
	p.FourFifths = less(g.All, reference.All, 5, 4)
	return p
}

// larger returns the larger absolute value of two differences.
func larger(a, b experiment.Estimate) experiment.Estimate {
	a, b = absolute(a), absolute(b)
	out := a
	if b.Value > a.Value {
		out = b
	}
	out.Value = max(a.Value, b.Value) // NaN if either is
	out.Lo, out.Hi = max(a.Lo, b.Lo), max(a.Hi, b.Hi)
	if math.IsNaN(out.Value) {
		out.StdErr = math.NaN()
	}
	return out
}

// absolute returns the absolute value; an interval around 0 then starts there.
func absolute(e experiment.Estimate) experiment.Estimate {
	lo, hi := math.Abs(e.Lo), math.Abs(e.Hi)
	around := e.Lo < 0 && e.Hi > 0
	e.Value, e.Lo, e.Hi = math.Abs(e.Value), min(lo, hi), max(lo, hi)
	if around {
		e.Lo = 0
	}
	return e
}

// String prints the report, one line for each pair.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d groups, against %q\n", len(r.Groups), r.Reference)
	for _, p := range r.Pairs {
		b.WriteString(p.String() + "\n")
	}
	fmt.Fprintf(&b, "worst: %v", r.Worst)
	if len(r.LeftOut) > 0 {
		fmt.Fprintf(&b, "\nleft out, fewer than %d users: %s", r.MinGroup, strings.Join(r.LeftOut, "; "))
	}
	return b.String()
}

// String prints the pair in a line.
func (p Pair) String() string {
	s := fmt.Sprintf("%s v %s: impact %.3f [%.3f, %.3f]", p.Group, p.Reference, p.Impact.Value, p.Impact.Lo, p.Impact.Hi)
	if p.FourFifths {
		s += " below 4/5"
	}
	s += fmt.Sprintf(", parity %+.3f [%+.3f, %+.3f]", p.Parity.Value, p.Parity.Lo, p.Parity.Hi)
	if !math.IsNaN(p.Opportunity.Value) {
		s += fmt.Sprintf(", opportunity %+.3f [%+.3f, %+.3f]", p.Opportunity.Value, p.Opportunity.Lo, p.Opportunity.Hi)
	}
	if !math.IsNaN(p.Odds.Value) {
		s += fmt.Sprintf(", odds %.3f [%.3f, %.3f]", p.Odds.Value, p.Odds.Lo, p.Odds.Hi)
	}
	return s + fmt.Sprintf(", p %.3g", p.Adjusted)
}
