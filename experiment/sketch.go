package experiment

import (
	"encoding"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/zhun-go/zhun/internal/wire"
)

var (
	_ encoding.BinaryAppender    = (*Sketch)(nil)
	_ encoding.BinaryMarshaler   = (*Sketch)(nil)
	_ encoding.BinaryUnmarshaler = (*Sketch)(nil)
)

// Sketch counts values in buckets whose width is 1/128 of a power of two: what
// quantiles need where rows are not kept. A quantile is within 1/128 of the
// true one, relatively; 0 is exact. Unlike sketches that sample or compress, it
// is a plain sum: values can be taken out again, shards merge, and the bytes
// are those of one pass, always.
//
// It holds as many counts as there are buckets with values in them: 1,700 for
// values from 1 cent to 100 euros, as many again up to 1 million; half a million
// at the very most. Buckets are read off the bits of the number, so they are
// the same everywhere.
//
// The zero value is empty. Not safe for concurrent use.
type Sketch struct {
	n      int64
	counts map[int32]int64 // no zeros
	err    error
}

const sketchShift = 52 - 7

// bucketOf orders buckets as numbers are ordered.
func bucketOf(x float64) int32 {
	b := int32(math.Float64bits(math.Abs(x)) >> sketchShift)
	if x < 0 {
		return -b - 1
	}
	return b
}

// edges of a bucket; values below 2⁻¹⁰²² are taken as 0.
func edges(b int32) (lo, hi float64) {
	if b < 0 {
		lo, hi = edges(-b - 1)
		return -hi, -lo
	}
	if b < 1<<7 {
		return 0, 0
	}
	return math.Float64frombits(uint64(b) << sketchShift), min(math.MaxFloat64, math.Float64frombits(uint64(b+1)<<sketchShift))
}

// Add adds a value. One that is not finite is not added: [Sketch.Err] then says
// so for ever.
func (s *Sketch) Add(x float64) { s.add("Add", x, 1) }

// Sub takes a value out that was added before, to this sketch or to one that is
// merged with it later.
func (s *Sketch) Sub(x float64) { s.add("Sub", x, -1) }

func (s *Sketch) add(fn string, x float64, times int64) {
	if math.IsNaN(x - x) {
		if s.err == nil {
			s.err = &ValueError{fn, "value", x, ErrNotFinite}
		}
		return
	}
	s.put(bucketOf(x), times)
}

func (s *Sketch) put(bucket int32, times int64) {
	if s.counts == nil {
		s.counts = map[int32]int64{}
	}
	s.n += times
	if s.counts[bucket] += times; s.counts[bucket] == 0 {
		delete(s.counts, bucket)
	}
}

// Merge adds what o holds, which stays as it is.
func (s *Sketch) Merge(o *Sketch) error {
	if o == nil {
		return &OptionError{"Merge", "o", o, "want a sketch"}
	}
	for b, c := range maps.Clone(o.counts) { // a copy, for o may be s
		s.put(b, c)
	}
	if s.err == nil {
		s.err = o.err
	}
	return nil
}

// N returns how many values were added, less those taken out.
func (s *Sketch) N() int64 { return s.n }

// Err returns why no quantile can be made of this sketch, nil if one can.
func (s *Sketch) Err() error { return s.err }

// Quantile returns a quantile, 0 < level < 1, with the order statistics that
// bound it, for [Quantiles]: what [QuantileOf] returns of the values, to within
// the buckets. Fewer than two values are [ErrTooFew], more taken out than were
// ever in is [ErrVariance].
func (s *Sketch) Quantile(level float64) (Quantile, error) {
	const fn = "Sketch.Quantile"
	switch {
	case s.err != nil:
		return Quantile{}, s.err
	case !(level > 0 && level < 1):
		return Quantile{}, &OptionError{fn, "level", level, "want 0 < level < 1"}
	case s.n < 2:
		return Quantile{}, &ValueError{fn, "values, n", s.n, ErrTooFew}
	}
	keys := slices.Sorted(maps.Keys(s.counts))
	for _, b := range keys {
		if c := s.counts[b]; c < 0 {
			lo, hi := edges(b)
			return Quantile{}, &ValueError{fn, "count", fmt.Sprintf("%d from %g to %g", c, lo, hi), ErrVariance}
		}
	}
	ranks := quantileRanks(float64(s.n), level)
	var at [4]float64
	for i, r := range ranks {
		at[i] = s.order(keys, r)
	}
	h := float64(s.n-1) * level
	value := between(at[2], at[3], h-math.Floor(h))
	return Quantile{N: s.n, Level: level, Value: value, Lo: at[0], Hi: at[1]}, nil
}

// quantileRanks returns the ranks, from 0, of the bounds of a quantile and of
// the two values that it is between.
func quantileRanks(n, level float64) [4]float64 {
	s := z975 * math.Sqrt(n*level*(1-level))
	h := math.Floor((n - 1) * level)
	return [4]float64{max(0, math.Floor(n*level-s)-1), min(n-1, math.Ceil(n*level+s)), h, min(h+1, n-1)}
}

// order returns the value of a rank, those of a bucket being spread over it
// evenly.
func (s *Sketch) order(keys []int32, rank float64) float64 {
	before := 0.0
	for _, b := range keys {
		c := float64(s.counts[b])
		if rank < before+c {
			lo, hi := edges(b)
			return lo + (rank-before+.5)/c*(hi-lo)
		}
		before += c
	}
	return math.NaN() // no rank is n or more
}

const sketchKind, sketchVersion = "experiment.Sketch", 0

// AppendBinary appends the sketch to b. One with an Err is not written.
func (s *Sketch) AppendBinary(b []byte) ([]byte, error) {
	if s.err != nil {
		return b, s.err
	}
	w := wire.NewWriter(sketchKind, sketchVersion)
	out := w.Section("counts")
	out.Count(len(s.counts))
	last := int64(math.MinInt32)
	for _, k := range slices.Sorted(maps.Keys(s.counts)) {
		out.Uvarint(uint64(int64(k) - last))
		out.Varint(s.counts[k])
		last = int64(k)
	}
	return w.AppendTo(b), nil
}

// MarshalBinary is AppendBinary of nothing.
func (s *Sketch) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary replaces s by what AppendBinary wrote. Damaged bytes are an
// error that wraps [ErrCorrupt] or [ErrVersion] and leave s as it was.
func (s *Sketch) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, sketchKind, sketchVersion)
	if err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	r := f.Section("counts")
	d := Sketch{counts: map[int32]int64{}}
	last, edge := int64(math.MinInt32), int64(bucketOf(math.MaxFloat64))
	for i := range r.Count(2) {
		step := r.Uvarint()
		c := r.Varint()
		k := last + int64(min(step, 1<<33))
		if i > 0 && step == 0 || k < -edge-1 || k > edge || c == 0 || c > 1<<53 || c < -1<<53 {
			r.Fail("bucket %d holds %d", k, c)
			break
		}
		d.counts[int32(k)] = c
		d.n += c
		last = k
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	*s = d
	return nil
}

// String tells how many values are held and the median.
func (s *Sketch) String() string {
	q, err := s.Quantile(.5)
	if err != nil {
		return fmt.Sprintf("sketch of %d values", s.n)
	}
	return fmt.Sprintf("sketch of %d values in %d buckets, median %.4g", s.n, len(s.counts), q.Value)
}
