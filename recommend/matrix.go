package recommend

import (
	"cmp"
	"slices"

	"github.com/zhun-go/zhun/internal/ids"
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
}

// matrix turns rows into X_ui = f(Σ weight), without the pairs whose value is
// zero and without items and users that have no other.
func (s *snapshot) matrix() *matrix {
	// Items in order, so that every later tie breaks by number.
	used := make([]bool, len(s.names))
	for _, r := range s.rows {
		used[r.item] = true
	}
	order := make([]uint32, 0, len(used))
	for i, u := range used {
		if u {
			order = append(order, uint32(i))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int { return ids.Compare(s.names[a], s.names[b]) })
	rank := make([]uint32, len(used))
	for i, id := range order {
		rank[id] = uint32(i)
	}

	// A stable counting sort by item keeps users ascending, and each user's
	// rows in canonical order, within an item.
	ptr := make([]int, len(order)+1)
	for _, r := range s.rows {
		ptr[rank[r.item]+1]++
	}
	for i := range order {
		ptr[i+1] += ptr[i]
	}
	next := slices.Clone(ptr)
	type entry struct {
		row    uint32
		weight float64
	}
	entries := make([]entry, len(s.rows))
	for u := range s.users {
		for _, r := range s.rows[s.start[u]:s.start[u+1]] {
			i := rank[r.item]
			entries[next[i]] = entry{uint32(u), r.weight}
			next[i]++
		}
	}

	m := &matrix{ptr: make([]int, 1, len(order)+1), row: make([]uint32, 0, len(entries))}
	val := make([]float64, 0, len(entries))
	binary := true
	for i, id := range order {
		col := entries[ptr[i]:ptr[i+1]]
		for len(col) > 0 {
			n := 1
			for n < len(col) && col[n].row == col[0].row {
				n++
			}
			sum := col[0].weight
			if n > 1 {
				var ws weightSum
				for _, e := range col[:n] {
					ws.add(e.weight)
				}
				sum = ws.value()
			}
			if v := s.set.value.of(sum); v > 0 {
				m.row = append(m.row, col[0].row)
				val = append(val, v)
				binary = binary && v == 1
			}
			col = col[n:]
		}
		if len(m.row) > m.ptr[len(m.ptr)-1] {
			m.ptr = append(m.ptr, len(m.row))
			m.names = append(m.names, s.names[id])
		}
	}
	if !binary {
		m.val = val
	}
	m.dropEmptyRows(s.users)
	return m
}

func (m *matrix) dropEmptyRows(users []uint32) {
	seen := make([]bool, len(users))
	for _, r := range m.row {
		seen[r] = true
	}
	renumber := make([]uint32, len(users))
	for u, ok := range seen {
		if ok {
			renumber[u] = uint32(len(m.users))
			m.users = append(m.users, users[u])
		}
	}
	if len(m.users) == len(users) {
		return
	}
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
func (m *matrix) byRow(order []uint32) rows {
	var r rows
	r.ptr = make([]int, len(m.users)+1)
	for _, u := range m.row {
		r.ptr[u+1]++
	}
	for u := range m.users {
		r.ptr[u+1] += r.ptr[u]
	}
	r.col = make([]uint32, len(m.row))
	if m.val != nil {
		r.val = make([]float64, len(m.row))
	}
	next := slices.Clone(r.ptr)
	for k, i := range order {
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
	start := len(dst)
	for _, r := range rows {
		dst = append(dst, pair{r.item, r.weight})
	}
	list := dst[start:]
	slices.SortStableFunc(list, func(a, b pair) int { return cmp.Compare(a.item, b.item) })
	out := list[:0]
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].item == list[0].item {
			n++
		}
		sum := list[0].value
		if n > 1 {
			var ws weightSum
			for _, p := range list[:n] {
				ws.add(p.value)
			}
			sum = ws.value()
		}
		if x := v.of(sum); x > 0 {
			out = append(out, pair{list[0].item, x})
		}
		list = list[n:]
	}
	return dst[:start+len(out)]
}
