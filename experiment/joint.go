package experiment

import (
	"encoding"
	"fmt"
	"math"
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/wire"
)

var (
	_ encoding.BinaryAppender    = (*Joint)(nil)
	_ encoding.BinaryMarshaler   = (*Joint)(nil)
	_ encoding.BinaryUnmarshaler = (*Joint)(nil)
)

// MaxVariables bounds how many variables a [Joint] has.
const MaxVariables = 64

// Joint holds the count, sums and sums of products of several values per user
// in one arm: what ratios, covariate adjustment and clusters need. Like
// [Moments] it is exact for integers, subtracts and merges. It takes a kilobyte
// for each variable, and the sums.
//
// Not safe for concurrent use. Use [Joint.Clone] for a copy.
type Joint struct {
	kinds []Kind
	n     int64 // with those pending
	sums  []pair
	cross []pair // of i ≤ j, row by row
	err   error
	// Users that are not yet in the sums: column i is at i·blockSize.
	columns []float64
	pending int
	ready   int  // variables that Add may put into columns without looking closer
	shifted bool // the last block needed a shift, or more
}

// NewJoint returns an empty joint of variables of the kinds given, one to
// [MaxVariables] of them.
func NewJoint(kinds ...Kind) (*Joint, error) {
	k := len(kinds)
	if k == 0 || k > MaxVariables {
		return nil, &OptionError{"NewJoint", "kinds", kinds, fmt.Sprintf("want 1 to %d", MaxVariables)}
	}
	for i, kind := range kinds {
		if kind > Proportion {
			return nil, &OptionError{"NewJoint", fmt.Sprintf("kinds[%d]", i), kind, "want Mean or Proportion"}
		}
	}
	return newJoint(slices.Clone(kinds)), nil
}

func newJoint(kinds []Kind) *Joint {
	k := len(kinds)
	return &Joint{kinds: kinds, sums: make([]pair, k), cross: make([]pair, k*(k+1)/2)}
}

// JointOf returns a joint of n users whose sums, and sums of products
// products[i][j] for i ≤ j, came from elsewhere. Of a [Proportion] the product
// with itself is the sum. Sums that no numbers have are an error that wraps
// [ErrVariance], [ErrKind] or [ErrNotFinite].
func JointOf(kinds []Kind, n int64, sums []float64, products [][]float64) (*Joint, error) {
	j, err := NewJoint(kinds...)
	if err != nil {
		return nil, err
	}
	if len(sums) != len(kinds) || len(products) < len(kinds) || n < 0 {
		return nil, &OptionError{"JointOf", "sums", sums, fmt.Sprintf("want one for each of %d kinds, and a row of products", len(kinds))}
	}
	j.n = n
	at := 0
	for i, s := range sums {
		if len(products[i]) < len(kinds) {
			return nil, &OptionError{"JointOf", fmt.Sprintf("products[%d]", i), products[i], fmt.Sprintf("want %d", len(kinds))}
		}
		j.sums[i].hi = s
		for l := i; l < len(kinds); l++ {
			p := products[i][l]
			if math.IsNaN(s-s) || math.IsNaN(p-p) {
				return nil, &ValueError{"JointOf", "sums", []float64{s, p}, ErrNotFinite}
			}
			j.cross[at].hi = p
			at++
		}
		if kinds[i] == Proportion && !(s >= 0 && s <= float64(n) && math.Abs(products[i][i]-s) <= 1e-9*s) {
			return nil, &ValueError{"JointOf", fmt.Sprintf("sums of proportion %d", i), []float64{s, products[i][i]}, ErrKind}
		}
		if n > 0 && !(j.centred(i, i) >= -1e-9*products[i][i]) || n == 0 && (s != 0 || products[i][i] != 0) {
			return nil, &ValueError{"JointOf", "sum of squares", products[i][i], ErrVariance}
		}
	}
	for i := range kinds {
		for l := range i {
			// As far as rounding of the sums allows, no correlation is above 1.
			a, b := math.Sqrt(max(0, j.centred(i, i))), math.Sqrt(max(0, j.centred(l, l)))
			most := float64(a*b) + 1e-9*math.Sqrt(products[i][i])*math.Sqrt(products[l][l])
			if n > 0 && !(math.Abs(j.centred(l, i)) <= most*(1+1e-9)) || n == 0 && products[l][i] != 0 {
				return nil, &ValueError{"JointOf", fmt.Sprintf("sum of products %d and %d", l, i), products[l][i], ErrVariance}
			}
		}
	}
	return j, nil
}

