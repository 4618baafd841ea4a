package recommend

import (
	"fmt"
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// Value says what a user's summed weight on an item is worth: the f of
// X_ui = f(Σ weight). The zero value is [Binary]. Immutable; safe for
// concurrent use.
type Value struct {
	kind byte
	cap  float64
}

const (
	valueBinary = iota
	valueLog1p
	valueCap
)

// Binary is 1 for every positive sum: whether, not how often. Item-based
// models on purchases and clicks are usually best with it.
func Binary() Value { return Value{} }

// Log1p is ln(1 + sum), as for implicit counts in Hu, Koren and Volinsky,
// "Collaborative filtering for implicit feedback datasets" (2008).
func Log1p() Value { return Value{kind: valueLog1p} }

// Cap is min(sum, limit). The limit is positive.
func Cap(limit float64) Value { return Value{kind: valueCap, cap: limit} }

// String returns the name as it is written in Go.
func (v Value) String() string {
	switch v.kind {
	case valueLog1p:
		return "Log1p"
	case valueCap:
		return fmt.Sprintf("Cap(%g)", v.cap)
	}
	return "Binary"
}

func (v Value) validate() error {
	if v.kind == valueCap && !(v.cap >= minWeight && v.cap <= maxWeight) {
		return badOption("HistoryOptions.Value", v, "the cap must be within 1e-12 and 1e12")
	}
	return nil
}

// of returns f(sum), 0 for what sums to nothing.
func (v Value) of(sum float64) float64 {
	if sum <= 0 {
		return 0
	}
	switch v.kind {
	case valueLog1p:
		return math.Log1p(sum)
	case valueCap:
		return min(sum, v.cap)
	}
	return 1
}

// weightSum adds weights so that what was added and removed is gone: sums of
// integers are exact, and what double-double arithmetic leaves of other sums
// that cancel is taken for zero.
type weightSum struct {
	sum stats.Sum
	abs float64
}

func (s *weightSum) add(w float64) {
	s.sum.Add(w)
	s.abs += math.Abs(w)
}

func (s *weightSum) value() float64 {
	v := s.sum.Value()
	if math.Abs(v) <= 1e-12*s.abs {
		return 0
	}
	return v
}
