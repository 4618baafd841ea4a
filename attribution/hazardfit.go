package attribution

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/zhun-go/zhun/internal/stats"
)

// hazardModel has a coefficient for each group's baseline and each channel:
// log λ summed over conversions, minus λ summed over time.
type hazardModel struct {
	opts     HazardOptions
	data     *timeline
	paths    *Paths
	channels []uint32 // by coefficient, from len(groups)+1 on
	at       []int    // by channel, its coefficient
	halfLife []time.Duration
	kernel   []float64 // by act
	exposure []float64 // by coefficient: its λ per unit, summed over time
	touches  []float64 // by coefficient: how many touches acted
	whole    []float64 // by coefficient: what they would have summed to in their whole lookback
	theta    []float64
	dead     []bool // coefficients without any time
}

func newHazardModel(d *timeline, p *Paths, o HazardOptions) *hazardModel {
	m := &hazardModel{opts: o, data: d, paths: p, at: make([]int, p.channels.Len()), kernel: make([]float64, len(d.acts))}
	used := make([]bool, p.channels.Len())
	for _, s := range d.spans {
		used[s.channel] = true
	}
	_, rank := sortedNames(p.channels.Names(), slices.Repeat([]bool{true}, p.channels.Len()))
	for c, u := range used {
		if u {
			m.channels = append(m.channels, uint32(c))
		}
	}
	slices.SortFunc(m.channels, func(a, b uint32) int { return rank[a] - rank[b] })
	n := len(d.time) + len(m.channels)
	m.exposure, m.theta, m.dead = make([]float64, n), make([]float64, n), make([]bool, n)
	m.touches, m.whole = make([]float64, n), make([]float64, n)
	copy(m.exposure, d.time)
	m.halfLife = make([]time.Duration, len(m.channels))
	for i, c := range m.channels {
		m.at[c] = len(d.time) + i
		m.halfLife[i] = o.Grid[len(o.Grid)/2]
		if h, ok := o.HalfLives[p.channels.Name(c)]; ok {
			m.halfLife[i] = h
		}
	}
	for i := range m.channels {
		m.set(i, m.halfLife[i])
	}
	return m
}

// set gives a channel a half-life.
func (m *hazardModel) set(i int, h time.Duration) {
	m.halfLife[i] = h
	c, at := m.channels[i], m.at[m.channels[i]]
	rate := math.Ln2 / h.Seconds()
	integral := func(from, to float64) float64 {
		if h == Forever {
			return to - from
		}
		return math.Exp(-rate*from) * -math.Expm1(-rate*(to-from)) / rate
	}
	m.exposure[at], m.touches[at], m.whole[at] = 0, 0, 0
	for _, s := range m.data.spans {
		if s.channel == c {
			m.exposure[at] += integral(s.from, s.to)
			m.whole[at] += integral(0, s.whole)
			m.touches[at]++
		}
	}
	for k, a := range m.data.acts {
		if a.channel == c {
			m.kernel[k] = 1
			if h != Forever {
				m.kernel[k] = math.Exp(-rate * a.age)
			}
		}
	}
}

// each calls f for every conversion with the coefficients that act at it.
func (m *hazardModel) each(f func(e *event, at []int, x []float64)) {
	var at []int
	var x []float64
	first := 0
	for i := range m.data.conversions {
		e := &m.data.conversions[i]
		at, x = append(at[:0], e.group), append(x[:0], 1)
		for k := first; k < e.acts; k++ {
			at, x = append(at, m.at[m.data.acts[k].channel]), append(x, m.kernel[k])
		}
		first = e.acts
		f(e, at, x)
	}
}

func rateOf(theta []float64, at []int, x []float64) float64 {
	sum := 0.0
	for i, k := range at {
		sum += theta[k] * x[i]
	}
	return sum
}

func (m *hazardModel) logLike(theta []float64) float64 {
	sum := 0.0
	m.each(func(_ *event, at []int, x []float64) { sum += math.Log(rateOf(theta, at, x)) })
	for k, t := range theta {
		sum -= t * m.exposure[k]
	}
	return sum
}

