package experiment_test

import (
	"fmt"
	"time"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
)

// Three headlines and a control: one test first, whether any differs.
func ExampleAnyDifference() {
	var arms []*experiment.Moments
	for _, clicks := range []float64{310, 325, 298, 371} {
		m, err := experiment.MomentsOf(experiment.Proportion, 10_000, clicks, 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		arms = append(arms, m)
	}
	o, err := experiment.AnyDifference(arms...)
	fmt.Println(o, err)
	// Output:
	// Pearson's chi-square of 4 arms: 9.722, df 3, p 0.0211
	//   arm 0: n 10000, mean 0.031 ± 0.00173
	//   arm 1: n 10000, mean 0.0325 ± 0.00177
	//   arm 2: n 10000, mean 0.0298 ± 0.0017
	//   arm 3: n 10000, mean 0.0371 ± 0.00189 <nil>
}

func ExampleLin() {
	var d experiment.Observations
	for i := range 40 {
		before := float64(i * 7 % 11)
		treated := i%3 == 0
		y := 5 + before + float64(i%4)
		if treated {
			y += 1 + before/2 // more for those who bought more before
		}
		d.Y, d.Treated, d.X = append(d.Y, y), append(d.Treated, treated), append(d.X, []float64{before})
	}
	for _, se := range []experiment.StdErr{experiment.HC2, experiment.HC3} {
		c, err := experiment.Lin(d, se, nil)
		fmt.Printf("%s: %.3f ± %.3f, %v\n", c.Method, c.Absolute.Value, c.Absolute.StdErr, err)
	}
	// Output:
	// Lin's regression, HC2: 3.516 ± 0.395, <nil>
	// Lin's regression, HC3: 3.516 ± 0.423, <nil>
}

// Is the cheaper delivery no more than 1 % worse?
func ExampleComparison_Equivalence() {
	control, _ := experiment.MomentsOf(experiment.Mean, 40_000, 1_000_000, 27_000_000)
	treatment, _ := experiment.MomentsOf(experiment.Mean, 40_000, 1_001_000, 27_060_000)
	c, err := experiment.Welch(control, treatment, &experiment.TestOptions{Scale: experiment.Relative})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := c.Equivalence(-.01, .01)
	fmt.Printf("not worse by 1 %%: p %.2g; within 1 %% either way: p %.2g, %v\n", e.PLow, e.P, err)
	// Output: not worse by 1 %: p 2e-08; within 1 % either way: p 3.5e-06, <nil>
}

func ExampleWinsorize() {
	control := []float64{12, 9, 14, 11, 10, 13, -200, 12}
	treatment := []float64{14, 15, 12, 900, 13, 16, 14, 12}
	a, b, least, most, err := experiment.Winsorize(control, treatment, .1, .9)
	fmt.Println(least, most, err)
	fmt.Println(a)
	fmt.Println(b)
	// Output:
	// 9.5 15.5 <nil>
	// [12 9.5 14 11 10 13 9.5 12]
	// [14 15 12 15.5 13 15.5 14 12]
}

// What a readout knows of an arm, for a test that it does not have.
func ExampleReadout_Values() {
	r, err := experiment.NewReadout("new-search", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	day := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for user := uint32(1); user <= 24; user++ {
		arm := []string{"old", "new"}[user%2]
		_ = r.Expose(user, experiment.Exposure{Arm: arm, At: day})
		_ = r.Record(user, "minutes", float64(user*37%29)+5*float64(user%2), day.Add(time.Hour))
	}
	var arms [2][]float64
	for i, arm := range []string{"old", "new"} {
		values, err := r.Values("minutes", arm, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, v := range values {
			arms[i] = append(arms[i], v.Value)
		}
	}
	w, err := exact.MannWhitney(arms[0], arms[1])
	fmt.Printf("%d and %d users, larger in %.0f %% of pairs, p %.3f, %v\n", len(arms[0]), len(arms[1]), 100*w.Superiority, w.P, err)
	// Output: 12 and 12 users, larger in 64 % of pairs, p 0.272, <nil>
}

// Covariates by regression, in a readout, with errors that need no equal
// variances.
func ExampleTestOptions_regression() {
	r, err := experiment.NewReadout("new-search", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	day := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for user := uint32(1); user <= 90; user++ {
		arm, before := []string{"old", "new", "old"}[user%3], float64(user*37%29)
		_ = r.Record(user, "minutes", before, day.Add(-time.Hour))
		_ = r.Expose(user, experiment.Exposure{Arm: arm, At: day})
		_ = r.Record(user, "minutes", before+float64(user%7)+2*float64(user%3%2), day.Add(time.Hour))
	}
	covariates := []experiment.Covariate{{Before: 24 * time.Hour}}
	for _, o := range []experiment.TestOptions{{}, {Covariates: covariates}, {Covariates: covariates, Regression: true, StdErr: experiment.HC3}} {
		c, err := r.Compare("minutes", "old", "new", &o)
		fmt.Printf("%s: %.2f ± %.2f, %v\n", c.Method, c.Absolute.Value, c.Absolute.StdErr, err)
	}
	// Output:
	// Welch's t: 1.50 ± 1.92, <nil>
	// Welch's t, CUPED: 1.90 ± 0.45, <nil>
	// Lin's regression, HC3: 1.90 ± 0.47, <nil>
}

// Two experiments that must not meet share a layer; a holdout stays out of both.
func ExampleLayer() {
	arms := []experiment.Arm{{Name: "control", Weight: 1}, {Name: "new", Weight: 1}}
	out := []experiment.Holdout{{Name: "2026", Share: .05}}
	basket, err := experiment.New("basket", arms, &experiment.Options{Layer: &experiment.Layer{Name: "checkout", From: 0, To: .5}, Holdouts: out})
	if err != nil {
		fmt.Println(err)
		return
	}
	payment, err := experiment.New("payment", arms, &experiment.Options{Layer: &experiment.Layer{Name: "checkout", From: .5, To: 1}, Holdouts: out})
	if err != nil {
		fmt.Println(err)
		return
	}
	var one, other, both, none int
	for i := range 100_000 {
		unit := fmt.Sprint("visitor-", i)
		_, a := basket.Assign(unit)
		_, b := payment.Assign(unit)
		switch {
		case a && b:
			both++
		case a:
			one++
		case b:
			other++
		default:
			none++
		}
	}
	fmt.Printf("basket %.1f %%, payment %.1f %%, both %d, held out %.1f %%\n", float64(one)/1000, float64(other)/1000, both, float64(none)/1000)
	// Output: basket 47.5 %, payment 47.5 %, both 0, held out 5.0 %
}
