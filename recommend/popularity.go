package recommend

import "context"

// Popularity recommends to everybody what most users interacted with, except
// what they have: the baseline that a model has to beat. Immutable; safe for
// concurrent use.
type Popularity struct{ cat *catalogue }

var _ Recommender = (*Popularity)(nil)

// FitPopularity counts the users of each item with a positive value. It fails
// with [ErrEmpty] when there is none, and with the context's error.
func FitPopularity(ctx context.Context, h *History) (*Popularity, error) {
	m, err := fittable("FitPopularity", h, 1)
	if err != nil {
		return nil, err
	}
	return &Popularity{m.catalogue(1)}, ctx.Err()
}

// String returns "popularity".
func (p *Popularity) String() string { return "popularity" }

// Len returns the number of items.
func (p *Popularity) Len() int {
	if p.cat == nil {
		return 0
	}
	return len(p.cat.names)
}

// Users returns the number of users of an item, 0 for an unknown one.
func (p *Popularity) Users(item string) int { return p.cat.usersOf(item) }

// Items returns the set of those of the named items that are known.
func (p *Popularity) Items(names ...string) *ItemSet { return p.cat.set(names) }

func (p *Popularity) catalogue() *catalogue { return p.cat }

// AppendRecommend appends the most popular admissible items to dst; the score
// is the number of users. Fill has no meaning: every known item has a user.
// Errors are those of [Model.Recommend].
func (p *Popularity) AppendRecommend(dst []Scored, q Query) ([]Scored, error) {
	q, err := q.checked(p.cat)
	if err != nil {
		return dst, err
	}
	var history basket
	if !q.KeepHistory {
		history.fill(&q, p.cat)
	}
	for _, i := range p.cat.popular {
		if q.N == 0 {
			break
		}
		if _, seen := find(history.items, i); seen || !q.admits(i) {
			continue
		}
		dst = append(dst, Scored{p.cat.names[i], float64(p.cat.counts[i])})
		q.N--
	}
	return dst, nil
}

// find looks an item up in a row sorted by item.
func find(row []pair, item uint32) (int, bool) {
	lo, hi := 0, len(row)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if row[mid].item < item {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(row) && row[lo].item == item
}
