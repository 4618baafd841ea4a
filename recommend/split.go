package recommend

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/zhun-go/zhun/internal/ids"
)

// Split is a history divided for evaluation: what a model may be fitted on,
// and users to judge it by.
type Split struct {
	Train *History
	Test  Fold
	// Validation is for choosing parameters. A time split has none: split its
	// Train once more, at an earlier time.
	Validation Fold
}

// Fold is a group of users with what was known of them and what they did.
type Fold struct {
	Known *History // their history; the Train itself in a time split
	Held  *History // what is to be found
	Users int      // users in Held
	// Cold is the number of users left out because too little was known of
	// them.
	Cold int
}

// SplitStrongOptions tunes [SplitStrong]. Nil means the defaults, as do zero
// fields.
type SplitStrongOptions struct {
	// MinItems is the number of items of the training vocabulary that a
	// tested user must have. Default 5.
	MinItems int
}

// SplitStrong splits by users, for strong generalization: the models see
// nothing of the users they are judged by. With h(s) the 64-bit FNV-1a hash,
// users with h(decimal user) mod 10 = 0 are for testing, 1 for validation, the
// rest for training. Of the tested users the items outside the training
// vocabulary are dropped, and the users with fewer than MinItems left; the
// items are sorted by (h("user:item"), item), and the last max(1, ⌊n/5⌋) are
// held out, the others known.
//
// (Marlin, "Collaborative filtering: a machine learning perspective", 2004,
// for the protocol; the hashes make it reproducible anywhere.)
//
// It fails with [ErrOption], and with [ErrEmpty] without training users.
func SplitStrong(h *History, opts *SplitStrongOptions) (*Split, error) {
	minItems := 0
	if opts != nil {
		minItems = opts.MinItems
	}
	minItems, err := positive("SplitStrongOptions.MinItems", minItems, 5)
	if err != nil {
		return nil, err
	}
	if !h.made() {
		return nil, badOption("SplitStrong", nil, "want a history of NewHistory")
	}
	return h.snapshot().splitStrong("", 10, minItems)
}

// splitStrong splits by the hash of salt and user, one in mod of the users to
// each fold.
func (s *snapshot) splitStrong(salt string, mod uint64, minItems int) (*Split, error) {
	out := &Split{Train: newHistory(s.set)}
	var tested, validated []int
	for i, user := range s.users {
		switch hash(salt+strconv.Itoa(int(user))) % mod {
		case 0:
			tested = append(tested, i)
		case 1:
			validated = append(validated, i)
		default:
			s.copyRows(out.Train, i, func(row) bool { return true })
		}
	}
	vocabulary := map[string]bool{}
	for _, name := range out.Train.snapshot().matrix(1).names {
		vocabulary[name] = true
	}
	if len(vocabulary) == 0 {
		return nil, &Error{Where: "SplitStrong", Reason: "no training users", Err: ErrEmpty}
	}
	out.Test = s.holdOut(tested, vocabulary, minItems)
	out.Validation = s.holdOut(validated, vocabulary, minItems)
	return out, nil
}

func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

func (s *snapshot) holdOut(users []int, vocabulary map[string]bool, minItems int) Fold {
	f := Fold{Known: newHistory(s.set), Held: newHistory(s.set)}
	type hashed struct {
		hash uint64
		item uint32
	}
	for _, i := range users {
		var items []hashed
		for _, p := range userRow(nil, s.rows[s.start[i]:s.start[i+1]], s.set.value) {
			if name := s.names[p.item]; vocabulary[name] {
				items = append(items, hashed{hash(fmt.Sprintf("%d:%s", s.users[i], name)), p.item})
			}
		}
		if len(items) < minItems {
			f.Cold++
			continue
		}
		slices.SortFunc(items, func(a, b hashed) int {
			if c := cmp.Compare(a.hash, b.hash); c != 0 {
				return c
			}
			return ids.Compare(s.names[a.item], s.names[b.item])
		})
		known := map[uint32]bool{}
		for k, x := range items {
			known[x.item] = k < len(items)-max(1, len(items)/5)
		}
		s.copyRows(f.Known, i, func(r row) bool { return known[r.item] })
		s.copyRows(f.Held, i, func(r row) bool { k, ok := known[r.item]; return ok && !k })
		f.Users++
	}
	return f
}