// Clone returns an independent copy.
func (j *Joint) Clone() *Joint {
	c := *j
	c.kinds, c.sums, c.cross = slices.Clone(j.kinds), slices.Clone(j.sums), slices.Clone(j.cross)
	if c.columns, c.ready = nil, 0; j.pending > 0 {
		c.columns, c.ready = slices.Clone(j.columns), j.ready
	}
	return &c
}

// settled returns j with all users in the sums: a copy where some are pending,
// because reading must not write.
func (j *Joint) settled() *Joint {
	if j == nil || j.pending == 0 {
		return j
	}
	c := j.Clone()
	c.settle()
	return c
}

// Sub takes a user's values out that were added before.
func (j *Joint) Sub(x ...float64) {
	if !j.usable("Sub", x) {
		return
	}
	j.n--
	j.accumulate(x, -1)
	j.normalize()
}

// Merge adds what o holds; its variables must be of the same kinds.
func (j *Joint) Merge(o *Joint) error {
	if o == nil {
		return &OptionError{"Merge", "o", o, "want a joint"}
	}
	if !slices.Equal(j.kinds, o.kinds) {
		return &ValueError{"Merge", "kinds", fmt.Sprintf("%v into %v", o.kinds, j.kinds), ErrKind}
	}
	j.settle()
	o = o.settled()
	j.n += o.n
	for i := range j.sums {
		j.sums[i].merge(o.sums[i])
	}
	for i := range j.cross {
		j.cross[i].merge(o.cross[i])
	}
	if j.err == nil {
		j.err = o.err
	}
	return nil
}

// Err returns why no estimate can be made, nil if one can.
func (j *Joint) Err() error { return j.err }

// N returns how many users were added, less those taken out.
func (j *Joint) N() int64 { return j.n }

// Variables returns how many values a user has.
func (j *Joint) Variables() int { return len(j.kinds) }

// Mean returns the mean of a variable, NaN of no users and of a variable that
// there is not.
func (j *Joint) Mean(i int) float64 {
	if !j.has(i) {
		return math.NaN()
	}
	return j.settled().mean(i)
}

func (j *Joint) mean(i int) float64 { return meanOf(j.sums[i], j.n) }

func (j *Joint) has(i int) bool { return i >= 0 && i < len(j.kinds) }

// Moments returns the moments of one variable. Those of a variable that there
// is not have an [*OptionError] as their Err.
func (j *Joint) Moments(i int) *Moments {
	if !j.has(i) {
		return &Moments{err: &OptionError{"Moments", "variable", i, fmt.Sprintf("want 0 to %d", len(j.kinds)-1)}}
	}
	j = j.settled()
	return &Moments{Kind: j.kinds[i], n: j.n, s1: j.sums[i], s2: j.cross[j.place(i, i)], err: j.err}
}

// Select returns a joint of some of the variables, in the order given: one pass
// over users then serves several metrics and sets of covariates. A variable
// that there is not makes its Err an [*OptionError].
func (j *Joint) Select(variables ...int) *Joint {
	j = j.settled()
	kinds := make([]Kind, len(variables))
	for i, v := range variables {
		if !j.has(v) {
			out := newJoint(kinds)
			out.err = &OptionError{"Select", "variables", slices.Clone(variables), fmt.Sprintf("want 0 to %d", len(j.kinds)-1)}
			return out
		}
		kinds[i] = j.kinds[v]
	}
	out := newJoint(kinds)
	if out.n, out.err = j.n, j.err; len(variables) == 0 || len(variables) > MaxVariables {
		out.err = &OptionError{"Select", "variables", slices.Clone(variables), fmt.Sprintf("want 1 to %d", MaxVariables)}
		return out
	}
	at := 0
	for i, a := range variables {
		out.sums[i] = j.sums[a]
		for _, b := range variables[i:] {
			out.cross[at] = j.cross[j.place(a, b)]
			at++
		}
	}
	return out
}

