package recommend

import (
	"slices"

	"github.com/zhun-go/zhun/internal/ids"
)

// SplitLastOptions tunes [SplitLast]. Nil means the defaults, as do zero
// fields.
type SplitLastOptions struct {
	// Items is how many items of each user are held out. Default 1.
	Items int
	// MinItems is the number of items that must remain known; users with
	// fewer stay in Train whole and are counted as cold. Default 1.
	MinItems int
}

// SplitLast holds out the last items that each user took up (leave one out),
// by the time of the first row on the item, ties by id; Train is everything
// else, and every user is judged by a model that has seen the user. Since one
// user's last is before another's first, models see the future: a time split
// is more honest, this one uses every user.
//
// It fails with [ErrOption], and with [ErrEmpty] when no user has enough items.
func SplitLast(h *History, opts *SplitLastOptions) (*Split, error) {
	var o SplitLastOptions
	if opts != nil {
		o = *opts
	}
	var err error
	if o.Items, err = positive("SplitLastOptions.Items", o.Items, 1); err != nil {
		return nil, err
	}
	if o.MinItems, err = positive("SplitLastOptions.MinItems", o.MinItems, 1); err != nil {
		return nil, err
	}
	if !h.made() {
		return nil, badOption("SplitLast", nil, "want a history of NewHistory")
	}
	s := h.snapshot()
	out := &Split{Train: newHistory(s.set)}
	out.Test = Fold{Known: out.Train, Held: newHistory(s.set)}
	for i := range s.users {
		rows := s.rows[s.start[i]:s.start[i+1]]
		items := userRow(nil, rows, s.set.value)
		held := map[uint32]bool{}
		if len(items)-o.MinItems >= o.Items {
			first := map[uint32]row{}
			for _, r := range rows {
				if _, ok := first[r.item]; !ok {
					first[r.item] = r
				}
			}
			slices.SortFunc(items, func(a, b pair) int {
				if c := compareTimes(first[a.item], first[b.item]); c != 0 {
					return c
				}
				return ids.Compare(s.names[a.item], s.names[b.item])
			})
			for _, p := range items[len(items)-o.Items:] {
				held[p.item] = true
			}
			out.Test.Users++
		} else if len(items) > 0 {
			out.Test.Cold++
		}
		s.copyRows(out.Train, i, func(r row) bool { return !held[r.item] })
		s.copyRows(out.Test.Held, i, func(r row) bool { return held[r.item] })
	}
	if out.Test.Users == 0 {
		return nil, &Error{Where: "SplitLast", Reason: "no user has enough items", Err: ErrEmpty}
	}
	return out, nil
}
