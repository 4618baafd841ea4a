package recommend

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// matrix is X, users by items, compressed by column: what every fit starts
// from. Items are numbered by the order of their ids, users by ascending
// number.
type matrix struct {
	names []string
	users []uint32  // user of each row
	ptr   []int     // ptr[i]:ptr[i+1] are the entries of item i
	row   []uint32  // row of each entry, ascending within an item
	val   []float64 // value of each entry; nil when every value is 1

	origin *origin  // of the dictionary that the items come from
	number []uint32 // by number in that dictionary: the item, or noItem
}

// noItem is the number of an item that is not known.
const noItem = ^uint32(0)

// matrix turns rows into X_ui = f(Σ weight), without the pairs whose value is
// zero and without items and users that have no other.
func (s *snapshot) matrix(workers int) *matrix {
	// How many rows of each item each worker has; a stable counting sort by
	// item then keeps users ascending, and each user's rows in canonical
	// order, within an item.
	workers = counting(workers, len(s.rows), len(s.names))
	counts := make([][]int, workers)
	negative := make([]bool, workers)
	inEqualRuns(workers, s.start, func(w, lo, hi int) {
		n := make([]int, len(s.names))
		for _, r := range s.rows[s.start[lo]:s.start[hi]] {
			n[r.item]++
			negative[w] = negative[w] || r.weight < 0
		}
		counts[w] = n
	})
	order := s.inOrder(func(id uint32) bool {
		return slices.ContainsFunc(counts, func(n []int) bool { return n[id] > 0 })
	})
	start := make([]int, len(order)+1)
	at := 0
	for i, id := range order {
		for w := range counts {
			at, counts[w][id] = at+counts[w][id], at
		}
		start[i+1] = at
	}
	type cell struct {
		row    uint32
		weight float64
	}
	cells := make([]cell, at)
	inEqualRuns(workers, s.start, func(w, lo, hi int) {
		next := counts[w]
		for u := lo; u < hi; u++ {
			for _, r := range s.rows[s.start[u]:s.start[u+1]] {
				cells[next[r.item]] = cell{uint32(u), r.weight}
				next[r.item]++
			}
		}
	})

	// Each item's cells become its values, in place.
	kept := make([]int, len(order))
	graded := make([]bool, workers)
	inEqualRuns(workers, start, func(w, lo, hi int) {
		for i := lo; i < hi; i++ {
			col, n := cells[start[i]:start[i+1]], 0
			for k := 0; k < len(col); {
				first, sum := k, col[k].weight
				for k++; k < len(col) && col[k].row == col[first].row; k++ {
				}
				if k > first+1 {
					var ws weightSum
					for _, c := range col[first:k] {
						ws.add(c.weight)
					}
					sum = ws.value()
				}
				if v := s.set.value.of(sum); v > 0 {
					col[n] = cell{col[first].row, v}
					graded[w] = graded[w] || v != 1
					n++
				}
			}
			kept[i] = n
		}
	})
	m := &matrix{ptr: make([]int, 1, len(order)+1), origin: s.origin, number: make([]uint32, len(s.names))}
	for id := range m.number {
		m.number[id] = noItem
	}
	from := make([]int, 0, len(order))
	for i, id := range order {
		if kept[i] > 0 {
			m.number[id] = uint32(len(m.names))
			m.names = append(m.names, s.names[id])
			m.ptr = append(m.ptr, m.ptr[len(m.ptr)-1]+kept[i])
			from = append(from, start[i])
		}
	}
	m.row = make([]uint32, m.ptr[len(m.names)])
	if slices.Contains(graded, true) {
		m.val = make([]float64, len(m.row))
	}
	inEqualRuns(workers, m.ptr, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			for k, c := range cells[from[i]:][:m.ptr[i+1]-m.ptr[i]] {
				m.row[m.ptr[i]+k] = c.row
				if m.val != nil {
					m.val[m.ptr[i]+k] = c.weight
				}
			}
		}
	})
	m.users = s.users
	if slices.Contains(negative, true) {
		m.dropEmptyRows()
	}
	return m
}

