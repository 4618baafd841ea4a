package attribution

import (
	"fmt"

	"github.com/zhun-go/zhun/internal/stats"
)

// rate returns the conversions and the value per journey of a set, and whether
// there is any.
func (p *Paths) rate(set uint32) (cell, bool) {
	t := &p.bySet[set]
	n := t.conv.Value() + t.null.Value()
	if n == 0 {
		return cell{}, false
	}
	return cell{t.conv.Value() / n, t.value.Value() / n}, true
}

// baseline is the rate of those whom no channel met.
func (p *Paths) baseline() cell {
	if id, ok := p.sets.lookup(nil); ok {
		base, _ := p.rate(id)
		return base
	}
	return cell{}
}

// perPath solves PerPath.
func (p *Paths) perPath(model string) (Credits, error) {
	game := newRestricted(&p.sets, p.channels.Len(), p.rate)
	slopes, err := p.newSlopes(false)
	if err != nil {
		return Credits{}, fmt.Errorf("attribution: %s: %w", model, err)
	}
	shares := make([]share, p.channels.Len())
	var stray stats.Sum // value of rows without any journey
	err = p.eachSet(func(id uint32, set []uint32) error {
		t := &p.bySet[id]
		journeys := t.conv.Value() + t.null.Value()
		if len(set) == 0 {
			return nil
		}
		if journeys == 0 {
			stray.Merge(t.value)
			return nil
		}
		var weight cell
		if t.conv.Value() != 0 {
			weight.conv = journeys
		}
		if t.value.Value() != 0 {
			weight.value = journeys
		}
		if weight == (cell{}) {
			return nil
		}
		conv, value, err := game.solve(set, cell{})
		if err != nil {
			return fmt.Errorf("attribution: %s: %w", model, err)
		}
		for i, c := range set {
			shares[c].conv.AddProduct(weight.conv, conv[i])
			shares[c].value.AddProduct(weight.value, value[i])
		}
		slopes.add(id, set, game.found, weight, conv, value)
		return nil
	})
	if err != nil {
		return Credits{}, err
	}
	c := p.credits(model, shares, descriptive(model))
	c.Unattributed.Value += stray.Value()
	return p.answer(c, func(l *lens) error { return p.journeyLens(l, slopes) })
}

// cohort solves Cohort.
func (p *Paths) cohort(model string) (Credits, error) {
	game := newRestricted(&p.sets, p.channels.Len(), p.rate)
	slopes, err := p.newSlopes(true)
	if err != nil {
		return Credits{}, fmt.Errorf("attribution: %s: %w", model, err)
	}
	base := p.baseline()
	shares := make([]share, p.channels.Len())
	var journeys, stray stats.Sum // stray: value of rows without any journey
	err = p.eachSet(func(id uint32, set []uint32) error {
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
		conv, value, err := game.solve(set, base)
		if err != nil {
			return fmt.Errorf("attribution: %s: %w", model, err)
		}
		for i, c := range set {
			shares[c].conv.AddProduct(n, conv[i])
			shares[c].value.AddProduct(n, value[i])
		}
		slopes.add(id, set, game.found, cell{n, n}, conv, value)
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
	c.Unattributed.Conversions = journeys.Value() * base.conv
	c.Unattributed.Value = journeys.Value()*base.value + stray.Value()
	c.Unattributed.Effect = c.Unattributed.Conversions
	return p.answer(c, func(l *lens) error { return p.journeyLens(l, slopes) })
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
	full, err := p.under(nil).cohort(model)
	if err != nil {
		return Credits{}, err
	}
	rate := func(set []uint32) cell {
		if id, ok := p.sets.lookup(set); ok {
			if r, seen := p.rate(id); seen {
				return r
			}
		}
		return p.baseline()
	}
	shares := make([]share, p.channels.Len())
	var without []uint32
	_ = p.eachSet(func(id uint32, _ []uint32) error {
		t := &p.bySet[id]
		n := t.conv.Value() + t.null.Value()
		if n == 0 {
			return nil
		}
		own := p.sets.seq(id)
		with := rate(own)
		for i, c := range own {
			without = append(append(without[:0], own[:i]...), own[i+1:]...)
			less := rate(without)
			shares[c].conv.AddProduct(n, with.conv-less.conv)
			shares[c].value.AddProduct(n, with.value-less.value)
		}
		return nil
	})
	c := p.credits(model, shares, full.Warnings...)
	c.Unattributed = full.Unattributed
	return c, nil
}