// climb finds the coefficients, from where they stand.
func (m *hazardModel) climb(ctx context.Context) (float64, error) {
	n := len(m.theta)
	like := m.logLike(m.theta)
	total := float64(len(m.data.conversions))
	for range 500 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		gradient := make([]float64, n)
		curve := mat.NewSymDense(n, nil)
		raw := curve.RawSymmetric().Data
		m.each(func(_ *event, at []int, x []float64) {
			rate := rateOf(m.theta, at, x)
			for i, a := range at {
				gradient[a] += x[i] / rate
				for k, b := range at {
					if b >= a {
						raw[a*n+b] += x[i] * x[k] / (rate * rate)
					}
				}
			}
		})
		// What the method of expectation and maximization would say.
		em := make([]float64, n)
		far := 0.0
		for k := range gradient {
			if m.dead[k] {
				continue
			}
			em[k] = m.theta[k] * gradient[k] / m.exposure[k]
			gradient[k] -= m.exposure[k]
			far = max(far, math.Abs(m.theta[k]*gradient[k]), gradient[k]/m.exposure[k]*1e-3)
		}
		if far <= 1e-9*total {
			break
		}
		next := m.newton(gradient, curve)
		moved := false
		for size := 1.0; next != nil && size > 1e-3 && !moved; size /= 4 {
			try := make([]float64, n)
			for k := range try {
				try[k] = max(0, m.theta[k]+size*next[k])
			}
			if l := m.logLike(try); l > like {
				m.theta, like, moved = try, l, true
			}
		}
		if !moved {
			// It never falls, and keeps all coefficients above 0.
			l := m.logLike(em)
			if !(l > like+1e-13*math.Abs(like)) {
				break
			}
			m.theta, like = em, l
		}
	}
	return like, nil
}

// newton returns the step of the coefficients that are free to move, nil if
// there is none.
func (m *hazardModel) newton(gradient []float64, curve *mat.SymDense) []float64 {
	var free []int
	for k, g := range gradient {
		if !m.dead[k] && (m.theta[k] > 0 || g > 0) {
			free = append(free, k)
		}
	}
	if len(free) == 0 {
		return nil
	}
	h, g := mat.NewSymDense(len(free), nil), mat.NewVecDense(len(free), nil)
	for i, a := range free {
		g.SetVec(i, gradient[a]*m.unit(a))
		for k, b := range free[:i+1] {
			h.SetSym(i, k, curve.At(a, b)*m.unit(a)*m.unit(b))
		}
		h.SetSym(i, i, h.At(i, i)*(1+1e-10)+1e-12)
	}
	var factor mat.Cholesky
	var step mat.VecDense
	if !factor.Factorize(h) || factor.SolveVecTo(&step, g) != nil {
		return nil
	}
	full := make([]float64, len(gradient))
	for i, a := range free {
		full[a] = step.AtVec(i) * m.unit(a)
	}
	return full
}

// unit is the size of a coefficient that would bring all conversions.
func (m *hazardModel) unit(k int) float64 {
	return float64(len(m.data.conversions)) / m.exposure[k]
}

func (m *hazardModel) fit(ctx context.Context) (HazardFit, error) {
	const model = "additive hazard"
	if len(m.data.conversions) == 0 {
		return HazardFit{}, fmt.Errorf("attribution: FitHazard: %w: no conversions", ErrDesign)
	}
	var warnings []error
	for k := range m.theta {
		if m.exposure[k] > 0 {
			m.theta[k] = m.unit(k) / float64(len(m.theta))
			continue
		}
		m.dead[k] = true
		if k < len(m.data.time) {
			for _, e := range m.data.conversions {
				if e.group == k {
					return HazardFit{}, fmt.Errorf("attribution: FitHazard: %w: conversions in group %d, in which nobody was observed for any time", ErrDesign, k)
				}
			}
			continue
		}
		warnings = append(warnings, fmt.Errorf("%s: %w: %q was never followed by any time, and gets nothing", model, ErrDesign, m.paths.channels.Name(m.channels[k-len(m.data.time)])))
	}
	like, err := m.climb(ctx)
	if err != nil {
		return HazardFit{}, err
	}
	for range 2 {
		for i, c := range m.channels {
			if _, given := m.opts.HalfLives[m.paths.channels.Name(c)]; given || m.dead[m.at[c]] {
				continue
			}
			best, top := m.halfLife[i], slices.Clone(m.theta)
			for _, h := range m.opts.Grid {
				if h == best {
					continue
				}
				// Its coefficient starts with the conversions that it had.
				had := m.theta[m.at[c]] * m.exposure[m.at[c]]
				m.set(i, h)
				m.theta[m.at[c]] = max(had, 1e-3) / m.exposure[m.at[c]]
				l, err := m.climb(ctx)
				if err != nil {
					return HazardFit{}, err
				}
				if l > like {
					like, best, top = l, h, slices.Clone(m.theta)
				}
			}
			m.set(i, best)
			m.theta = top
		}
	}
	return m.finish(like, warnings)
}