// inOrder returns the numbers of the used items by the order of their names.
func (s *snapshot) inOrder(used func(id uint32) bool) []uint32 {
	// Most names differ in length or in their first bytes, which compare
	// faster as one number than as text elsewhere in memory.
	type keyed struct {
		length int
		head   uint64
		id     uint32
	}
	list := make([]keyed, 0, len(s.names))
	for id, name := range s.names {
		if used(uint32(id)) {
			var head [8]byte
			copy(head[:], name)
			list = append(list, keyed{len(name), binary.BigEndian.Uint64(head[:]), uint32(id)})
		}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		if c := cmp.Compare(a.length, b.length); c != 0 {
			return c
		}
		if c := cmp.Compare(a.head, b.head); c != 0 {
			return c
		}
		return strings.Compare(s.names[a.id], s.names[b.id])
	})
	order := make([]uint32, len(list))
	for i, x := range list {
		order[i] = x.id
	}
	return order
}

// dropEmptyRows leaves out the users of whom nothing remains; without rows that
// take back there are none.
func (m *matrix) dropEmptyRows() {
	seen := make([]bool, len(m.users))
	for _, r := range m.row {
		seen[r] = true
	}
	renumber := make([]uint32, len(m.users))
	var users []uint32
	for u, ok := range seen {
		if ok {
			renumber[u] = uint32(len(users))
			users = append(users, m.users[u])
		}
	}
	if len(users) == len(m.users) {
		return
	}
	m.users = users
	for k, r := range m.row {
		m.row[k] = renumber[r]
	}
}

func (m *matrix) items() int { return len(m.names) }

func (m *matrix) column(i int) []uint32 { return m.row[m.ptr[i]:m.ptr[i+1]] }

func (m *matrix) value(k int) float64 {
	if m.val == nil {
		return 1
	}
	return m.val[k]
}

// counts returns the number of users of each item.
func (m *matrix) counts() []uint32 {
	n := make([]uint32, m.items())
	for i := range n {
		n[i] = uint32(m.ptr[i+1] - m.ptr[i])
	}
	return n
}

// rows is X compressed by row, the items of each user in a given order.
type rows struct {
	ptr []int
	col []uint32
	val []float64 // nil when every value is 1
}

// byRow transposes, with item order[k] numbered k and ascending in each row.
func (m *matrix) byRow(order []uint32, workers int) rows {
	ends := make([]int, len(order)+1)
	for k, i := range order {
		ends[k+1] = ends[k] + m.ptr[i+1] - m.ptr[i]
	}
	workers = counting(workers, len(m.row), len(m.users))
	counts := make([][]int, workers)
	inEqualRuns(workers, ends, func(w, lo, hi int) {
		n := make([]int, len(m.users))
		for _, i := range order[lo:hi] {
			for _, u := range m.column(int(i)) {
				n[u]++
			}
		}
		counts[w] = n
	})
	r := rows{ptr: runningSum(counts, len(m.users)), col: make([]uint32, len(m.row))}
	if m.val != nil {
		r.val = make([]float64, len(m.row))
	}
	inEqualRuns(workers, ends, func(w, lo, hi int) {
		next := counts[w]
		for k := lo; k < hi; k++ {
			i := order[k]
			for e := m.ptr[i]; e < m.ptr[i+1]; e++ {
				u := m.row[e]
				at := next[u]
				next[u]++
				r.col[at] = uint32(k)
				if m.val != nil {
					r.val[at] = m.val[e]
				}
			}
		}
	})
	return r
}

// pair is an item number and a value, an entry of one user's row.
type pair struct {
	item  uint32
	value float64
}

// userRow returns what a user's rows are worth, per item, by ascending number
// in the history's own dictionary, appended to dst.
func userRow(dst []pair, rows []row, v Value) []pair {
	keys := make([]uint64, len(rows))
	for k, r := range rows {
		keys[k] = uint64(r.item)<<32 | uint64(k)
	}
	return v.appendPairs(dst, rows, keys)
}