// copyRows gives some of a user's rows to another history.
func (s *snapshot) copyRows(to *History, i int, keep func(row) bool) {
	for _, r := range s.rows[s.start[i]:s.start[i+1]] {
		if keep(r) {
			r.item = to.items.ID(s.names[r.item])
			list := to.users.Own(s.users[i])
			*list = append(*list, r)
			to.rows++
		}
	}
}

// SplitTimeOptions tunes [SplitTime]. Nil means the defaults, as do zero
// fields.
type SplitTimeOptions struct {
	// Until ends the time in which users are watched, exclusive. Zero: never.
	Until time.Time
	// Events are the kinds of event that count as what is to be found, such
	// as orders and their refunds; what was known keeps all kinds. Nil: all.
	Events []string
	// Repeat also holds out items that the user had before. Evaluate then
	// with EvalOptions.Repeat.
	Repeat bool
	// ColdUsers keeps users of whom nothing was known before.
	ColdUsers bool
}

// SplitTime splits at an instant, as a model meets the world: Train holds
// everything before t, and Held what each user took up from t on, items that
// the user already had left out. Users of whom nothing was known are counted
// as cold and left out. Held may hold items unknown at t, which no model can
// find; [Evaluate] reports their share.
//
// It fails with [ErrOption], with [ErrTime] for an instant that cannot be, and
// with [ErrEmpty] when there is nothing before it.
func SplitTime(h *History, t time.Time, opts *SplitTimeOptions) (*Split, error) {
	var o SplitTimeOptions
	if opts != nil {
		o = *opts
	}
	if !h.made() {
		return nil, badOption("SplitTime", nil, "want a history of NewHistory")
	}
	if !validTime(t) {
		return nil, &Error{Where: "SplitTime", Value: t, Err: ErrTime}
	}
	if !o.Until.IsZero() && !o.Until.After(t) {
		return nil, badOption("SplitTimeOptions.Until", o.Until, fmt.Sprintf("must be after %v", t))
	}
	s := h.snapshot()
	kinds := make([]bool, len(s.set.kinds)+1)
	for _, e := range o.Events {
		kind, ok := s.set.kindOf[e]
		if !ok && e != "" {
			return nil, badOption("SplitTimeOptions.Events", e, "the history does not read this event")
		}
		kinds[kind] = true
	}

	out := &Split{Train: newHistory(s.set)}
	out.Test = Fold{Known: out.Train, Held: newHistory(s.set)}
	for i := range s.users {
		rows := s.rows[s.start[i]:s.start[i+1]]
		cut := 0
		for cut < len(rows) && rows[cut].before(t) {
			cut++
		}
		s.copyRows(out.Train, i, func(r row) bool { return r.before(t) })
		had := userRow(nil, rows[:cut], s.set.value)
		watched := slices.DeleteFunc(slices.Clone(rows[cut:]), func(r row) bool {
			return !o.Until.IsZero() && !r.before(o.Until) || o.Events != nil && !kinds[r.kind()]
		})
		found := map[uint32]bool{}
		for _, p := range userRow(nil, watched, s.set.value) {
			if _, before := find(had, p.item); !before || o.Repeat {
				found[p.item] = true
			}
		}
		switch {
		case len(found) == 0:
		case len(had) == 0 && !o.ColdUsers:
			out.Test.Cold++
		default:
			out.Test.Users++
			for _, r := range watched {
				if found[r.item] {
					r.item = out.Test.Held.items.ID(s.names[r.item])
					list := out.Test.Held.users.Own(s.users[i])
					*list = append(*list, r)
					out.Test.Held.rows++
				}
			}
		}
	}
	if out.Train.rows == 0 {
		return nil, &Error{Where: "SplitTime", Value: t, Reason: "nothing before", Err: ErrEmpty}
	}
	return out, nil
}
