package attribution

// maxMoments is up to how many features the moments of a chain's paths are
// kept in a square table.
const maxMoments = 1024

// moments are the second moments of what paths do in a chain: where they
// begin, their moves, and where they end, each a feature. As the influence of a
// journey is the sum of those of its features, the variance is a quadratic
// form in the moments, which costs each path the square of its own features
// and nothing for each channel.
type moments struct {
	n      int
	square []float64 // n × n, by two features as a path has them: journeys, pairs twice
	// By feature and state of the end: conversions and value of the paths that
	// have the feature and end there.
	states      int
	conv, value []float64
	// By state of the end: conversions and the squares of their values.
	count, squares []float64
}

func newMoments(features, states int) *moments {
	return &moments{
		n: features, square: make([]float64, features*features), states: states,
		conv: make([]float64, features*states), value: make([]float64, features*states),
		count: make([]float64, states), squares: make([]float64, states),
	}
}

// add takes up the journeys of a path with some features, which may repeat.
func (m *moments) add(features []int, last int, conv, value, squares, null float64) {
	all := conv + null
	for i, a := range features {
		row := m.square[a*m.n : a*m.n+m.n]
		row[a] += all
		for _, b := range features[i+1:] {
			row[b] += 2 * all
		}
		m.conv[a*m.states+last] += conv
		m.value[a*m.states+last] += value
	}
	m.count[last] += conv
	m.squares[last] += squares
}

// merge adds the moments of other paths.
func (m *moments) merge(o *moments) {
	for _, t := range [5][2][]float64{{m.square, o.square}, {m.conv, o.conv}, {m.value, o.value}, {m.count, o.count}, {m.squares, o.squares}} {
		for i, x := range t[1] {
			t[0][i] += x
		}
	}
}

// fold puts the smaller feature of each pair first, as variance reads them.
func (m *moments) fold() {
	for a := range m.n {
		for b := a + 1; b < m.n; b++ {
			m.square[a*m.n+b] += m.square[b*m.n+a]
		}
	}
}

// dot is Σ x·y, in four sums that need not wait for each other.
func dot(x, y []float64) float64 {
	var s [4]float64
	for len(x) >= 4 && len(y) >= 4 {
		s[0] += x[0] * y[0]
		s[1] += x[1] * y[1]
		s[2] += x[2] * y[2]
		s[3] += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for i, a := range x {
		s[0] += a * y[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// variance is that of one figure: what each feature does to it, and what a
// conversion that ends in a state does beside, in all (of conversions) or per
// unit of its value.
func (m *moments) variance(feature, end []float64, byValue bool) float64 {
	sum := 0.0
	for a, x := range feature {
		if x == 0 {
			continue
		}
		part := dot(m.square[a*m.n+a:a*m.n+m.n], feature[a:])
		cross := m.conv[a*m.states : a*m.states+m.states]
		if byValue {
			cross = m.value[a*m.states : a*m.states+m.states]
		}
		for s, y := range end {
			part += 2 * cross[s] * y
		}
		sum += x * part
	}
	own := m.count
	if byValue {
		own = m.squares
	}
	for s, y := range end {
		sum += own[s] * y * y
	}
	return sum
}
