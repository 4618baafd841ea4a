package compat

import (
	"fmt"
	"math"
	"strconv"
)

// GrowthBookHash returns the place of a value in [0, 1) under a seed:
//
//	version 1: FNV1a32(value + seed) mod 1,000 / 1,000
//	version 2: FNV1a32(decimal(FNV1a32(seed + value))) mod 10,000 / 10,000
//
// Another version is an error.
func GrowthBookHash(seed, value string, version int) (float64, error) {
	switch version {
	case 1:
		return float64(fnv(fnv(fnvBasis, value), seed)%1000) / 1000, nil
	case 2:
		var buf [10]byte
		inner := strconv.AppendUint(buf[:0], uint64(fnv(fnv(fnvBasis, seed), value)), 10)
		h := uint32(fnvBasis)
		for _, c := range inner {
			h = (h ^ uint32(c)) * fnvPrime
		}
		return float64(h%10000) / 10000, nil
	}
	return 0, fmt.Errorf("compat: GrowthBookHash: version is %d, want 1 or 2", version)
}

const (
	fnvBasis = 2166136261
	fnvPrime = 16777619
)

func fnv(h uint32, s string) uint32 {
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * fnvPrime
	}
	return h
}

// Range is a half-open part of [0, 1).
type Range struct{ From, To float64 }

// Contains tells whether a hash is in the range.
func (r Range) Contains(hash float64) bool { return hash >= r.From && hash < r.To }

// GrowthBookRanges returns the bucket range of each of n variations: of the
// weights in turn, each cut down to its first coverage. Coverage is clamped to
// [0, 1]; weights of another number than n, or whose sum is not within 0.01 of
// 1, or of NaN, are replaced by equal ones, as there. Of more than 2²⁴
// variations there are none.
func GrowthBookRanges(n int, coverage float64, weights []float64) []Range {
	if n <= 0 || n > mostChoices {
		return nil
	}
	if !(coverage > 0) {
		coverage = 0
	}
	coverage = min(coverage, 1)
	total := 0.0
	for _, w := range weights {
		total += w
	}
	if len(weights) != n || !(total >= .99 && total <= 1.01) {
		weights = make([]float64, n)
		for i := range weights {
			weights[i] = 1 / float64(n)
		}
	}
	out := make([]Range, n)
	at := 0.0
	for i, w := range weights {
		out[i] = Range{at, at + float64(coverage*w)}
		at += w
	}
	return out
}

// GrowthBookChoose returns the variation whose range holds the hash, −1 for
// none.
func GrowthBookChoose(hash float64, ranges []Range) int {
	for i, r := range ranges {
		if r.Contains(hash) {
			return i
		}
	}
	return -1
}

// GrowthBookNamespace tells whether a value is in a namespace's range, which
// excludes experiments from each other.
func GrowthBookNamespace(value, namespace string, r Range) bool {
	h, _ := GrowthBookHash("__"+namespace, value, 1)
	return r.Contains(h)
}

// GrowthBook is an experiment as GrowthBook defines it.
type GrowthBook struct {
	Seed      string    // default there: the experiment's key
	Version   int       // of the hash, 1 or 2
	Variation int       // how many
	Coverage  float64   // share of all, 0 is nobody; default there: 1
	Weights   []float64 // nil is equal ones
}

// Assign returns the variation of a value, −1 for none. An empty value is in
// none.
func (g GrowthBook) Assign(value string) (int, error) {
	h, err := GrowthBookHash(g.Seed, value, g.Version)
	if err != nil {
		return -1, err
	}
	if value == "" || math.IsNaN(g.Coverage) {
		return -1, nil
	}
	return GrowthBookChoose(h, GrowthBookRanges(g.Variation, g.Coverage, g.Weights)), nil
}
