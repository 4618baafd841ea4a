package attribution

import "fmt"

// PositionOptions are the weights of [Position]. They are divided by their
// sum; three zeros mean the default 40/20/40.
//
//	U          40/20/40
//	J          20/20/60
//	inverse J  60/20/20
type PositionOptions struct {
	First, Middle, Last float64
	// Renormalize leaves the middle weight out for paths of two touches, which
	// then get First ÷ (First+Last) and Last ÷ (First+Last). By default each of
	// the two takes half of the middle weight. Tools differ: Google Analytics
	// and DP6 halve, the eeghor package renormalizes.
	Renormalize bool
}

// Position gives the first and the last touch a fixed share each, and the
// touches between them the rest in equal parts. A single touch gets all. Nil
// means the U shape, 40/20/40.
func Position(p *Paths, opts *PositionOptions) (Credits, error) {
	var o PositionOptions
	if opts != nil {
		o = *opts
	}
	if o.First == 0 && o.Middle == 0 && o.Last == 0 {
		o.First, o.Middle, o.Last = 40, 20, 40
	}
	for _, w := range []struct {
		name  string
		value float64
	}{{"First", o.First}, {"Middle", o.Middle}, {"Last", o.Last}} {
		if !amount(w.value) {
			return Credits{}, inputError("Position", 0, w.name, w.value, "not a number within 0 and 1e100")
		}
	}
	if o.Renormalize && o.First+o.Last == 0 {
		return Credits{}, inputError("Position", 0, "First+Last", 0, "nothing to renormalize")
	}
	sum := o.First + o.Middle + o.Last
	name := fmt.Sprintf("position %g/%g/%g", 100*o.First/sum, 100*o.Middle/sum, 100*o.Last/sum)
	f, m, l := o.First/sum, o.Middle/sum, o.Last/sum
	return p.weigh(name, func(length int) []run {
		switch {
		case length == 1:
			return []run{{1, 1}}
		case length == 2 && o.Renormalize:
			return []run{{1, f / (f + l)}, {1, l / (f + l)}}
		case length == 2:
			return []run{{1, f + m/2}, {1, l + m/2}}
		}
		return []run{{1, f}, {length - 2, m / float64(length-2)}, {1, l}}
	})
}

// PositionDecay gives the i-th touch of L the share i ÷ (1+2+…+L).
func PositionDecay(p *Paths) (Credits, error) {
	return p.weigh("position decay", func(length int) []run {
		rs := make([]run, length)
		all := float64(length) * float64(length+1) / 2
		for i := range rs {
			rs[i] = run{1, float64(i+1) / all}
		}
		return rs
	})
}

// GeometricDecay gives each touch rate times the share of the next one, with
// 0 < rate ≤ 1.
func GeometricDecay(p *Paths, rate float64) (Credits, error) {
	if !(rate > 0 && rate <= 1) {
		return Credits{}, inputError("GeometricDecay", 0, "rate", rate, "not within (0, 1]")
	}
	return p.weigh(fmt.Sprintf("geometric decay %g", rate), func(length int) []run {
		weights := make([]float64, length)
		w := 1.0
		for i := length - 1; i >= 0; i-- {
			weights[i] = w
			w *= rate
		}
		return normalized(weights)
	})
}

// Custom gives each touch the share that weight says for its position, from
// 0, in a path of a length, divided by the sum over the path. Weights that
// are negative or not finite, or all 0, are an [*InputError].
func Custom(p *Paths, name string, weight func(position, length int) float64) (Credits, error) {
	if err := p.check(name); err != nil {
		return Credits{}, err
	}
	if weight == nil {
		return Credits{}, inputError("Custom", 0, "weight", nil, "none")
	}
	rules := make(map[int][]run)
	for _, b := range p.seqs.byLength() {
		length := p.seqs.blocks[b].length
		if length == 0 {
			continue
		}
		weights, sum := make([]float64, length), 0.0
		for i := range weights {
			weights[i] = weight(i, length)
			if !amount(weights[i]) {
				return Credits{}, inputError("Custom", 0, fmt.Sprintf("weight(%d, %d)", i, length), weights[i], "not a number within 0 and 1e100")
			}
			sum += weights[i]
		}
		if sum == 0 {
			return Credits{}, inputError("Custom", 0, fmt.Sprintf("sum of weights of length %d", length), sum, "nothing to share out by")
		}
		rules[length] = normalized(weights)
	}
	return p.weigh(name, func(length int) []run { return rules[length] })
}

// normalized divides weights by their sum and joins equal neighbors.
func normalized(weights []float64) []run {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	var rs []run
	for i, w := range weights {
		if i > 0 && w == weights[i-1] {
			rs[len(rs)-1].length++
		} else {
			rs = append(rs, run{1, w / sum})
		}
	}
	return rs
}
