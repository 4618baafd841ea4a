package recommend

import (
	"math"
	"slices"
)

// blockBits is the binary logarithm of the number of scores in a block, the
// unit in which a request remembers what it has touched.
const blockBits = 4

// scratch is the working memory of one request. What a request touches is
// remembered by blocks when it is little of the catalogue; else every score is
// looked through and cleared, which costs less than remembering.
type scratch struct {
	scores  []float64 // all zero between requests
	dirty   []uint8   // 1 for each touched block of scores
	blocks  []uint32  // the touched ones, the first used places; all when all is set
	used    int
	all     bool
	history basket
	top     top
}

func (m *Model) scratch() *scratch {
	n := m.Len()
	// The size changes when other bytes are decoded into the model.
	if s, ok := m.pool.Get().(*scratch); ok && len(s.scores) == n {
		return s
	}
	blocks := n>>blockBits + 1
	// One place more than there are blocks: score writes before it knows.
	return &scratch{scores: make([]float64, n), dirty: make([]uint8, blocks), blocks: make([]uint32, blocks+1)}
}

// touch marks the block of an item.
func (s *scratch) touch(i uint32) {
	b := i >> blockBits
	s.blocks[s.used] = b
	s.used += int(1 - s.dirty[b])
	s.dirty[b] = 1
}

// touched yields the runs of scores that may not be zero, with the item of the
// first.
func (s *scratch) touched(yield func(scores []float64, first uint32) bool) {
	if s.all {
		yield(s.scores, 0)
		return
	}
	for _, b := range s.blocks[:s.used] {
		lo := int(b) << blockBits
		if !yield(s.scores[lo:min(lo+1<<blockBits, len(s.scores))], uint32(lo)) {
			return
		}
	}
}

// clear returns the scratch to all zeros.
func (s *scratch) clear() {
	for scores := range s.touched {
		clear(scores)
	}
	for _, b := range s.blocks[:s.used] {
		s.dirty[b] = 0
	}
	s.used, s.all = 0, false
}

// Recommend answers a query. Items are ranked by score, ties by smaller id;
// after those with a positive score the order is that of Query.Fill. It fails
// with [ErrOption], [ErrUser], [ErrWeight] or [ErrItemSet].
func (m *Model) Recommend(q Query) (Result, error) {
	var r Result
	items, err := m.answer(nil, q, &r)
	if err != nil {
		return Result{}, err
	}
	r.Items = items
	for _, x := range items {
		if x.Score <= 0 {
			r.Filled++
		}
	}
	return r, nil
}

// AppendRecommend appends the answer to a query to dst, best first, like
// [Model.Recommend]. It allocates nothing when dst has room.
func (m *Model) AppendRecommend(dst []Scored, q Query) ([]Scored, error) {
	return m.answer(dst, q, nil)
}

func (m *Model) answer(dst []Scored, q Query, r *Result) ([]Scored, error) {
	q, err := q.checked(m.cat)
	if err != nil {
		return dst, err
	}
	s := m.scratch()
	defer m.pool.Put(s)
	defer s.clear()
	s.history.fill(&q, m.cat)
	if r != nil {
		r.Known, r.Unknown = len(s.history.items), s.history.unknown
	}
	m.score(s)
	if !q.KeepHistory || q.Own > 0 {
		for _, p := range s.history.items {
			if !s.all {
				s.touch(p.item)
			}
			if q.KeepHistory {
				s.scores[p.item] += p.value * q.Own
			} else {
				s.scores[p.item] = excluded
			}
		}
	}

	n := min(q.N, m.Len())
	s.best(n, &q)
	got := 0
	for _, x := range s.top.sorted() {
		dst = append(dst, Scored{m.cat.names[x.item], x.score})
		got++
	}
	if got == n || q.Fill == FillNone {
		return dst, nil
	}
	return m.fill(dst, n-got, s, &q), nil
}

// score adds up the weights of the history, by ascending source.
func (m *Model) score(s *scratch) {
	if m.narrow != nil {
		addUp(m, m.narrow, s)
	} else {
		addUp(m, m.weight, s)
	}
}

func addUp[W float32 | float64](m *Model, weights []W, s *scratch) {
	scores := s.scores
	if m.full {
		n := m.Len()
		for _, p := range s.history.items {
			row := weights[int(p.item)*n:][:n]
			for j, w := range row {
				scores[j] += p.value * float64(w)
			}
		}
		s.all = len(s.history.items) > 0
		return
	}
	work := 0
	for _, p := range s.history.items {
		work += m.ptr[p.item+1] - m.ptr[p.item]
	}
	if s.all = work >= len(scores)>>3; s.all {
		for _, p := range s.history.items {
			target := m.row(p.item)
			weight := weights[m.ptr[p.item]:][:len(target)]
			for k, j := range target {
				scores[j] += p.value * float64(weight[k])
			}
		}
		return
	}
	dirty, blocks, used := s.dirty, s.blocks, 0
	for _, p := range s.history.items {
		target := m.row(p.item)
		weight := weights[m.ptr[p.item]:][:len(target)]
		for k, j := range target {
			scores[j] += p.value * float64(weight[k])
			// Written always and kept when the block is new: no branch to
			// mispredict.
			b := j >> blockBits
			blocks[used] = b
			used += int(1 - dirty[b])
			dirty[b] = 1
		}
	}
	s.used = used
}

