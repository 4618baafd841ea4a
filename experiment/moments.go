package experiment

import (
	"encoding"
	"fmt"
	"math"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/wire"
)

var (
	_ encoding.BinaryAppender    = (*Moments)(nil)
	_ encoding.BinaryMarshaler   = (*Moments)(nil)
	_ encoding.BinaryUnmarshaler = (*Moments)(nil)
)

// Kind says what the values of a metric are.
type Kind uint8

const (
	// Mean is any number; its variance has the divisor n − 1.
	Mean Kind = iota
	// Proportion is 0 or 1; its variance is p(1 − p), with the divisor n.
	Proportion
)

func (k Kind) String() string {
	switch k {
	case Mean:
		return "mean"
	case Proportion:
		return "proportion"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Moments holds the count, sum and sum of squares of one metric in one arm:
// all that a comparison of means needs. What was added can be taken out again,
// and shards merge: exact to the last bit for integers whose squares never add
// up to 2⁹⁹ (about 6e29: ten billion values of 1e9 are far within), otherwise
// to 1e-12 of the sum of absolute values.
//
// Sums are unshifted and in double-double arithmetic, so the variance of
// values at 1e9 ± 1 is good to 1e-9 and far better: running sums of squares in
// float64 lose it all, and Welford's update cannot subtract.
//
// The zero value is empty and of kind [Mean]. Not safe for concurrent use. A
// copy is independent.
type Moments struct {
	// Kind of the values; set it before the first is added.
	Kind Kind

	n      int64
	s1, s2 pair
	err    error
}

// MomentsOf returns the moments of n values with a sum and a sum of squares
// that came from elsewhere, such as a query. For a [Proportion] the sum of
// squares is the sum. Sums that no n numbers have are an error that wraps
// [ErrVariance], [ErrKind] or [ErrNotFinite].
func MomentsOf(kind Kind, n int64, sum, sumOfSquares float64) (*Moments, error) {
	bad := func(what string, v any, err error) error { return &ValueError{"MomentsOf", what, v, err} }
	if kind == Proportion {
		sumOfSquares = sum
	}
	switch {
	case kind > Proportion:
		return nil, &OptionError{"MomentsOf", "kind", kind, "want Mean or Proportion"}
	case n < 0:
		return nil, &OptionError{"MomentsOf", "n", n, "want at least 0"}
	case math.IsNaN(sum-sum) || math.IsNaN(sumOfSquares-sumOfSquares):
		return nil, bad("sums", []float64{sum, sumOfSquares}, ErrNotFinite)
	case kind == Proportion && !(sum >= 0 && sum <= float64(n)):
		return nil, bad("sum", sum, ErrKind)
	case n == 0 && (sum != 0 || sumOfSquares != 0):
		return nil, bad("sums of no values", []float64{sum, sumOfSquares}, ErrVariance)
	}
	m := &Moments{Kind: kind, n: n}
	m.s1.hi, m.s2.hi = sum, sumOfSquares
	// Sums in float64 carry rounding errors of their own; allow for them. What
	// overflows is far below zero, or not a number.
	if n > 0 && !(m.centred().Value() >= -1e-9*sumOfSquares) {
		return nil, bad("sum of squares", sumOfSquares, ErrVariance)
	}
	return m, nil
}

// Add adds a value. A value that is not finite or is beyond ±1e144, where
// squares end, or is not 0 or 1 in a proportion, is not added; [Moments.Err]
// then says so for ever, and every estimator refuses.
func (m *Moments) Add(x float64) {
	if !(math.Abs(x) <= maxValue) || m.Kind == Proportion && x != 0 && x != 1 {
		m.refuse("Add", x)
		return
	}
	m.n++
	h := m.s1.hi
	s := h + x
	b := s - h
	m.s1.hi = s
	m.s1.lo += (h - (s - b)) + (x - b)
	// The conversion forbids fusing the product into the sum, which would
	// differ between architectures.
	q := float64(x * x)
	e := math.FMA(x, x, -q)
	h = m.s2.hi
	s = h + q
	b = s - h
	m.s2.hi = s
	m.s2.lo += ((h - (s - b)) + (q - b)) + e
	if m.n&(settle-1) == 0 {
		m.s1.normalize()
		m.s2.normalize()
	}
}

// maxValue keeps squares of values, and sums of 2⁶³ squares, finite.
const (
	maxValue = 1e144
	maxBits  = 0x5dd4805738b51a75 // of maxValue
)

// AddAll adds values, several times faster than one by one: the same sums, up
// to what Add promises.
func (m *Moments) AddAll(xs []float64) {
	for len(xs) > 0 {
		part := xs[:min(len(xs), blockSize)]
		xs = xs[len(part):]
		b, ok := blockOf(part)
		if !ok || m.Kind == Proportion && !binary(part) {
			for _, x := range part {
				m.Add(x)
			}
			continue
		}
		m.n += int64(len(part))
		b.addTo(&m.s1, &m.s2)
	}
}

// Sub takes a value out that was added before, to this or to moments that are
// merged with it later.
func (m *Moments) Sub(x float64) {
	if !(math.Abs(x) <= maxValue) || m.Kind == Proportion && x != 0 && x != 1 {
		m.refuse("Sub", x)
		return
	}
	m.n--
	a, b := m.s1.sum(), m.s2.sum()
	a.Sub(x)
	b.SubProduct(x, x)
	m.s1.set(a)
	m.s2.set(b)
}

func (m *Moments) refuse(fn string, x float64) {
	if m.err != nil {
		return
	}
	e := &ValueError{fn, "value", x, ErrNotFinite}
	if m.Kind == Proportion && !math.IsNaN(x-x) {
		e.Err = ErrKind
	} else if !math.IsNaN(x - x) {
		e.What = "square of"
	}
	m.err = e
}

// Merge adds what o holds. Moments of different kinds do not merge: the error
// wraps [ErrKind]. Empty moments take the kind of o.
func (m *Moments) Merge(o *Moments) error {
	if o == nil {
		return &OptionError{"Merge", "o", o, "want moments"}
	}
	if m.Kind != o.Kind {
		if *m != (Moments{Kind: m.Kind}) {
			return &ValueError{"Merge", "kind", fmt.Sprintf("%v into %v", o.Kind, m.Kind), ErrKind}
		}
		m.Kind = o.Kind
	}
	m.n += o.n
	for _, p := range [...]struct{ to, from *pair }{{&m.s1, &o.s1}, {&m.s2, &o.s2}} {
		s := p.to.sum()
		s.Merge(p.from.sum())
		p.to.set(s)
	}
	if m.err == nil {
		m.err = o.err
	}
	return nil
}

// Err returns why no estimate can be made of these moments, nil if one can:
// the first value that was refused.
func (m *Moments) Err() error { return m.err }

// N returns how many values were added, less those taken out.
func (m *Moments) N() int64 { return m.n }

// Sum returns the sum of the values.
func (m *Moments) Sum() float64 { return m.s1.sum().Value() }

// SumOfSquares returns the sum of the squared values.
func (m *Moments) SumOfSquares() float64 { return m.s2.sum().Value() }

// Mean returns the mean, NaN of no values.
func (m *Moments) Mean() float64 { return meanOf(m.s1, m.n) }

// meanOf is not a number where nothing is left, whatever was taken out.
func meanOf(s pair, n int64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return s.sum().Value() / float64(n)
}

// Variance returns the variance of one value, by the definition of the kind;
// NaN of fewer than two values. It is 0 where it is below 1e-313 or so, as that
// of values of 1e-157, whose squares have hardly a digit left.
func (m *Moments) Variance() float64 {
	if m.n < 2 {
		return math.NaN()
	}
	if m.Kind == Proportion {
		p := m.Mean()
		return p * (1 - p)
	}
	c := m.centred().Value()
	if onlyRounding(c, m.n, m.s1, m.s2) {
		return 0
	}
	return max(0, c) / float64(m.n-1)
}

// onlyRounding tells whether a sum of squares around the mean is no more than
// what rounding leaves of values that are all the same. Whole numbers leave
// nothing. Squares of values below 1e-154 or so are rounded to multiples of the
// smallest number there is, and a sum of few of these says nothing.
func onlyRounding(centred float64, n int64, s1, s2 pair) bool {
	if centred < 0x1p-1040*float64(n) {
		return true
	}
	hi, lo := s1.sum().Parts()
	return centred < 0x1p-102*float64(n)*s2.sum().Value() && (lo != math.Trunc(lo) || hi != math.Trunc(hi))
}

// centred returns the sum of squares around the mean.
func (m *Moments) centred() stats.Sum {
	s := m.s2.sum()
	s.Merge(productOver(m.s1.sum(), m.s1.sum(), m.n).Neg())
	return s
}

// productOver is a·b/n, also where a·b alone would overflow.
func productOver(a, b stats.Sum, n int64) stats.Sum {
	if math.Abs(a.Value()) < 1e150 && math.Abs(b.Value()) < 1e150 {
		return a.Mul(b).Div(float64(n))
	}
	return a.Div(float64(n)).Mul(b)
}

const momentsKind, momentsVersion = "experiment.Moments", 0

// AppendBinary appends the moments to b. Moments with an Err are not written.
func (m *Moments) AppendBinary(b []byte) ([]byte, error) {
	if m.err != nil {
		return b, m.err
	}
	w := wire.NewWriter(momentsKind, momentsVersion)
	s := w.Section("sums")
	s.Byte(byte(m.Kind))
	s.Varint(m.n)
	m.s1.sum().Write(s)
	m.s2.sum().Write(s)
	return w.AppendTo(b), nil
}

// MarshalBinary is AppendBinary of nothing.
func (m *Moments) MarshalBinary() ([]byte, error) { return m.AppendBinary(nil) }

// UnmarshalBinary replaces m by what AppendBinary wrote. Damaged bytes are an
// error that wraps [ErrCorrupt] or [ErrVersion] and leave m as it was.
func (m *Moments) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, momentsKind, momentsVersion)
	if err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	r := f.Section("sums")
	var d Moments
	d.Kind = Kind(r.Byte())
	d.n = r.Varint()
	d.s1.set(stats.ReadSum(r))
	d.s2.set(stats.ReadSum(r))
	if d.Kind > Proportion {
		r.Fail("unknown kind %d", d.Kind)
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	*m = d
	return nil
}

// String shows the moments as a person wants them.
func (m *Moments) String() string {
	if m.err != nil {
		return m.err.Error()
	}
	return fmt.Sprintf("n %d, mean %.6g, variance %.6g", m.n, m.Mean(), m.Variance())
}