// Covariance returns the covariance of two variables, with the divisor n − 1,
// or n for two proportions; of a variable with itself the variance. It is NaN
// of fewer than two users and of variables that there are not.
func (j *Joint) Covariance(a, b int) float64 {
	if !j.has(a) || !j.has(b) {
		return math.NaN()
	}
	return j.settled().covariance(a, b)
}

func (j *Joint) covariance(a, b int) float64 {
	if j.n < 2 {
		return math.NaN()
	}
	c := j.centred(a, b)
	if a == b && onlyRounding(c, j.n, j.sums[a], j.cross[j.place(a, a)]) {
		return 0
	}
	if j.kinds[a] == Proportion && j.kinds[b] == Proportion {
		return c / float64(j.n)
	}
	return c / float64(j.n-1)
}

func (j *Joint) place(a, b int) int {
	a, b = min(a, b), max(a, b)
	return a*len(j.kinds) - a*(a-1)/2 + b - a
}

// centred returns the sum of products around the means.
func (j *Joint) centred(a, b int) float64 {
	s := j.cross[j.place(a, b)].sum()
	s.Merge(productOver(j.sums[a].sum(), j.sums[b].sum(), j.n).Neg())
	return s.Value()
}

// check refuses what no estimate can be made of, and returns the rest settled.
func (j *Joint) check(fn, arm string, variables int) (*Joint, error) {
	switch {
	case j == nil:
		return nil, &ValueError{fn, arm, "no sums", ErrTooFew}
	case j.err != nil:
		return nil, fmt.Errorf("experiment: %s: %s: %w", fn, arm, j.err)
	case len(j.kinds) == 0:
		return nil, &OptionError{fn, arm + " variables", 0, "want one of NewJoint"}
	case variables > 0 && len(j.kinds) != variables:
		return nil, &OptionError{fn, arm + " variables", len(j.kinds), fmt.Sprintf("want %d", variables)}
	case j.n < 2:
		return nil, &ValueError{fn, arm + " of n", j.n, ErrTooFew}
	}
	return j.settled(), nil
}

const jointKind, jointVersion = "experiment.Joint", 0

// AppendBinary appends the joint to b. One with an Err is not written.
func (j *Joint) AppendBinary(b []byte) ([]byte, error) {
	if j.err != nil {
		return b, j.err
	}
	j = j.settled()
	w := wire.NewWriter(jointKind, jointVersion)
	s := w.Section("sums")
	s.Count(len(j.kinds))
	for _, k := range j.kinds {
		s.Byte(byte(k))
	}
	s.Varint(j.n)
	for _, p := range slices.Concat(j.sums, j.cross) {
		p.sum().Write(s)
	}
	return w.AppendTo(b), nil
}

// MarshalBinary is AppendBinary of nothing.
func (j *Joint) MarshalBinary() ([]byte, error) { return j.AppendBinary(nil) }

// UnmarshalBinary replaces j by what AppendBinary wrote. Damaged bytes are an
// error that wraps [ErrCorrupt] or [ErrVersion] and leave j as it was.
func (j *Joint) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, jointKind, jointVersion)
	if err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	r := f.Section("sums")
	k := r.Count(1)
	if k == 0 || k > MaxVariables {
		r.Fail("%d variables", k)
		k = 0
	}
	kinds := make([]Kind, k)
	for i := range kinds {
		if kinds[i] = Kind(r.Byte()); kinds[i] > Proportion {
			r.Fail("unknown kind %d", kinds[i])
		}
	}
	d := newJoint(kinds)
	d.n = r.Varint()
	for _, list := range [][]pair{d.sums, d.cross} {
		for i := range list {
			list[i].set(stats.ReadSum(r))
		}
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	*j = *d
	return nil
}
