package laws

import (
	"math/rand/v2"
	"testing"
)

// SummarySpec says how to check one type of summary T of samples S.
type SummarySpec[T codec, S any] struct {
	// New returns an empty summary.
	New func() T
	// Sample draws one sample. Its numbers are integers, for which the laws
	// hold bit by bit.
	Sample func(r *rand.Rand) S
	// Add and Sub add a sample and take it out.
	Add, Sub func(x T, s S) error
	// Merge adds src to dst.
	Merge func(dst, src T) error
	// Rounds is the number of random samples, default 100.
	Rounds int
}

// CheckSummary holds a summary to its laws.
func CheckSummary[T codec, S any](t *testing.T, spec SummarySpec[T, S]) {
	t.Helper()
	run(t, spec.Rounds, summaryLaws(spec), func(r *rand.Rand) []S {
		samples := make([]S, r.IntN(30))
		for j := range samples {
			samples[j] = spec.Sample(r)
		}
		return samples
	})
}

func summaryLaws[T codec, S any](spec SummarySpec[T, S]) []law[S] {
	build := func(t reporter, samples []S) T {
		t.Helper()
		x := spec.New()
		for _, s := range samples {
			must(t, spec.Add(x, s))
		}
		return x
	}
	return []law[S]{
		{"order", func(t reporter, r *rand.Rand, samples []S) {
			same(t, build(t, samples), build(t, shuffled(r, samples)), "another order")
		}},
		{"sub", func(t reporter, r *rand.Rand, samples []S) {
			x := build(t, samples)
			mixed := shuffled(r, samples)
			cut := r.IntN(len(mixed) + 1)
			for _, s := range mixed[:cut] {
				must(t, spec.Sub(x, s))
			}
			same(t, build(t, mixed[cut:]), x, "taken out")
		}},
		{"merge", func(t reporter, r *rand.Rand, samples []S) {
			shards := make([]T, 1+r.IntN(4))
			for i := range shards {
				shards[i] = spec.New()
			}
			for _, s := range samples {
				must(t, spec.Add(shards[r.IntN(len(shards))], s))
			}
			for _, s := range shards[1:] {
				must(t, spec.Merge(shards[0], s))
			}
			same(t, build(t, samples), shards[0], "merged from shards")
		}},
		{"bytes", func(t reporter, r *rand.Rand, samples []S) {
			cut := r.IntN(len(samples) + 1)
			x := build(t, samples[:cut])
			checkBytes(t, r, x, spec.New(), build(t, samples[cut:]))
			y := spec.New()
			must(t, y.UnmarshalBinary(encode(t, x)))
			for _, s := range samples[cut:] {
				must(t, spec.Add(y, s))
			}
			same(t, build(t, samples), y, "decoded, then added to")
		}},
		{"hostile", func(t reporter, r *rand.Rand, samples []S) {
			cut := r.IntN(len(samples) + 1)
			for _, x := range checkHostile(t, r, build(t, samples[:cut]), spec.New, build(t, samples[cut:]), encode(t, spec.New())) {
				// What was accepted can be worked with, if only to refuse.
				for _, s := range samples {
					if spec.Add(x, s) != nil || spec.Sub(x, s) != nil {
						break
					}
				}
				_ = spec.Merge(x, build(t, samples))
			}
		}},
	}
}
