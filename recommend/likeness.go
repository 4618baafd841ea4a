package recommend

import "math"

// likeness takes the cosines between the items of growing lists. With v the sum
// of the items' user vectors, each of length 1, the cosines of all pairs sum to
// (v·v − n)/2: one addition for each user of each item.
type likeness struct {
	m       *matrix
	v       []float64 // by user; all zero between lists
	touched []uint32
	square  float64 // v·v
	items   int
	listed  int // places of the list that are in v
}

// clone returns scratch of its own for one worker; nil of nil.
func (l *likeness) clone() *likeness {
	if l == nil {
		return nil
	}
	return &likeness{m: l.m, v: make([]float64, len(l.m.users))}
}

func (l *likeness) start() {
	if l == nil {
		return
	}
	for _, u := range l.touched {
		l.v[u] = 0
	}
	l.touched, l.square, l.items, l.listed = l.touched[:0], 0, 0, 0
}

// judge returns 1 less the mean cosine of the pairs in a list that continues
// the one before; NaN for less than two items, and of a nil likeness.
func (l *likeness) judge(list []Scored, cat *catalogue) float64 {
	if l == nil {
		return math.NaN()
	}
	for _, x := range list[min(l.listed, len(list)):] {
		i, ok := cat.number[x.Item]
		if !ok {
			continue
		}
		users := l.m.column(int(i))
		a := 1 / math.Sqrt(float64(len(users)))
		for _, u := range users {
			if l.v[u] == 0 {
				l.touched = append(l.touched, u)
			}
			l.square += a * (2*l.v[u] + a)
			l.v[u] += a
		}
		l.items++
	}
	l.listed = len(list)
	n := float64(l.items)
	if n < 2 {
		return math.NaN()
	}
	return min(1, max(0, 1-(l.square-n)/(n*(n-1))))
}
