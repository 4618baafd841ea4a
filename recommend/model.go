package recommend

import (
	"encoding"
	"slices"
	"sync"
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
	weight []float64
	// full holds every weight, row by row of the source, when nothing was
	// cut; ptr, target and weight are then nil.
	full []float64
	pool sync.Pool
}

var (
	_ encoding.BinaryAppender    = (*Model)(nil)
	_ encoding.BinaryUnmarshaler = (*Model)(nil)
	_ Recommender                = (*Model)(nil)
)

// newModel stores the list of each target's sources, or of each source's
// targets in ascending order, by source.
func newModel(name string, cat *catalogue, of func(item uint32) []entry, perSource bool) *Model {
	n := uint32(len(cat.names))
	m := &Model{name: name, cat: cat, ptr: make([]int, n+1)}
	for own := range n {
		list := of(own)
		if perSource {
			m.ptr[own+1] = len(list)
			continue
		}
		for _, e := range list {
			m.ptr[e.other+1]++
		}
	}
	for i := range n {
		m.ptr[i+1] += m.ptr[i]
	}
	m.target = make([]uint32, m.ptr[n])
	m.weight = make([]float64, len(m.target))
	next := slices.Clone(m.ptr)
	for own := range n {
		for _, e := range of(own) {
			source, target := e.other, own
			if perSource {
				source, target = target, source
			}
			m.target[next[source]] = target
			m.weight[next[source]] = e.weight
			next[source]++
		}
	}
	return m
}

// String returns what was fitted, such as "cosine K=200 per target".
func (m *Model) String() string { return m.name }

// Len returns the number of items the model knows.
func (m *Model) Len() int { return len(m.cat.names) }

// Weights returns the number of weights stored.
func (m *Model) Weights() int { return len(m.weight) + len(m.full) }

// Weight returns the weight of a source item for a target item, 0 where the
// model has none or does not know an item.
func (m *Model) Weight(source, target string) float64 {
	i, ok := m.cat.number[source]
	j, ok2 := m.cat.number[target]
	if !ok || !ok2 {
		return 0
	}
	return m.at(i, j)
}

func (m *Model) at(i, j uint32) float64 {
	if m.full != nil {
		return m.full[int(i)*len(m.cat.names)+int(j)]
	}
	row := m.target[m.ptr[i]:m.ptr[i+1]]
	if k, ok := slices.BinarySearch(row, j); ok {
		return m.weight[m.ptr[i]+k]
	}
	return 0
}

// Users returns the number of users of an item in the training data, 0 for an
// item the model does not know.
func (m *Model) Users(item string) int { return m.cat.usersOf(item) }

// Items returns the set of those of the named items that the model knows, for
// Query.Allow and Query.Deny.
func (m *Model) Items(names ...string) *ItemSet { return m.cat.set(names) }

func (m *Model) catalogue() *catalogue { return m.cat }
