package attribution

import (
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// Ordered is the Shapley value of the default game told apart by position.
type Ordered struct {
	Channels []string // by name
	// Conversions and Value hold, for each channel, what it gets for standing
	// first, second and so on; all lists are as long as the longest path that
	// converted.
	Conversions, Value [][]float64
}

// OrderedShapley splits the Shapley value of the default game by position: a
// channel's share of a path is divided evenly among the places where it
// stands there. The sum over positions is the Shapley value. It is the
// ordered Shapley value of Zhao, Mahboobi and Bagheri, "Shapley Value Methods
// for Attribution Modeling in Online Advertising" (2018).
func OrderedShapley(p *Paths) (Ordered, error) {
	if err := p.check("ordered Shapley"); err != nil {
		return Ordered{}, err
	}
	longest := 0
	order := p.canonical()
	for _, id := range order {
		if t := &p.rows[id]; t.conv.Value() != 0 || t.value.Value() != 0 {
			longest = max(longest, len(p.seqs.seq(id)))
		}
	}
	sums := make([][]share, p.channels.Len())
	for c := range sums {
		sums[c] = make([]share, longest)
	}
	count := make([]float64, p.channels.Len())
	for _, id := range order {
		t := &p.rows[id]
		if t.conv.Value() == 0 && t.value.Value() == 0 {
			continue
		}
		path := p.seqs.seq(id)
		for _, c := range path {
			count[c]++
		}
		distinct := float64(len(p.sets.seq(p.setOf[id])))
		for i, c := range path {
			sums[c][i].conv.Merge(t.conv.Div(distinct * count[c]))
			sums[c][i].value.Merge(t.value.Div(distinct * count[c]))
		}
		for _, c := range path {
			count[c] = 0
		}
	}
	var o Ordered
	for _, c := range p.players() {
		conv, value := make([]float64, longest), make([]float64, longest)
		for i, s := range sums[c] {
			conv[i], value[i] = s.conv.Value(), s.value.Value()
		}
		o.Channels = append(o.Channels, p.channels.Name(c))
		o.Conversions, o.Value = append(o.Conversions, conv), append(o.Value, value)
	}
	return o, nil
}

// LeaveOneOut credits each touch with how much the conversion rate falls when
// it is taken out of its path: max(0, p(path) − p(path without the touch)),
// where p is the rate of exactly that sequence and 0 for one never seen. A
// single touch gets the rate of its path. The figures are divided by their
// sum over the path; when all are 0, the last touch gets everything. It is
// what the fractribution package calls Shapley.
func LeaveOneOut(p *Paths) (Credits, error) {
	const model = "leave one out"
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	rate := func(path []uint32) float64 {
		id, ok := p.seqs.lookup(path)
		if !ok {
			return 0
		}
		t := &p.rows[id]
		n := t.conv.Value() + t.null.Value()
		if n == 0 {
			return 0
		}
		return t.conv.Value() / n
	}
	shares := make([]share, p.channels.Len())
	var without []uint32
	var loss []float64
	for _, id := range p.canonical() {
		t := &p.rows[id]
		path := p.seqs.seq(id)
		if len(path) == 0 || t.conv.Value() == 0 && t.value.Value() == 0 {
			continue
		}
		whole, sum := rate(path), 0.0
		loss = loss[:0]
		for i := range path {
			w := whole
			if len(path) > 1 {
				without = append(append(without[:0], path[:i]...), path[i+1:]...)
				w = max(0, whole-rate(without))
			}
			loss = append(loss, w)
			sum += w
		}
		if sum == 0 {
			loss[len(loss)-1], sum = 1, 1
		}
		for i, c := range path {
			shares[c].conv.AddProduct(t.conv.Value(), loss[i]/sum)
			shares[c].value.AddProduct(t.value.Value(), loss[i]/sum)
		}
	}
	return p.credits(model, shares, descriptive(model)), nil
}

// ShaoLi is the probabilistic model of Shao and Li, "Data-driven Multi-touch
// Attribution Models" (2011): each converting path credits its distinct
// channel a, with the others o,
//
//	p(a) + 1/(2·|o|) · Σ_{b∈o} (p(ab) − p(a) − p(b)),
//
// where p are the rates of conversion of the journeys that contain a channel,
// or both. These figures do not add up to conversions: they are in
// [Credit].Effect, and credits are scaled.
func ShaoLi(p *Paths) (Credits, error) {
	const model = "Shao–Li"
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	type pair struct{ a, b uint32 }
	type mass struct{ conv, all stats.Sum }
	masses := make(map[pair]*mass)
	type wanted struct {
		set  []uint32
		conv float64
		val  float64
	}
	var converting []wanted
	_ = p.eachSet(func(id uint32, set []uint32) error {
		t := &p.bySet[id]
		own := slices.Clone(set)
		for i, a := range own {
			for _, b := range own[i:] {
				k := pair{min(a, b), max(a, b)}
				m := masses[k]
				if m == nil {
					m = new(mass)
					masses[k] = m
				}
				m.conv.Merge(t.conv)
				m.all.Merge(t.conv)
				m.all.Merge(t.null)
			}
		}
		if t.conv.Value() != 0 || t.value.Value() != 0 {
			converting = append(converting, wanted{own, t.conv.Value(), t.value.Value()})
		}
		return nil
	})
	rate := func(a, b uint32) float64 {
		m := masses[pair{min(a, b), max(a, b)}]
		if m.all.Value() == 0 {
			return 0
		}
		return m.conv.Value() / m.all.Value()
	}
	effect := make([]share, p.channels.Len())
	for _, w := range converting {
		for _, a := range w.set {
			own, sum := rate(a, a), 0.0
			for _, b := range w.set {
				if b != a {
					sum += rate(a, b) - own - rate(b, b)
				}
			}
			e := own
			if len(w.set) > 1 {
				e += sum / float64(2*(len(w.set)-1))
			}
			effect[a].conv.AddProduct(w.conv, e)
			effect[a].value.AddProduct(w.val, e)
		}
	}
	return p.scaled(model, effect, false), nil
}
