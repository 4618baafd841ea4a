package attribution

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/zhun-go/zhun/internal/stats"
)

// finish plays the games and carries the uncertainty over.
func (m *logistic) finish(ctx context.Context) (Modelled, error) {
	n := len(m.names)
	credit := make([]share, n)
	// By how much credits rise with the coefficients.
	rise := [2]*mat.Dense{mat.NewDense(max(n, 1), m.size, nil), mat.NewDense(max(n, 1), m.size, nil)}
	own := make([][]float64, len(m.cells))
	var eta, p []float64
	for i := range m.cells {
		if err := ctx.Err(); err != nil {
			return Modelled{}, err
		}
		c := &m.cells[i]
		size := len(c.set)
		if size == 0 {
			continue
		}
		journeys, each := c.conv+c.null, m.each[c.stratum]
		eta, p = slices.Grow(eta[:0], 1<<size)[:1<<size], slices.Grow(p[:0], 1<<size)[:1<<size]
		eta[0] = m.beta[0] + m.offset(c.stratum, m.beta)
		for s := 1; s < 1<<size; s++ {
			last := bits.Len(uint(s)) - 1
			x := eta[s&^(1<<last)] + m.beta[1+c.set[last]]
			for k := range last {
				if s>>k&1 != 0 {
					if at, ok := m.pairs[[2]int{c.set[k], c.set[last]}]; ok {
						x += m.beta[at]
					}
				}
			}
			eta[s] = x
		}
		for s, x := range eta {
			p[s] = expit(x)
			eta[s] = journeys * p[s] * (1 - p[s])
		}
		own[i] = shapley(p, size)
		for k, ch := range c.set {
			credit[ch].conv.AddProduct(journeys, own[i][k])
			credit[ch].value.AddProduct(journeys*each, own[i][k])
		}
		m.rises(c, eta, rise, each)
	}
	var total, nothing tally
	currency := ""
	for _, s := range m.strata {
		total.merge(s.total())
		nothing.merge(s.empty())
		switch {
		case currency == "":
			currency = s.currency
		case s.currency != "" && s.currency != currency:
			return Modelled{}, fmt.Errorf("attribution: FitLogistic: %w: %q and %q", ErrCurrency, currency, s.currency)
		}
	}
	model := "logistic with pairs"
	if m.opts.NoPairs {
		model = "logistic"
	}
	if k := len(m.mean); k > 0 {
		model += fmt.Sprintf(", %d covariates", k)
	}
	out := Modelled{LogLikelihood: m.loglike, Credits: Credits{Model: model, Currency: currency}}
	c := &out.Credits
	c.Total = Credit{Conversions: total.conv.Value(), Value: total.value.Value(), Effect: total.conv.Value()}
	left := total
	for i, name := range m.names {
		k := Credit{Channel: name, Conversions: credit[i].conv.Value(), Value: credit[i].value.Value()}
		k.Effect = k.Conversions
		left.conv.Sub(k.Conversions)
		left.value.Sub(k.Value)
		k.Spend = spendOf(m.strata, name)
		c.Total.Spend += k.Spend
		c.Channels = append(c.Channels, k)
	}
	c.Unattributed = Credit{Conversions: left.conv.Value(), Value: left.value.Value(), Effect: left.conv.Value()}
	if nothing.null.Value() == 0 {
		c.Warnings = append(c.Warnings, fmt.Errorf("%s: %w: no unexposed users, so that what would have happened anyway is extrapolated", model, ErrDesign))
	}
	for _, s := range m.strata {
		if len(s.journeys) > 0 {
			c.Warnings = append(c.Warnings, fmt.Errorf("%s: %w: journeys that end at their conversion bias it for every channel; see FitHazard", model, ErrDesign))
			break
		}
	}
	m.intervals(&out, rise, own)
	return out, nil
}

// spendOf is what a channel cost in all strata: the largest figure of the
// ledger, which stands in each in full, else the sum of its touches.
func spendOf(strata []*Paths, name string) float64 {
	ledger := 0.0
	var touches stats.Sum
	for _, p := range strata {
		if id, ok := p.channels.Lookup(name); ok && int(id) < len(p.cost) {
			ledger = max(ledger, p.cost[id].ledger.Value())
			touches.Merge(p.cost[id].touches)
		}
	}
	if ledger != 0 {
		return ledger
	}
	return touches.Value()
}

