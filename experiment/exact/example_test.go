package exact_test

import (
	"fmt"
	"slices"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
)

func ExampleFisher() {
	p, err := exact.Fisher(exact.Table{
		Control:   exact.Count{Successes: 1, Users: 9},
		Treatment: exact.Count{Successes: 8, Users: 11},
	}, experiment.TwoSided)
	fmt.Printf("p %.4f, %v\n", p, err)
	// Output: p 0.0098, <nil>
}

func ExampleFisherOddsRatio() {
	e, err := exact.FisherOddsRatio(exact.Table{
		Control:   exact.Count{Successes: 1, Users: 9},
		Treatment: exact.Count{Successes: 8, Users: 11},
	}, 0)
	fmt.Printf("odds %.1f times [%.2f, %.0f], %v\n", e.Value, e.Lo, e.Hi, err)
	// Output: odds 17.5 times [1.42, 1061], <nil>
}

func ExampleRateRatio() {
	r, err := exact.RateRatio(exact.Rate{Events: 12, Exposure: 1e6}, exact.Rate{Events: 3, Exposure: 1e6}, experiment.TwoSided, 0)
	if err != nil {
		panic(err)
	}
	fmt.Printf("crashes per session %.2f times [%.2f, %.2f], p %.3f\n", r.Ratio.Value, r.Ratio.Lo, r.Ratio.Hi, r.P)
	// Output: crashes per session 0.25 times [0.05, 0.93], p 0.035
}

func ExampleMannWhitney() {
	r, err := exact.MannWhitney([]float64{5.1, 4.9, 6.2, 5.8, 6, 5.5, 5.2}, []float64{6.1, 5.9, 7.2, 6.4, 6.6, 7})
	fmt.Printf("larger in %.0f %% of pairs, p %.4f, exact %v, %v\n", 100*r.Superiority, r.P, r.Exact, err)
	// Output: larger in 93 % of pairs, p 0.0082, exact true, <nil>
}

func ExampleBootstrap() {
	median := func(xs []float64) float64 {
		s := slices.Sorted(slices.Values(xs))
		return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
	}
	control := []float64{12, 30, 8, 41, 22, 19, 27, 33, 15, 24}
	treatment := []float64{25, 44, 31, 52, 28, 61, 39, 20, 47, 36}
	e, err := exact.Bootstrap(control, treatment, median, exact.BCa, &exact.Options{Seed: 1})
	fmt.Printf("medians differ by %.1f; above 0: %v, %v\n", e.Value, e.Lo > 0, err)
	// Output: medians differ by 14.5; above 0: true, <nil>
}

func ExamplePermutation() {
	control := []float64{0, 0, 12, 0, 0, 3, 0, 0}
	treatment := []float64{0, 15, 0, 9, 22, 0, 4, 11}
	p, err := exact.Permutation(control, treatment, &exact.Options{Runs: 20_000})
	fmt.Printf("means differ by %.2f, p %.3f of %d permutations, all of them %v, %v\n", p.Difference, p.P, p.Runs, p.Exact, err)
	// Output: means differ by 5.75, p 0.113 of 12870 permutations, all of them true, <nil>
}

// Stores were randomized, their days are not independent.
func ExampleClusterBootstrap() {
	control := [][]float64{{12, 13, 11}, {20, 22}, {8, 9, 8, 10}, {15, 14}, {11, 10, 12}, {17, 19}}
	treatment := [][]float64{{14, 15}, {23, 25, 24}, {12, 11}, {19, 18, 20}, {16, 15}, {21, 20, 22}}
	e, err := exact.ClusterBootstrap(control, treatment, nil, exact.Percentile, &exact.Options{Seed: 1})
	fmt.Printf("%+.2f, ± %.1f by stores", e.Value, e.StdErr)
	flat, _ := exact.Bootstrap(slices.Concat(control...), slices.Concat(treatment...), nil, exact.Percentile, &exact.Options{Seed: 1})
	fmt.Printf(", ± %.1f as if days were independent, %v\n", flat.StdErr, err)
	// Output: +5.15, ± 2.4 by stores, ± 1.5 as if days were independent, <nil>
}
