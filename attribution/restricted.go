package attribution

import (
	"fmt"
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// restricted solves many games of one worth, each among the channels of one
// set only. Their cost is 2^|T| for each set T, whatever the number of
// channels.
type restricted struct {
	sets  *sequences
	worth func(set uint32) (float64, bool) // of a set by its number; false if it was never seen
	bits  []uint64                         // sets as bits, when there are at most 64 channels
	table []float64
	key   []uint32
}

func newRestricted(sets *sequences, channels int, worth func(set uint32) (float64, bool)) *restricted {
	r := &restricted{sets: sets, worth: worth}
	if channels <= 64 {
		r.bits = make([]uint64, sets.len())
		for id := range r.bits {
			for _, c := range sets.seq(uint32(id)) {
				r.bits[id] |= 1 << c
			}
		}
	}
	return r
}

// solve returns the Shapley value of the worth restricted to the subsets of
// one set; subsets never seen are worth unseen, and the empty set is worth
// empty.
func (r *restricted) solve(set []uint32, empty, unseen float64) ([]float64, error) {
	n := len(set)
	if n > MaxExact {
		return nil, fmt.Errorf("%w in one journey: %d, at most %d", ErrChannels, n, MaxExact)
	}
	if cap(r.table) < 1<<n {
		r.table = make([]float64, 1<<n)
	}
	table := r.table[:1<<n]
	if r.bits != nil && r.sets.len() < 1<<n {
		r.scan(set, table, unseen)
	} else {
		r.list(set, table, unseen)
	}
	table[0] = empty
	return shapley(table, n), nil
}

// scan asks of each set whether it lies within.
func (r *restricted) scan(set []uint32, table []float64, unseen float64) {
	for m := range table {
		table[m] = unseen
	}
	var within uint64
	place := [64]int{}
	for i, c := range set {
		within |= 1 << c
		place[c] = i
	}
	for id, b := range r.bits {
		if b&^within != 0 {
			continue
		}
		if w, seen := r.worth(uint32(id)); seen {
			m := 0
			for _, c := range r.sets.seq(uint32(id)) {
				m |= 1 << place[c]
			}
			table[m] = w
		}
	}
}

// list looks every subset up.
func (r *restricted) list(set []uint32, table []float64, unseen float64) {
	// Sets are interned by ascending number.
	order := make([]int, len(set))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(set[a]) - int(set[b]) })
	for m := range table {
		r.key = r.key[:0]
		for _, i := range order {
			if m>>i&1 != 0 {
				r.key = append(r.key, set[i])
			}
		}
		table[m] = unseen
		if id, ok := r.sets.lookup(r.key); ok {
			if w, seen := r.worth(id); seen {
				table[m] = w
			}
		}
	}
}

// eachSet goes through the sets in an order that does not depend on how they
// came: by size, then by their channels' names.
func (p *Paths) eachSet(f func(id uint32, set []uint32) error) error {
	_, rank := sortedNames(p.channels.Names(), slices.Repeat([]bool{true}, p.channels.Len()))
	order := make([]uint32, p.sets.len())
	key := make([][]uint32, p.sets.len())
	for id := range order {
		order[id] = uint32(id)
		for _, c := range p.sets.seq(uint32(id)) {
			key[id] = append(key[id], uint32(rank[c]))
		}
		slices.Sort(key[id])
	}
	slices.SortFunc(order, func(a, b uint32) int {
		if c := len(key[a]) - len(key[b]); c != 0 {
			return c
		}
		return slices.Compare(key[a], key[b])
	})
	inOrder := make([]int, p.channels.Len())
	for c, r := range rank {
		inOrder[r] = c
	}
	var set []uint32
	for _, id := range order {
		set = set[:0]
		for _, r := range key[id] {
			set = append(set, uint32(inOrder[r]))
		}
		if err := f(id, set); err != nil {
			return err
		}
	}
	return nil
}

// rates returns the conversions and the value per journey of a set.
func (p *Paths) rates() (conv, value func(set uint32) (float64, bool)) {
	of := func(amount func(t *tally) float64) func(set uint32) (float64, bool) {
		return func(set uint32) (float64, bool) {
			t := &p.bySet[set]
			n := t.conv.Value() + t.null.Value()
			if n == 0 {
				return 0, false
			}
			return amount(t) / n, true
		}
	}
	return of(func(t *tally) float64 { return t.conv.Value() }), of(func(t *tally) float64 { return t.value.Value() })
}