// rises adds by how much a cell's credits rise with each coefficient; weight is
// how fast the probability of each set rises with its log odds. A coefficient
// is in the log odds of the sets that contain its channels.
func (m *logistic) rises(c *journeyCell, weight []float64, rise [2]*mat.Dense, each float64) {
	n := len(c.set)
	w := shapleyWeights(n)
	var above [2][]float64
	for i := range above {
		above[i] = make([]float64, len(weight))
		for s, x := range weight {
			size := bits.OnesCount(uint(s))
			k := w[size]
			if i == 0 && size > 0 {
				k += w[size-1]
			} else if i == 0 {
				k = 0
			}
			above[i][len(weight)-1-s] = x * k
		}
		zeta(above[i], n)
		slices.Reverse(above[i])
	}
	add := func(coefficient, set int, x float64) {
		for i, ch := range c.set {
			d := x * (above[0][set|1<<i] - above[1][set])
			for k, scale := range [2]float64{1, each} {
				rise[k].Set(ch, coefficient, rise[k].At(ch, coefficient)+scale*d)
			}
		}
	}
	add(0, 0, 1)
	for k, x := range m.cov[c.stratum] {
		add(m.size-len(m.cov[c.stratum])+k, 0, x)
	}
	for i, a := range c.set {
		add(1+a, 1<<i, 1)
		for k, b := range c.set[i+1:] {
			if at, ok := m.pairs[[2]int{a, b}]; ok {
				add(at, 1<<i|1<<(i+1+k), 1)
			}
		}
	}
}

// intervals adds up the squares of what each journey does to the credits.
func (m *logistic) intervals(out *Modelled, rise [2]*mat.Dense, own [][]float64) {
	z := -stats.NormalQuantile((1 - m.opts.Level) / 2)
	estimate := func(x, variance float64) Estimate {
		sd := math.Sqrt(max(0, variance))
		return Estimate{x, sd, x - z*sd, x + z*sd, m.opts.Level}
	}
	n := len(m.names)
	var inverse mat.SymDense
	_ = m.factor.InverseTo(&inverse) // of a bad condition is what there is
	square := make([]share, n)
	if n > 0 {
		var pull [2]mat.Dense // by how much credits rise with a cell's surprise
		for k := range pull {
			pull[k].Mul(rise[k], &inverse)
		}
		for i := range m.cells {
			c := &m.cells[i]
			p, each := expit(m.eta(c, m.beta)), m.each[c.stratum]
			for ch := range n {
				var a, phi float64
				var b float64
				m.eachOf(c, func(k int, x float64) {
					a += x * pull[0].At(ch, k)
					b += x * pull[1].At(ch, k)
				})
				if at, ok := slices.BinarySearch(c.set, ch); ok {
					phi = own[i][at]
				}
				square[ch].conv.Add(c.conv*sq(phi+a*(1-p)) + c.null*sq(phi-a*p))
				square[ch].value.Add(c.conv*sq(each*phi+b*(1-p)) + c.null*sq(each*phi-b*p))
			}
		}
	}
	for i, k := range out.Credits.Channels {
		out.Intervals = append(out.Intervals, Interval{k.Channel, estimate(k.Conversions, square[i].conv.Value()), estimate(k.Value, square[i].value.Value())})
	}
	// Covariates as they were given: each coefficient by its scale, and the
	// constant for where they are 0.
	for k, label := range m.labels {
		g := mat.NewVecDense(m.size, nil)
		g.SetVec(k, 1)
		first := m.size - len(m.mean)
		if k >= first {
			g.SetVec(k, 1/m.scale[k-first])
		}
		for i := range m.mean {
			if k == 0 {
				g.SetVec(first+i, -m.mean[i]/m.scale[i])
			}
		}
		value := mat.Dot(g, mat.NewVecDense(m.size, m.beta))
		out.Coefficients = append(out.Coefficients, Coefficient{label, estimate(value, mat.Inner(g, &inverse, g))})
	}
}

func sq(x float64) float64 { return x * x }
