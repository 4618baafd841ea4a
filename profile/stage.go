package profile

import (
	"fmt"
	"slices"
	"time"
)

// The stages of a person's lifecycle, values of a trait of kind [Stage].
const (
	StageProspect = "prospect" // never bought
	StageNew      = "new"      // bought once, not long ago
	StageActive   = "active"   // bought again, not long ago
	StageLoyal    = "loyal"    // bought often, the last time not long ago
	StageAtRisk   = "at risk"  // has not bought for long
	StageLapsed   = "lapsed"   // has not bought for very long
	StageWonBack  = "won back" // bought again, not long ago, after having lapsed
)

// Stages say when a person is in which stage of a trait of kind [Stage], by
// its matching events ("purchases") within the trait's window, which should
// exceed LapsedAfter. From the last purchase on, AtRiskAfter of silence make
// "at risk" and LapsedAfter "lapsed". Before, a purchase after a silence of
// LapsedAfter makes "won back", until the next purchase; otherwise
// LoyalPurchases make "loyal", two "active" and one "new".
type Stages struct {
	// AtRiskAfter and LapsedAfter are durations since the last purchase, in
	// whole seconds. Zero means 90 and 180 days until [Store.LearnStages]
	// learns them from the population.
	AtRiskAfter, LapsedAfter time.Duration
	// Learn is how often the store learns them by itself, as [Store.LearnStages]
	// does: whenever its clock passes a multiple of Learn since 1970, from what
	// it holds then, if that is enough. In whole seconds, at least an hour.
	// Zero, the default, leaves it to the host.
	Learn time.Duration
	// LoyalPurchases is from how many purchases on a person is loyal;
	// default 5, at least 2.
	LoyalPurchases int
}

func (g Stages) withDefaults() (Stages, error) {
	if g.AtRiskAfter == 0 {
		g.AtRiskAfter = 90 * day
	}
	if g.LapsedAfter == 0 {
		g.LapsedAfter = max(180*day, 2*g.AtRiskAfter)
	}
	if g.LoyalPurchases == 0 {
		g.LoyalPurchases = 5
	}
	switch {
	case g.AtRiskAfter < time.Second:
		return g, fmt.Errorf("AtRiskAfter %v, must be at least 1s", g.AtRiskAfter)
	case g.LapsedAfter <= g.AtRiskAfter:
		return g, fmt.Errorf("LapsedAfter %v, must exceed AtRiskAfter %v", g.LapsedAfter, g.AtRiskAfter)
	case g.Learn != 0 && g.Learn < time.Hour:
		return g, fmt.Errorf("every %v to Learn, must be at least 1h, or 0 for never", g.Learn)
	case g.LoyalPurchases < 2:
		return g, fmt.Errorf("LoyalPurchases %d, must be at least 2", g.LoyalPurchases)
	}
	return g, nil
}

// stage returns the stage of somebody with these purchases, by time, and the
// second at which it is another one if nothing happens.
func (g *Stages) stage(in []packed, now int64) (stage string, until int64) {
	n := len(in)
	if n == 0 {
		return StageProspect, 0
	}
	last := in[n-1].sec()
	risk, lapse := last+int64(g.AtRiskAfter/time.Second), last+int64(g.LapsedAfter/time.Second)
	switch {
	case now >= lapse:
		return StageLapsed, 0
	case now >= risk:
		return StageAtRisk, lapse
	case n > 1 && last-in[n-2].sec() >= int64(g.LapsedAfter/time.Second):
		return StageWonBack, risk
	case n >= g.LoyalPurchases:
		return StageLoyal, risk
	case n > 1:
		return StageActive, risk
	}
	return StageNew, risk
}

// learnAll learns the thresholds of the traits whose time has come.
func (s *Store) learnAll(from, to int64, each func(Change)) {
	for _, i := range s.stageTraits {
		t := &s.opts.Traits[i]
		if every := int64(t.Stages.Learn / time.Second); every > 0 && floorDiv(from, every) < floorDiv(to, every) {
			// Too few purchases leave the thresholds as they are.
			_, _ = s.learnStagesLocked(t.Name, each)
		}
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// minGaps is from how many intervals on thresholds are learned.
const minGaps = 20

// LearnStages sets the thresholds of a trait of kind [Stage] that its
// declaration left zero, from the intervals between the purchases of all
// persons: AtRiskAfter becomes their 0.8 quantile, LapsedAfter their 0.95
// quantile, by nearest rank in whole seconds, but at least a day, and
// LapsedAfter at least twice AtRiskAfter. Everybody is then put into the stage
// where they belong; each, unless nil, is called with the change of every
// person whose stage changed, by number. It returns the thresholds in force,
// which are the host's to declare at the next start.
//
// Errors: [ErrLearn] when no trait of kind Stage has the name or there are
// fewer than 20 intervals, which changes nothing; [ErrClosed].
func (s *Store) LearnStages(trait string, each func(Change)) (Stages, error) {
	var changes []Change
	v := learnVerb{trait: trait, each: func(c Change) {
		if each != nil {
			changes = append(changes, c)
		}
	}}
	if err := s.run(&v); err != nil {
		return Stages{}, err
	}
	for _, c := range changes {
		each(c)
	}
	return v.stages, v.err
}

func (s *Store) learnStagesLocked(trait string, each func(Change)) (Stages, error) {
	i, ok := s.traitNames[trait]
	if !ok || s.opts.Traits[i].Kind != Stage {
		return Stages{}, fmt.Errorf("%w: no trait of kind Stage is named %q", ErrLearn, trait)
	}
	t := &s.opts.Traits[i]
	people := s.persons()
	var gaps []int64
	for _, p := range people {
		if w := p.window(i); w != nil {
			for k := 1; k < int(w.inside); k++ {
				gaps = append(gaps, w.times[k].sec()-w.times[k-1].sec())
			}
		}
	}
	if len(gaps) < minGaps {
		return Stages{}, fmt.Errorf("%w: %d intervals between the purchases of trait %q, %d are needed", ErrLearn, len(gaps), trait, minGaps)
	}
	slices.Sort(gaps)
	quantile := func(percent int) time.Duration {
		rank := (len(gaps)*percent + 99) / 100
		return max(day, time.Duration(gaps[rank-1])*time.Second)
	}
	if t.Stages.AtRiskAfter == 0 {
		t.stages.AtRiskAfter = quantile(80)
		if l := t.Stages.LapsedAfter; l > 0 {
			t.stages.AtRiskAfter = min(t.stages.AtRiskAfter, l-time.Second)
		}
	}
	if t.Stages.LapsedAfter == 0 {
		t.stages.LapsedAfter = max(quantile(95), 2*t.stages.AtRiskAfter)
	}
	for _, p := range people {
		w := p.window(i)
		if w == nil {
			continue
		}
		w.due = 0
		if s.slide(p, w) {
			x := stamped{i, w.stamp.after(instant{sec: s.clock.sec}), w.value}
			s.updateTrait(p, x)
			s.passed(p, map[string]any{trait: x.value}, each)
		}
	}
	return t.stages, nil
}
