package attribution

import "math"

// linear is a small linear program over variables that are not negative: the
// least Σ cost·x for which each row holds.
type linear struct {
	vars int
	rows []linearRow
}

// linearRow is a·x ≤ b, or a·x = b.
type linearRow struct {
	a     []float64
	b     float64
	equal bool
}

// solve returns a best point, and whether there is any point at all: the
// simplex method on a table with Bland's rule, which never cycles ("New finite
// pivoting rules for the simplex method", 1977). Nil costs ask for any point.
// The rows should be scaled to be of the size of 1.
func (l *linear) solve(cost []float64) (x []float64, feasible bool) {
	const small = 1e-9
	m, slack := len(l.rows), 0
	for _, r := range l.rows {
		if !r.equal {
			slack++
		}
	}
	// Columns: variables, slacks, artificial ones, the right side.
	first := l.vars + slack
	width := first + m + 1
	table, basis := make([][]float64, m), make([]int, m)
	at := l.vars
	for i, r := range l.rows {
		row := make([]float64, width)
		copy(row, r.a)
		row[width-1] = r.b
		if !r.equal {
			row[at] = 1
			at++
		}
		if r.b < 0 {
			for k := range row {
				row[k] = -row[k]
			}
		}
		row[first+i] = 1
		table[i], basis[i] = row, first+i
	}
	pivot := func(goal []float64, r, c int) {
		p := table[r][c]
		for k := range table[r] {
			table[r][k] /= p
		}
		for i := range table {
			if f := table[i][c]; i != r && f != 0 {
				for k := range table[i] {
					table[i][k] -= f * table[r][k]
				}
			}
		}
		if f := goal[c]; f != 0 {
			for k := range goal {
				goal[k] -= f * table[r][k]
			}
		}
		basis[r] = c
	}
	descend := func(goal []float64, columns int) {
		for range 20_000 {
			c := -1
			for k := range columns {
				if goal[k] < -small {
					c = k
					break
				}
			}
			if c < 0 {
				return
			}
			r, least := -1, math.Inf(1)
			for i, row := range table {
				if row[c] > small {
					if q := row[width-1] / row[c]; q < least-1e-14 || q <= least && (r < 0 || basis[i] < basis[r]) {
						r, least = i, q
					}
				}
			}
			if r < 0 {
				return // without end
			}
			pivot(goal, r, c)
		}
	}
	goal := make([]float64, width)
	for i := range table {
		for k, x := range table[i] {
			if k < first || k == width-1 {
				goal[k] -= x
			}
		}
	}
	descend(goal, first)
	if -goal[width-1] > 10*small {
		return nil, false
	}
	if cost != nil {
		// What is artificial leaves the basis, as far as it can.
		for i := range table {
			if basis[i] < first {
				continue
			}
			for c := range first {
				if math.Abs(table[i][c]) > small {
					pivot(goal, i, c)
					break
				}
			}
		}
		clear(goal)
		copy(goal, cost)
		for i, c := range basis {
			if f := goal[c]; f != 0 {
				for k := range goal {
					goal[k] -= f * table[i][k]
				}
			}
		}
		descend(goal, first)
	}
	x = make([]float64, l.vars)
	for i, c := range basis {
		if c < l.vars {
			x[c] = table[i][width-1]
		}
	}
	return x, true
}