func (m *hazardModel) finish(like float64, warnings []error) (HazardFit, error) {
	n, groups := len(m.theta), len(m.data.time)
	shares := make([]share, m.paths.channels.Len())
	var base share
	// By how much the credits rise with the coefficients, and the curvature.
	rise := [2]*mat.Dense{mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)}
	curve := mat.NewSymDense(n, nil)
	m.each(func(e *event, at []int, x []float64) {
		rate := rateOf(m.theta, at, x)
		for i, a := range at {
			part := m.theta[a] * x[i] / rate
			to := &base
			if a >= groups {
				to = &shares[m.channels[a-groups]]
			}
			to.conv.Add(part)
			to.value.AddProduct(part, e.value)
			for k, b := range at {
				d := -m.theta[a] * x[i] * x[k] / (rate * rate)
				if i == k {
					d += x[i] / rate
				}
				rise[0].Set(a, b, rise[0].At(a, b)+d)
				rise[1].Set(a, b, rise[1].At(a, b)+d*e.value)
				if b >= a {
					curve.SetSym(a, b, curve.At(a, b)+x[i]*x[k]/(rate*rate))
				}
			}
		}
	})
	// Coefficients at 0 are held there.
	var free []int
	for k, t := range m.theta {
		if t > 0 && !m.dead[k] {
			free = append(free, k)
		}
	}
	h := mat.NewSymDense(len(free), nil)
	for i, a := range free {
		for k, b := range free[:i+1] {
			h.SetSym(i, k, curve.At(a, b)*m.unit(a)*m.unit(b))
		}
		h.SetSym(i, i, h.At(i, i)*(1+1e-12)+1e-12)
	}
	var factor mat.Cholesky
	var small mat.SymDense
	inverse := mat.NewSymDense(n, nil)
	if factor.Factorize(h) && factor.InverseTo(&small) == nil {
		for i, a := range free {
			for k, b := range free[:i+1] {
				inverse.SetSym(a, b, small.At(i, k)*m.unit(a)*m.unit(b))
			}
		}
	} else {
		warnings = append(warnings, fmt.Errorf("additive hazard: %w: the conversions do not tell the coefficients apart, and the intervals hold them fixed", ErrDesign))
	}
	var pull [2]mat.Dense
	for k := range pull {
		pull[k].Mul(rise[k], inverse)
	}
	square := make([]share, n)
	own := make([]cell, n)
	m.each(func(e *event, at []int, x []float64) {
		rate := rateOf(m.theta, at, x)
		clear(own)
		for i, a := range at {
			part := m.theta[a] * x[i] / rate
			own[a].conv += part
			own[a].value += part * e.value
			for c := range own {
				own[c].conv += pull[0].At(c, a) * x[i] / rate
				own[c].value += pull[1].At(c, a) * x[i] / rate
			}
		}
		for c, k := range own {
			square[c].conv.Add(k.conv * k.conv)
			square[c].value.Add(k.value * k.value)
		}
	})
	z := -stats.NormalQuantile((1 - m.opts.Level) / 2)
	estimate := func(x, variance float64) Estimate {
		sd := math.Sqrt(max(0, variance))
		return Estimate{x, sd, x - z*sd, x + z*sd, m.opts.Level}
	}
	const model = "additive hazard"
	out := HazardFit{HalfLives: make(map[string]time.Duration)}
	out.LogLikelihood = like
	out.Credits = m.paths.credits(model, shares, warnings...)
	out.Credits.Unattributed = Credit{Conversions: base.conv.Value(), Value: base.value.Value(), Effect: base.conv.Value()}
	for _, k := range out.Credits.Channels {
		i := Interval{k.Channel, estimate(k.Conversions, 0), estimate(k.Value, 0)}
		if id, ok := m.paths.channels.Lookup(k.Channel); ok && m.at[id] >= groups {
			s := square[m.at[id]]
			i.Conversions, i.Value = estimate(k.Conversions, s.conv.Value()), estimate(k.Value, s.value.Value())
		}
		out.Intervals = append(out.Intervals, i)
	}
	for g := range groups {
		name := "(baseline)"
		if groups > 1 {
			name = fmt.Sprintf("(baseline %d)", g)
		}
		const day = 86400
		out.Coefficients = append(out.Coefficients, Coefficient{name, estimate(m.theta[g]*day, inverse.At(g, g)*day*day)})
	}
	for i, c := range m.channels {
		name, at := m.paths.channels.Name(c), m.at[c]
		each := over(m.whole[at], m.touches[at])
		out.HalfLives[name] = m.halfLife[i]
		out.Coefficients = append(out.Coefficients, Coefficient{name, estimate(m.theta[at]*each, inverse.At(at, at)*each*each)})
	}
	return out, nil
}
