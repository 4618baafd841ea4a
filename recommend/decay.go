package recommend

import (
	"math"
	"slices"
	"time"
)

// Decay returns a copy of a history in which the weight of each interaction is
// multiplied by 2^(−age/halfLife), age being the time from it until now: what
// was long ago counts for less, in fits and in queries alike. What comes after
// now keeps its weight. What takes back decays with what it takes back: with
// the latest additions before it of the same item by the same user, so that a
// refund of an old order leaves nothing owed; what it finds nothing to take
// from decays by its own age. Weights that end under 1e-12 are left out.
//
// The history's values must be graded, by [Cap] or [Log1p]: with [Binary]
// decay would not show, and Decay is [ErrOption], as for a half-life that is
// not positive; a bad time is [ErrTime]. The copy has the options of h, and
// grows with what is added to it; decay h again to see a later now.
func Decay(h *History, halfLife time.Duration, now time.Time) (*History, error) {
	switch {
	case !h.made():
		return nil, badOption("Decay", nil, "want a history of NewHistory")
	case halfLife <= 0:
		return nil, badOption("Decay", halfLife, "the half-life must be positive")
	case !validTime(now):
		return nil, &Error{Where: "Decay", Value: now, Reason: "must be within the years 1 to 9999", Err: ErrTime}
	case h.set.value == Binary():
		return nil, badOption("Decay", h.set.value, "every value is 1; give HistoryOptions.Value a Cap or Log1p")
	}
	s := h.snapshot()
	out := newHistory(s.set)
	out.clock = s.clock
	for i, user := range s.users {
		rows := s.rows[s.start[i]:s.start[i+1]]
		settle(rows)
		kept := make([]row, 0, len(rows))
		for _, r := range rows {
			if r.weight *= math.Exp2(-r.age(now) / halfLife.Seconds()); math.Abs(r.weight) >= minWeight {
				r.item = out.items.ID(s.names[r.item])
				kept = append(kept, r)
			}
		}
		if len(kept) > 0 {
			out.put(user, kept)
			out.rows += len(kept)
		}
	}
	return out, nil
}

// age is the time until now in seconds, 0 for what comes later.
func (r row) age(now time.Time) float64 {
	return max(0, float64(now.Unix()-r.sec())+float64(now.Nanosecond()-int(r.nsec))*1e-9)
}

// settle takes what each negative row takes back from the latest positive rows
// of the item before it, in place; rows are one user's, by time.
func settle(rows []row) {
	if !slices.ContainsFunc(rows, func(r row) bool { return r.weight < 0 }) {
		return
	}
	open := map[uint32][]int{} // by item: positive rows with something left
	for k := range rows {
		r := &rows[k]
		list := open[r.item]
		if r.weight > 0 {
			open[r.item] = append(list, k)
			continue
		}
		for r.weight < 0 && len(list) > 0 {
			last := &rows[list[len(list)-1]]
			taken := min(last.weight, -r.weight)
			last.weight -= taken
			r.weight += taken
			if last.weight == 0 {
				list = list[:len(list)-1]
			}
		}
		open[r.item] = list
	}
}
