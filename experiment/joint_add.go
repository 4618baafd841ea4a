package experiment

import (
	"fmt"
	"math"
	"slices"
)

// Add adds a user's values, as many as there are variables. Values that cannot
// be added leave the whole user out and set Err, as in [Moments.Add].
//
// Users are summed up a block at a time, so that one in many calls takes as
// long as the others together.
func (j *Joint) Add(x ...float64) {
	// What most calls need, without a call: values that are finite numbers, to be
	// put where there is room.
	if len(x) == j.ready && j.pending < blockSize {
		columns, at, i := j.columns, j.pending, 0
		// As integers, without the sign, numbers are in order and NaN is above.
		for i < len(x) && at < len(columns) && math.Float64bits(x[i])<<1 <= maxBits<<1 {
			columns[at] = x[i]
			at += blockSize
			i++
		}
		if i == len(x) && i > 0 {
			j.n++
			j.pending++
			return
		}
	}
	j.addSlowly(x)
}

func (j *Joint) addSlowly(x []float64) {
	if !j.usable("Add", x) {
		return
	}
	if j.pending == blockSize {
		j.settle()
	}
	j.makeRoom()
	at := j.pending
	for _, v := range x {
		j.columns[at] = v
		at += blockSize
	}
	j.n++
	j.pending++
}

func (j *Joint) makeRoom() {
	if j.columns != nil {
		return
	}
	j.columns = make([]float64, len(j.kinds)*blockSize)
	if !slices.Contains(j.kinds, Proportion) {
		j.ready = len(j.kinds)
	}
}

// AddAll adds users by columns: a list of values for each variable, all of the
// same length. It is faster than Add, and gives the same sums up to what Add
// promises.
func (j *Joint) AddAll(columns ...[]float64) {
	if len(columns) == 0 || len(columns) != len(j.kinds) || slices.ContainsFunc(columns, func(c []float64) bool { return len(c) != len(columns[0]) }) {
		if j.err == nil {
			sizes := make([]int, len(columns))
			for i, c := range columns {
				sizes[i] = len(c)
			}
			j.err = &OptionError{"AddAll", "columns", sizes, fmt.Sprintf("want %d of the same length", len(j.kinds))}
		}
		return
	}
	j.settle()
	var part [MaxVariables][]float64
	for from, n := 0, len(columns[0]); from < n; from += blockSize {
		to := min(from+blockSize, n)
		for i, c := range columns {
			part[i] = c[from:to]
		}
		j.n += int64(to - from)
		j.addBlock("AddAll", part[:len(columns)])
	}
}

// settle brings pending users into the sums.
func (j *Joint) settle() {
	if j.pending == 0 {
		return
	}
	var part [MaxVariables][]float64
	for i := range j.kinds {
		part[i] = j.columns[i*blockSize:][:j.pending]
	}
	j.pending = 0
	j.addBlock("Add", part[:len(j.kinds)])
}

// addBlock adds users that are counted already, and takes those out of the
// count that cannot be added.
func (j *Joint) addBlock(fn string, columns [][]float64) {
	for i, c := range columns {
		if j.kinds[i] == Proportion && !binary(c) {
			j.addRows(fn, columns)
			return
		}
	}
	if !j.shifted && j.addPlain(columns) {
		return
	}
	var blocks [MaxVariables]block
	for i, c := range columns {
		var ok bool
		if blocks[i], ok = blockOf(c); !ok {
			j.addRows(fn, columns)
			return
		}
	}
	j.shifted = false
	for i, c := range columns {
		if s := blocks[i].shift; s != 0 {
			j.shifted = true
			j.makeRoom()
			around := j.columns[i*blockSize:][:len(c)] // nobody is pending
			for u, x := range c {
				around[u] = x - s
			}
			columns[i] = around
		}
	}
	at := 0
	for i, c := range columns {
		blocks[i].addTo(&j.sums[i], &j.cross[at])
		at++
		for l := i + 1; l < len(columns); l++ {
			blocks[i].addCross(blocks[l], dot(c, columns[l]), &j.cross[at])
			at++
		}
	}
}

// addPlain adds users in as few passes as can be, if none of the variables
// needs a shift; else it does nothing.
func (j *Joint) addPlain(columns [][]float64) bool {
	var buffer [4 * 5 / 2]float64
	k, at := len(columns), 0
	cross := buffer[:]
	if len(j.cross) > len(cross) {
		cross = make([]float64, len(j.cross))
	}
	var sums [MaxVariables]float64
	for i, xs := range columns {
		b := block{n: float64(len(xs))}
		own, rest := at, columns[i+1:]
		at++
		switch len(rest) {
		case 0:
			b, _ = blockOf(xs)
		case 1:
			b.sum, b.squares, cross[at] = with1(xs, rest[0])
			at++
		case 2:
			b.sum, b.squares, cross[at], cross[at+1] = with2(xs, rest[0], rest[1])
			at += 2
		default:
			b.sum, b.squares, cross[at], cross[at+1], cross[at+2] = with3(xs, rest[0], rest[1], rest[2])
			at += 3
			for _, ys := range rest[3:] {
				cross[at] = dot(xs, ys)
				at++
			}
		}
		if b.shift != 0 || !b.accurate() {
			j.shifted = true
			return false
		}
		sums[i], cross[own] = b.sum, b.squares
	}
	for i := range k {
		j.sums[i].plus(sums[i])
	}
	for i := range j.cross {
		j.cross[i].plus(cross[i])
	}
	return true
}

// addRows adds users one by one, exactly.
func (j *Joint) addRows(fn string, columns [][]float64) {
	var row [MaxVariables]float64
	for u := range columns[0] {
		for i, c := range columns {
			row[i] = c[u]
		}
		x := row[:len(columns)]
		if !j.usable(fn, x) {
			j.n--
			continue
		}
		j.accumulate(x, 1)
		if u%settle == settle-1 {
			j.normalize()
		}
	}
	j.normalize()
}

func (j *Joint) normalize() {
	for i := range j.sums {
		j.sums[i].normalize()
	}
	for i := range j.cross {
		j.cross[i].normalize()
	}
}

func (j *Joint) accumulate(x []float64, sign float64) {
	cross := j.cross
	for i, a := range x {
		a *= sign
		j.sums[i].add(a)
		row := cross[:len(x)-i]
		for l, b := range x[i:] {
			q := float64(a * b)
			e := math.FMA(a, b, -q)
			p := &row[l]
			h := p.hi
			s := h + q
			t := s - h
			p.hi = s
			p.lo += ((h - (s - t)) + (q - t)) + e
		}
		cross = cross[len(x)-i:]
	}
}

func (j *Joint) usable(fn string, x []float64) bool {
	if len(x) != len(j.kinds) || len(x) == 0 {
		if j.err == nil {
			j.err = &OptionError{fn, "values", slices.Clone(x), fmt.Sprintf("want %d", len(j.kinds))}
		}
		return false
	}
	for i, v := range x {
		if !(math.Abs(v) <= maxValue) || j.kinds[i] == Proportion && v != 0 && v != 1 {
			if j.err == nil {
				m := Moments{Kind: j.kinds[i]}
				m.refuse(fn, v)
				j.err = m.err
			}
			return false
		}
	}
	return true
}