// perPath solves PerPath.
func (p *Paths) perPath(model string) (Credits, error) {
	conv, value := p.rates()
	byConv, byValue := newRestricted(&p.sets, p.channels.Len(), conv), newRestricted(&p.sets, p.channels.Len(), value)
	shares := make([]share, p.channels.Len())
	var stray stats.Sum // value of rows without any journey
	err := p.eachSet(func(id uint32, set []uint32) error {
		t := &p.bySet[id]
		journeys := t.conv.Value() + t.null.Value()
		if len(set) == 0 {
			return nil
		}
		if journeys == 0 {
			stray.Merge(t.value)
			return nil
		}
		for _, part := range []struct {
			has  bool
			game *restricted
			to   func(s *share) *stats.Sum
		}{
			{t.conv.Value() != 0, byConv, func(s *share) *stats.Sum { return &s.conv }},
			{t.value.Value() != 0, byValue, func(s *share) *stats.Sum { return &s.value }},
		} {
			if !part.has {
				continue
			}
			phi, err := part.game.solve(set, 0, 0)
			if err != nil {
				return fmt.Errorf("attribution: %s: %w", model, err)
			}
			for i, c := range set {
				part.to(&shares[c]).AddProduct(journeys, phi[i])
			}
		}
		return nil
	})
	if err != nil {
		return Credits{}, err
	}
	c := p.credits(model, shares, descriptive(model))
	c.Unattributed.Value += stray.Value()
	return c, nil
}

// cohort solves Cohort.
func (p *Paths) cohort(model string) (Credits, error) {
	conv, value := p.rates()
	byConv, byValue := newRestricted(&p.sets, p.channels.Len(), conv), newRestricted(&p.sets, p.channels.Len(), value)
	var baseConv, baseValue float64
	if id, ok := p.sets.lookup(nil); ok {
		baseConv, _ = conv(id)
		baseValue, _ = value(id)
	}
	shares := make([]share, p.channels.Len())
	var journeys, stray stats.Sum // stray: value of rows without any journey
	err := p.eachSet(func(id uint32, set []uint32) error {
		t := &p.bySet[id]
		n := t.conv.Value() + t.null.Value()
		if n == 0 {
			stray.Merge(t.value)
			return nil
		}
		journeys.Add(n)
		if len(set) == 0 {
			return nil
		}
		phi, err := byConv.solve(set, baseConv, baseConv)
		if err == nil {
			for i, c := range set {
				shares[c].conv.AddProduct(n, phi[i])
			}
			phi, err = byValue.solve(set, baseValue, baseValue)
		}
		if err != nil {
			return fmt.Errorf("attribution: %s: %w", model, err)
		}
		for i, c := range set {
			shares[c].value.AddProduct(n, phi[i])
		}
		return nil
	})
	if err != nil {
		return Credits{}, err
	}
	var warnings []error
	if e := p.empty(); e.null.Value() == 0 {
		warnings = append(warnings, fmt.Errorf("%s: %w: no unexposed users, so that nothing is known of what would have happened anyway", model, ErrDesign))
	}
	if len(p.journeys) > 0 {
		warnings = append(warnings, fmt.Errorf("%s: %w: journeys that end at their conversion bias it for every channel; use the person-time game", model, ErrDesign))
	}
	c := p.credits(model, shares, warnings...)
	c.Unattributed.Conversions = journeys.Value() * baseConv
	c.Unattributed.Value = journeys.Value()*baseValue + stray.Value()
	c.Unattributed.Effect = c.Unattributed.Conversions
	return c, nil
}

// LastIn returns what each channel adds when all others are there already, in
// the Cohort game: the conversions and value that would be lost if it alone
// were switched off. The figures do not add up to anything; Unattributed and
// Total are those of the game.
func LastIn(p *Paths) (Credits, error) {
	const model = "last in, cohort"
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	full, err := p.cohort(model)
	if err != nil {
		return Credits{}, err
	}
	conv, value := p.rates()
	rate := func(of func(uint32) (float64, bool), set []uint32) float64 {
		if id, ok := p.sets.lookup(set); ok {
			if r, seen := of(id); seen {
				return r
			}
		}
		if id, ok := p.sets.lookup(nil); ok {
			r, _ := of(id)
			return r
		}
		return 0
	}
	shares := make([]share, p.channels.Len())
	var without []uint32
	_ = p.eachSet(func(id uint32, set []uint32) error {
		t := &p.bySet[id]
		n := t.conv.Value() + t.null.Value()
		if n == 0 {
			return nil
		}
		own := p.sets.seq(id)
		for i, c := range own {
			without = append(append(without[:0], own[:i]...), own[i+1:]...)
			shares[c].conv.AddProduct(n, rate(conv, own)-rate(conv, without))
			shares[c].value.AddProduct(n, rate(value, own)-rate(value, without))
		}
		return nil
	})
	c := p.credits(model, shares, full.Warnings...)
	c.Unattributed = full.Unattributed
	return c, nil
}
