package profile

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/value"
)

func (m *model) trait(t Trait, es []Event) any {
	sum := new(big.Rat)
	n := int64(0)
	var best any
	var bestAt time.Time
	bestRank := int32(0)
	var values []any
	var times []time.Time
	for _, e := range es {
		name := e.Name
		if e.Type != Track {
			name = e.Type.String()
		}
		if !slices.Contains(t.Events, name) {
			continue
		}
		if (t.Window > 0 || t.Kind.timed()) && (e.Time.Unix() > m.now.Unix() || e.Time.Unix() <= m.now.Unix()-int64(cmp.Or(t.Window, m.opts.Retain.Horizon)/time.Second)) {
			continue
		}
		match := true
		for k, want := range t.Where {
			match = match && e.Fields[k] == want
		}
		v, has := e.Fields[t.Field]
		f, isNumber := value.Float(v)
		if !match || t.Field != "" && !has {
			continue
		}
		if t.Kind == Sum || t.Kind == Mean || t.Kind == Min || t.Kind == Max || t.Kind == Score && t.Field != "" {
			if !isNumber {
				continue
			}
		}
		if t.Kind == Distinct {
			if _, ok := v.(string); !ok {
				continue
			}
		}
		n++
		values, times = append(values, v), append(times, e.Time)
		if r := t.trust(e.Fields); best != nil && r > bestRank && len(t.Sources) > 0 {
			continue
		} else if best == nil || r < bestRank {
			best, bestRank = nil, r
		}
		switch t.Kind {
		case Sum, Mean:
			sum.Add(sum, new(big.Rat).SetFloat64(f))
		case Min:
			if best == nil || value.Compare(v, best) < 0 {
				best = v
			}
		case Max:
			if best == nil || value.Compare(v, best) > 0 {
				best = v
			}
		case First:
			if best == nil || e.Time.Equal(bestAt) && value.Compare(v, best) < 0 {
				best, bestAt = v, e.Time
			}
		case Last:
			if best == nil || e.Time.After(bestAt) || value.Compare(v, best) > 0 {
				best, bestAt = v, e.Time
			}
		}
	}
	if t.Kind == Stage && len(es) > 0 || t.Kind.timed() && n > 0 {
		return m.timed(t, times, values)
	}
	if n == 0 {
		return nil
	}
	exact, _ := sum.Float64()
	switch t.Kind {
	case Count:
		return n
	case Sum:
		return exact
	case Mean:
		return exact / float64(n)
	case FirstTime:
		return times[0]
	case LastTime:
		return times[len(times)-1]
	case MeanInterval:
		if n == 1 {
			return nil
		}
		return times[len(times)-1].Sub(times[0]).Seconds() / float64(n-1)
	case MostFrequent, Distinct, DistinctCount:
		return countValues(t.Kind, values)
	}
	return best
}

// timed computes the kinds that depend on the clock from the matching events.
func (m *model) timed(t Trait, times []time.Time, values []any) any {
	today := m.now.Truncate(day)
	days := map[time.Time]bool{}
	sessions, span := int64(0), time.Duration(0)
	score := new(big.Rat)
	for i, at := range times {
		days[at.Truncate(day)] = true
		if i == 0 || at.Sub(times[i-1]) > t.Gap {
			sessions++
		} else {
			span += at.Sub(times[i-1])
		}
		x := 1.0
		if t.Field != "" {
			x, _ = value.Float(values[i])
		}
		age := today.Sub(at.Truncate(day))
		score.Add(score, new(big.Rat).SetFloat64(x*math.Exp2(-float64(age)/float64(t.HalfLife))))
	}
	back := func(from time.Time) (n int64) {
		for ; days[from]; from = from.Add(-day) {
			n++
		}
		return n
	}
	switch t.Kind {
	case Recency:
		return int64(m.now.Sub(times[len(times)-1]) / day)
	case Streak:
		if n := max(back(today), back(today.Add(-day))); n > 0 {
			return n
		}
		return nil
	case LongestStreak:
		longest := int64(0)
		for d := range days {
			longest = max(longest, back(d))
		}
		return longest
	case Sessions:
		return sessions
	case SessionLength:
		return span.Seconds() / float64(sessions)
	case Score:
		if f, _ := score.Float64(); f != 0 {
			return f
		}
		return nil
	}
	if len(times) == 0 {
		return StageProspect
	}
	times = slices.Clone(times)
	for i, at := range times {
		times[i] = at.Truncate(time.Second)
	}
	slices.Reverse(times)
	silence := m.now.Sub(times[0])
	switch g := t.Stages; {
	case silence >= g.LapsedAfter:
		return StageLapsed
	case silence >= g.AtRiskAfter:
		return StageAtRisk
	case len(times) > 1 && times[0].Sub(times[1]) >= g.LapsedAfter:
		return StageWonBack
	case len(times) >= g.LoyalPurchases:
		return StageLoyal
	case len(times) > 1:
		return StageActive
	}
	return StageNew
}

// countValues sorts the values and looks at each run of equal ones.
func countValues(kind TraitKind, values []any) any {
	equal := func(a, b any) bool {
		x, ok := value.Float(a)
		y, ok2 := value.Float(b)
		return a == b || ok && ok2 && x == y
	}
	slices.SortFunc(values, value.Compare)
	var texts []string
	var best any
	runs, most := int64(0), 0
	for i := 0; i < len(values); {
		j := i
		for j < len(values) && equal(values[i], values[j]) {
			j++
		}
		if runs++; j-i > most {
			best, most = values[i], j-i
		}
		if s, ok := values[i].(string); ok {
			texts = append(texts, s)
		}
		i = j
	}
	switch kind {
	case Distinct:
		return texts
	case DistinctCount:
		return runs
	}
	return best
}
