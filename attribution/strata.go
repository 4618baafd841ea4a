package attribution

import (
	"fmt"
	"slices"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// Stratified plays a model within each of several strata and adds the credits
// up. A stratum is the paths of people who were about as likely to be reached,
// and to buy: of one fifth of a propensity score, say, made by
// [PathOptions].Users from what was known of them before. Within it, exposure
// is as good as random, so that [Cohort] and [PersonTime] compare like with
// like; across all strata they would give a channel that chases likely buyers
// what these would have bought anyway (Rosenbaum and Rubin, "Reducing Bias in
// Observational Studies Using Subclassification on the Propensity Score",
// 1984). What nobody knew of them stays in the credits: see [Calibrate].
//
// Strata must be apart: a person, or a row, in one only. The spend ledger,
// which knows no users, stands in the paths of each stratum in full, and the
// largest figure of a channel counts once; costs of touches add up. A warning
// that several strata have is told once. No strata are an [*InputError],
// strata in two currencies [ErrCurrency], and an error of the model ends it.
func Stratified(strata []*Paths, model func(*Paths) (Credits, error)) (Credits, error) {
	if len(strata) == 0 {
		return Credits{}, inputError("Stratified", 0, "strata", len(strata), "none")
	}
	type sums struct {
		conv, value, effect, touches stats.Sum
		ledger                       float64
	}
	add := func(s *sums, k Credit) {
		s.conv.Add(k.Conversions)
		s.value.Add(k.Value)
		s.effect.Add(k.Effect)
	}
	credit := func(name string, s *sums) Credit {
		k := Credit{Channel: name, Conversions: s.conv.Value(), Value: s.value.Value(), Effect: s.effect.Value(), Spend: s.ledger}
		if k.Spend == 0 {
			k.Spend = s.touches.Value()
		}
		return k
	}
	of := make(map[string]*sums)
	var nobody, total sums
	var out Credits
	told := make(map[string]bool)
	for i, p := range strata {
		err := playable("Stratified", p, model)
		var c Credits
		if err == nil {
			c, err = model(p)
		}
		if err != nil {
			return Credits{}, fmt.Errorf("attribution: Stratified: stratum %d: %w", i, err)
		}
		switch {
		case out.Currency == "":
			out.Currency = c.Currency
		case c.Currency != "" && c.Currency != out.Currency:
			return Credits{}, fmt.Errorf("attribution: Stratified: %w: %q and %q", ErrCurrency, out.Currency, c.Currency)
		}
		out.Model = c.Model + fmt.Sprintf(", %d strata", len(strata))
		for _, w := range c.Warnings {
			if w != nil && !told[w.Error()] {
				told[w.Error()] = true
				out.Warnings = append(out.Warnings, w)
			}
		}
		for _, k := range c.Channels {
			s := of[k.Channel]
			if s == nil {
				s = new(sums)
				of[k.Channel] = s
			}
			add(s, k)
			if id, ok := p.channels.Lookup(k.Channel); ok && int(id) < len(p.cost) {
				s.ledger = max(s.ledger, p.cost[id].ledger.Value())
				s.touches.Merge(p.cost[id].touches)
			}
		}
		add(&nobody, c.Unattributed)
		add(&total, c.Total)
	}
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.SortFunc(names, ids.Compare)
	var spend stats.Sum
	for _, name := range names {
		k := credit(name, of[name])
		spend.Add(k.Spend)
		out.Channels = append(out.Channels, k)
	}
	out.Unattributed, out.Total = credit("", &nobody), credit("", &total)
	out.Total.Spend = spend.Value()
	return out, nil
}