// best collects the n best admissible items with a positive score.
func (s *scratch) best(n int, q *Query) {
	s.top.reset(n)
	look := s.used << blockBits
	if s.all {
		look = len(s.scores)
	}
	if q.Allow != nil && q.Allow.n <= look/4 {
		for i := range q.Allow.all() {
			if x := s.scores[i]; x > 0 && q.admits(i) {
				s.top.offer(ranked{x, i})
			}
		}
		return
	}
	floor := math.SmallestNonzeroFloat64
	for scores, first := range s.touched {
		floor = s.scan(scores, first, floor, q)
	}
}

// scan offers the admissible scores that reach the floor, and returns the floor
// from then on.
func (s *scratch) scan(scores []float64, first uint32, floor float64, q *Query) float64 {
	for len(scores) >= 8 {
		// Most are below the floor: eight are told to be with one branch. A
		// sign bit that is set in all says so.
		b, f := (*[8]float64)(scores), int64(math.Float64bits(floor))
		if under(b[0], f)&under(b[1], f)&under(b[2], f)&under(b[3], f)&
			under(b[4], f)&under(b[5], f)&under(b[6], f)&under(b[7], f) >= 0 {
			floor = s.look(b[:], first, floor, q)
		}
		scores, first = scores[8:], first+8
	}
	return s.look(scores, first, floor, q)
}

// under is negative when x is less than the positive float with the bits floor:
// positive floats order like their bits, and the others have their sign.
func under(x float64, floor int64) int64 {
	b := int64(math.Float64bits(x))
	return b | (b - floor)
}

func (s *scratch) look(scores []float64, first uint32, floor float64, q *Query) float64 {
	for k, x := range scores {
		// At the floor an item may still win by its id.
		if x < floor {
			continue
		}
		if i := first + uint32(k); q.admits(i) {
			s.top.offer(ranked{x, i})
			if s.top.full() {
				floor = s.top.heap[0].score
			}
		}
	}
	return floor
}

// fill appends up to n more items: those with score zero in the order of the
// fill, then those with a negative score.
func (m *Model) fill(dst []Scored, n int, s *scratch, q *Query) []Scored {
	for k := range m.cat.popular {
		i := uint32(k)
		if q.Fill == FillPopular {
			i = m.cat.popular[k]
		}
		if s.scores[i] != 0 || !q.admits(i) {
			continue
		}
		dst = append(dst, Scored{Item: m.cat.names[i]})
		if n--; n == 0 {
			return dst
		}
	}
	s.top.reset(n)
	for scores, first := range s.touched {
		for k, x := range scores {
			if i := first + uint32(k); x < 0 && x != excluded && q.admits(i) {
				s.top.offer(ranked{x, i})
			}
		}
	}
	for _, x := range s.top.sorted() {
		dst = append(dst, Scored{m.cat.names[x.item], x.score})
	}
	return dst
}

// Contribution is what one item of the history adds to a score.
type Contribution struct {
	Item   string  // the source
	Value  float64 // the user's value of it
	Weight float64 // its weight for the target
	Part   float64 // Value × Weight
}

// Explain returns why an item has its score: the parts of the history with a
// weight for it, by item id, and last the item itself when it has a weight by
// Query.Own. Added up from first to last they are the score that
// [Model.Recommend] gives, bit by bit. It is nil for an item that nothing
// in the history speaks for or against. The query's N, sets and fill do not
// matter. An item the model does not know is [ErrItem].
func (m *Model) Explain(q Query, item string) ([]Contribution, error) {
	q, err := q.checked(m.cat)
	if err != nil {
		return nil, err
	}
	j, ok := m.cat.number[item]
	if !ok {
		return nil, &Error{Where: "Model.Explain", Value: item, Reason: "not in the model", Err: ErrItem}
	}
	var out []Contribution
	var history basket
	history.fill(&q, m.cat)
	for _, p := range history.items {
		if w := m.at(p.item, j); w != 0 {
			out = append(out, Contribution{m.cat.names[p.item], p.value, w, p.value * w})
		}
	}
	if k, had := find(history.items, j); had && q.Own > 0 {
		x := history.items[k].value
		out = append(out, Contribution{item, x, q.Own, x * q.Own})
	}
	return slices.Clip(out), nil
}
