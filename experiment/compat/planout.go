package compat

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// PlanOut draws for one parameter of one experiment (E. Bakshy, D. Eckles and
// M. S. Bernstein, "Designing and deploying online field experiments", WWW
// 2014; the Python reference). Every draw hashes
// Salt.Parameter.unit1.unit2….
type PlanOut struct {
	Salt      string // of the experiment
	Parameter string // its name, or its own salt
	Units     []string
}

// planoutScale is the largest value of the 15 hexadecimal digits of a hash.
const planoutScale = 1<<60 - 1

func (p PlanOut) hash(appended ...string) uint64 {
	sum := sha1.Sum([]byte(p.Salt + "." + p.Parameter + "." + strings.Join(append(p.Units[:len(p.Units):len(p.Units)], appended...), ".")))
	v, _ := strconv.ParseUint(hex.EncodeToString(sum[:8])[:15], 16, 64)
	return v
}

// Float returns a uniform number in [lo, hi].
func (p PlanOut) Float(lo, hi float64) float64 {
	return lo + float64((hi-lo)*(float64(p.hash())/planoutScale))
}

// Integer returns a uniform whole number in [lo, hi], lo where hi is below it.
func (p PlanOut) Integer(lo, hi int64) int64 {
	if hi < lo {
		return lo
	}
	return lo + int64(p.hash()%(uint64(hi-lo)+1))
}

// Bernoulli returns true with a probability.
func (p PlanOut) Bernoulli(probability float64) bool { return p.Float(0, 1) <= probability }

// Choice returns one of n, all alike; −1 of none.
func (p PlanOut) Choice(n int) int {
	if n <= 0 {
		return -1
	}
	return int(p.hash() % uint64(n))
}

// Weighted returns one of as many as there are weights, with chances in their
// ratio. Weights must be finite and not negative, and not all zero.
func (p PlanOut) Weighted(weights []float64) (int, error) {
	total := 0.0
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return -1, fmt.Errorf("compat: Weighted: weights[%d] is %v, want a finite number, not negative", i, w)
		}
		total += w
	}
	if !(total > 0) || math.IsInf(total, 1) {
		return -1, fmt.Errorf("compat: Weighted: weights sum to %v, want a positive finite sum", total)
	}
	stop, at := p.Float(0, total), 0.0
	for i, w := range weights {
		at += w
		if stop <= at {
			return i, nil
		}
	}
	return len(weights) - 1, nil
}

// Sample returns draws of n without replacement, in random order. It takes n
// steps and 8·n bytes; of more than 2²⁴ it returns nil.
func (p PlanOut) Sample(n, draws int) []int {
	if n <= 0 || n > mostChoices || draws <= 0 {
		return nil
	}
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := int(p.hash(strconv.Itoa(i)) % uint64(i+1))
		out[i], out[j] = out[j], out[i]
	}
	return out[:min(draws, n)]
}

// mostChoices bounds what is listed.
const mostChoices = 1 << 24
