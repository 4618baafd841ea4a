package recommend

import (
	"cmp"
	"encoding"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/zhun-go/zhun/internal/stats"
)

// Model is a fitted matrix of item × item weights: what an item in a user's
// history (the source) says for another item (the target). A score is the sum,
// over the history, of the user's value of the source times its weight for the
// target. All fits of this package return one, so that serving, explanation
// and storage are the same for all.
//
// A model holds no user rows. It can score users it was not fitted on, and
// sessions, from the items alone.
//
// Immutable; safe for concurrent use, without locks. Swap a newer one in by an
// atomic pointer.
type Model struct {
	name string
	cat  *catalogue
	// ptr[i]:ptr[i+1] are the weights of source i, targets ascending.
	ptr    []int
	target []uint32
	// One of the two holds the weights, narrow in a compact model. When full
	// they are of every pair, row by row of the source, and ptr and target nil.
	weight []float64
	narrow []float32
	full   bool
	cut    float64 // share of the sum of absolute weights that was cut
	pool   sync.Pool
}

var (
	_ encoding.BinaryAppender    = (*Model)(nil)
	_ encoding.BinaryUnmarshaler = (*Model)(nil)
	_ Recommender                = (*Model)(nil)
)

// newModel stores the list of each target's sources, or of each source's
// targets in ascending order, by source. Each worker takes a run of lists; a
// counting sort puts what it finds behind what workers of earlier runs found,
// so that targets come out ascending. Uses, if not nil, are the lists that each
// item is in, when they are known and one worker does it all.
func newModel(name string, cat *catalogue, of func(item uint32) []entry, perSource bool, uses []int, workers int) *Model {
	n := len(cat.names)
	m := &Model{name: name, cat: cat, ptr: make([]int, n+1)}
	workers = max(1, min(workers, n))
	next := make([][]int, workers)
	run := func(f func(next []int, own uint32, list []entry)) {
		var wait sync.WaitGroup
		for w := range workers {
			wait.Go(func() {
				for own := w * n / workers; own < (w+1)*n/workers; own++ {
					f(next[w], uint32(own), of(uint32(own)))
				}
			})
		}
		wait.Wait()
	}
	for w := range next {
		next[w] = make([]int, n)
	}
	if uses != nil && workers == 1 && !perSource {
		next[0] = uses
	} else {
		run(func(next []int, own uint32, list []entry) {
			if perSource {
				next[own] = len(list)
				return
			}
			for _, e := range list {
				next[e.other]++
			}
		})
	}
	at := 0
	for i := range n {
		for w := range next {
			at, next[w][i] = at+next[w][i], at
		}
		m.ptr[i+1] = at
	}
	m.target = make([]uint32, at)
	m.weight = make([]float64, at)
	run(func(next []int, own uint32, list []entry) {
		for _, e := range list {
			source, target := e.other, own
			if perSource {
				source, target = target, source
			}
			k := next[source]
			next[source]++
			m.target[k], m.weight[k] = target, e.weight
		}
	})
	return m
}

// limitRows keeps the largest weights of each row by absolute value, ties to
// the smaller target.
func (m *Model) limitRows(limit int) {
	var kept, all stats.Sum
	n, start := 0, 0
	var row []entry
	for i := range m.cat.names {
		lo, hi := start, m.ptr[i+1]
		start = hi
		row = row[:0]
		for k := lo; k < hi; k++ {
			row = append(row, entry{m.target[k], m.weight[k]})
			all.Add(math.Abs(m.weight[k]))
		}
		if len(row) > limit {
			slices.SortStableFunc(row, func(a, b entry) int { return cmp.Compare(math.Abs(b.weight), math.Abs(a.weight)) })
			row = row[:limit]
			slices.SortFunc(row, func(a, b entry) int { return cmp.Compare(a.other, b.other) })
		}
		for _, e := range row {
			m.target[n], m.weight[n] = e.other, e.weight
			kept.Add(math.Abs(e.weight))
			n++
		}
		m.ptr[i+1] = n
	}
	if n < len(m.target) {
		m.target, m.weight = slices.Clone(m.target[:n]), slices.Clone(m.weight[:n])
		m.cut = 1 - kept.Value()/all.Value()
		m.name += fmt.Sprintf(" rows=%d", limit)
	}
}

// Cut returns the share of the sum of all weights that ItemKNNOptions.RowLimit
// took away.
func (m *Model) Cut() float64 { return m.cut }

// String returns what was fitted, such as "cosine K=200 per target".
func (m *Model) String() string { return m.name }

// Len returns the number of items the model knows.
func (m *Model) Len() int {
	if m.cat == nil {
		return 0
	}
	return len(m.cat.names)
}

// Weights returns the number of weights stored.
func (m *Model) Weights() int { return len(m.weight) + len(m.narrow) }

// Weight returns the weight of a source item for a target item, 0 where the
// model has none or does not know an item.
func (m *Model) Weight(source, target string) float64 {
	if m.cat == nil {
		return 0
	}
	i, ok := m.cat.number[source]
	j, ok2 := m.cat.number[target]
	if !ok || !ok2 {
		return 0
	}
	return m.at(i, j)
}

func (m *Model) at(i, j uint32) float64 {
	if m.full {
		return m.weightAt(int(i)*len(m.cat.names) + int(j))
	}
	if k, ok := slices.BinarySearch(m.row(i), j); ok {
		return m.weightAt(m.ptr[i] + k)
	}
	return 0
}

// row returns the targets of a source; their weights start at ptr.
func (m *Model) row(source uint32) []uint32 { return m.target[m.ptr[source]:m.ptr[source+1]] }

func (m *Model) weightAt(k int) float64 {
	if m.narrow != nil {
		return float64(m.narrow[k])
	}
	return m.weight[k]
}

// Compact returns a model with the same weights rounded to 32 bits: 8 bytes for
// each instead of 12, and 4 instead of 8 where every weight is kept, which also
// makes requests faster, since they wait for memory. A weight changes by at most
// 6e-8 of itself, so that only scores nearer than that can change places; sums
// are still taken, and explained, in 64 bits. A weight beyond the range of 32
// bits is [ErrWeight]. The result of a compact model is itself.
func (m *Model) Compact() (*Model, error) {
	if m.cat == nil {
		return nil, &Error{Where: "Model.Compact", Reason: "a model comes from a fit or from bytes", Err: ErrEmpty}
	}
	if m.narrow != nil {
		return m, nil
	}
	out := &Model{name: m.name + " compact", cat: m.cat, ptr: m.ptr, target: m.target, full: m.full, cut: m.cut}
	out.narrow = make([]float32, len(m.weight))
	for k, w := range m.weight {
		out.narrow[k] = float32(w)
		if math.Abs(w) > math.MaxFloat32 {
			return nil, &Error{Where: "Model.Compact", Value: w, Reason: "does not fit 32 bits", Err: ErrWeight}
		}
	}
	return out, nil
}

// Users returns the number of users of an item in the training data, 0 for an
// item the model does not know.
func (m *Model) Users(item string) int { return m.cat.usersOf(item) }

// Items returns the set of those of the named items that the model knows, for
// Query.Allow and Query.Deny.
func (m *Model) Items(names ...string) *ItemSet { return m.cat.set(names) }

func (m *Model) catalogue() *catalogue { return m.cat }
