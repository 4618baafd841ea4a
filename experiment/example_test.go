package experiment_test

import (
	"fmt"
	"time"

	"github.com/zhun-go/zhun/experiment"
)

func ExampleExperiment_Assign() {
	e, err := experiment.New("free-shipping", []experiment.Arm{
		{Name: "control", Weight: 1},
		{Name: "free", Weight: 1},
	}, &experiment.Options{Traffic: .8})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, cookie := range []string{"c-1001", "c-1002", "c-1003", "c-1004", "c-1005"} {
		arm, in := e.Assign(cookie)
		fmt.Printf("%s %v %q\n", cookie, in, arm)
	}
	// Output:
	// c-1001 true "control"
	// c-1002 true "control"
	// c-1003 true "control"
	// c-1004 true "control"
	// c-1005 false ""
}

// When weights change, the earlier ones go into Past.
func ExampleOptions_past() {
	arms := func(control, free float64) []experiment.Arm {
		return []experiment.Arm{{Name: "control", Weight: control}, {Name: "free", Weight: free}}
	}
	careful, _ := experiment.New("free-shipping", arms(90, 10), nil)
	even, _ := experiment.New("free-shipping", arms(50, 50), &experiment.Options{
		Past: []map[string]float64{{"control": 90, "free": 10}},
	})
	moved, back := 0, 0
	for i := range 10_000 {
		unit := fmt.Sprint("visitor-", i)
		before, _ := careful.Assign(unit)
		after, _ := even.Assign(unit)
		if before != after {
			moved++
			if after == "control" {
				back++
			}
		}
	}
	fmt.Printf("epoch %d: %.0f%% changed arm, %d of them to control\n", even.Epoch(), float64(moved)/100, back)
	// Output:
	// epoch 1: 40% changed arm, 0 of them to control
}

func ExampleExperiment_Decide() {
	beta := map[uint32]bool{7: true}
	e, _ := experiment.New("new-search", []experiment.Arm{{Name: "old"}, {Name: "new"}}, &experiment.Options{
		Audience: func(user uint32) bool { return beta[user] },
		Forced:   map[string]string{"tester@example.com": "new"},
	})
	for _, s := range []experiment.Subject{
		{Unit: "tester@example.com"},
		{Unit: "account-1", User: 7},
		{Unit: "account-2", User: 8},
	} {
		a, err := e.Decide(s)
		fmt.Printf("%s %q: %s, %v\n", s.Unit, a.Arm, a.Reason, err)
	}
	// Output:
	// tester@example.com "new": forced, <nil>
	// account-1 "new": hashed, <nil>
	// account-2 "": no audience, <nil>
}

func ExampleWelch() {
	// Orders per visitor of two arms, as a query returned them.
	control, _ := experiment.MomentsOf(experiment.Mean, 9_800, 1_470, 2_058)
	treatment, _ := experiment.MomentsOf(experiment.Mean, 10_200, 1_652, 2_414)
	c, err := experiment.Welch(control, treatment, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c)
	// Output:
	// metric: treatment v control (Welch's t)
	//   control    n 9800, mean 0.15 ± 0.00437
	//   treatment  n 10200, mean 0.161961 ± 0.00454
	//   difference  +0.0119608 [-0.000399794, +0.0243214] at 95%
	//   relative    +7.97% [-0.59%, +16.54%]
	//   p 0.0579 (two-sided, absolute effect against 0, t 1.897, df 19991.8)
}

func ExampleMoments() {
	var morning, evening, day experiment.Moments
	morning.AddAll([]float64{12, 15, 9})
	evening.AddAll([]float64{20, 31})
	for _, m := range []*experiment.Moments{&morning, &evening} {
		if err := day.Merge(m); err != nil {
			fmt.Println(err)
		}
	}
	day.Sub(31) // somebody asked to be forgotten
	fmt.Println(&day)
	// Output:
	// n 4, mean 14, variance 22
}

func ExampleSRM() {
	// Cookie Cats: the gate at level 30 and at level 40.
	s, err := experiment.SRM([]int{44_700, 45_489}, []float64{1, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s)
	// Output:
	// sample ratio: chi-square 6.902, df 1, p 0.00861
	//   arm 0: 44700, expected 45094.5
	//   arm 1: 45489, expected 45094.5
}

func ExampleReadout_Compare() {
	e, _ := experiment.New("free-shipping", []experiment.Arm{{Name: "control"}, {Name: "free"}}, nil)
	r, err := experiment.NewReadout("free-shipping", &experiment.ReadoutOptions{
		Window:  7 * 24 * time.Hour,
		Weights: e.Weights(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for user := uint32(1); user <= 2_000; user++ {
		a, _ := e.Decide(experiment.Subject{Unit: fmt.Sprint("account-", user), User: user})
		seen := start.Add(time.Duration(user) * time.Minute)
		// A store hands the readout events like these; here we do.
		_ = r.Observe(user, "Experiment Viewed", a.Fields(), seen)
		if user%10 == 0 || a.Arm == "free" && user%25 == 1 {
			_ = r.Observe(user, "Order Completed", map[string]any{"revenue": float64(20 + user%37)}, seen.Add(3*time.Hour))
		}
	}
	c, err := r.Compare("conversion", "control", "free", &experiment.TestOptions{AsOf: start.AddDate(0, 0, 30)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c)
	// Output:
	// conversion: free v control (Welch's t)
	//   control  n 1005, mean 0.0955224 ± 0.00927
	//   free     n 995, mean 0.136683 ± 0.0109
	//   difference  +0.041161 [+0.0131112, +0.0692109] at 95%
	//   relative    +43.09% [+7.85%, +78.33%]
	//   p 0.00405 (two-sided, absolute effect against 0, t 2.878, df 1945.36)
	//   warning: too skewed for its size: skewness 2.75 wants 2689 in the smaller arm, it has 995
}

// Orders per user, adjusted by the orders of the month before the exposure.
func ExampleCUPED() {
	var arms [2]*experiment.Joint
	for i := range arms {
		arms[i], _ = experiment.NewJoint(experiment.Mean, experiment.Mean)
	}
	for user := range 1_000 {
		arm := user % 2
		before := float64(user * 7 % 13)
		after := before + float64(user*11%5) + float64(arm)*.25
		arms[arm].Add(after, before)
	}
	c, err := experiment.CUPED(arms[0], arms[1], nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c)
	// Output:
	// metric: treatment v control (Welch's t, CUPED)
	//   control    n 500, mean 8.00005 ± 0.0633
	//   treatment  n 500, mean 8.24995 ± 0.0633
	//   difference  +0.249897 [+0.0742038, +0.425589] at 95%
	//   relative    +3.14% [+0.88%, +5.40%]
	//   p 0.00535 (two-sided, absolute effect against 0, t 2.791, df 998)
	//   adjusted: covariates with θ 1.001: variance less 87.5 %, effect 0.334 without
}

// Revenue per session, when users are randomized.
func ExampleRatio() {
	var arms [2]*experiment.Joint
	for i := range arms {
		arms[i], _ = experiment.NewJoint(experiment.Mean, experiment.Mean)
		for user := range 500 {
			sessions := float64(1 + user%4)
			arms[i].Add(sessions*float64(user%9)+float64(i), sessions)
		}
	}
	c, err := experiment.Ratio(arms[0], arms[1], &experiment.TestOptions{Scale: experiment.Relative, Interval: experiment.Log})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Effect())
	// Output:
	// 0.100604 [0.0116743, 0.19735]
}

func ExampleQuantiles() {
	load := func(seconds float64) []float64 {
		xs := make([]float64, 2_000)
		for i := range xs {
			xs[i] = seconds * float64(1+i*i%997) / 100
		}
		return xs
	}
	a, _ := experiment.QuantileOf(load(1), .95)
	b, _ := experiment.QuantileOf(load(1.05), .95)
	c, err := experiment.Quantiles(a, b, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Method, c.Absolute)
	// Output:
	// Welch's t on the 0.95 quantile 0.472525 [0.327517, 0.617533]
}

func ExampleProportions() {
	control, _ := experiment.MomentsOf(experiment.Proportion, 1_000, 100, 0)
	treatment, _ := experiment.MomentsOf(experiment.Proportion, 1_000, 96, 0)
	// Is the treatment at most three points worse?
	c, err := experiment.Proportions(control, treatment, experiment.Score, &experiment.TestOptions{
		Null: -.03, Alternative: experiment.Greater,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+.3f, at least %+.3f, p %.4f\n", c.Absolute.Value, c.Absolute.Lo, c.P)
	// Output:
	// -0.004, at least -0.026, p 0.0260
}

func ExampleAdjust() {
	p := []float64{.001, .02, .04, .3}
	for _, m := range []experiment.Correction{experiment.Bonferroni, experiment.Holm, experiment.BH} {
		adjusted, _ := experiment.Adjust(p, m)
		fmt.Printf("%v %.3f\n", m, adjusted)
	}
	// Output:
	// Bonferroni [0.004 0.080 0.160 1.000]
	// Holm [0.004 0.060 0.080 0.300]
	// BH [0.004 0.040 0.053 0.300]
}

func ExampleSequentialSRM() {
	s, err := experiment.SequentialSRM([]int{5_210, 4_790}, []float64{1, 1}, 0)
	fmt.Printf("p %.4f %v\n", s.P, err)
	// Output:
	// p 0.0172 <nil>
}

func ExampleParse() {
	e, err := experiment.Parse([]byte(`{
		"key": "free-shipping",
		"arms": [{"name": "control", "weight": 1}, {"name": "free", "weight": 1}],
		"layer": {"name": "checkout", "from": 0, "to": 0.5},
		"holdouts": [{"name": "2026", "share": 0.05}]
	}`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	in := 0
	for i := range 10_000 {
		if _, ok := e.Assign(fmt.Sprint("account-", i)); ok {
			in++
		}
	}
	fmt.Printf("%.0f%% take part\n", float64(in)/100)
	_, err = experiment.Parse([]byte(`{"key": "x", "arms": [{"name": "a"}], "trafic": 0.5}`), nil)
	fmt.Println(err)
	// Output:
	// 47% take part
	// experiment: Parse: invalid option at byte 38: json: unknown field "trafic"
}

func ExampleReadout_Report() {
	r, _ := experiment.NewReadout("free-shipping", nil)
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for user := uint32(1); user <= 3_000; user++ {
		arm := []string{"control", "free", "half"}[user%3]
		_ = r.Expose(user, experiment.Exposure{Arm: arm, At: start})
		if (user/3)%5 == 0 || arm == "free" && (user/3)%17 == 1 {
			_ = r.Observe(user, "Order Completed", map[string]any{"revenue": float64(20 + user%37)}, start.Add(time.Hour))
		}
	}
	report, err := r.Report("control", experiment.Holm, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report)
	// Output:
	// free-shipping, against control
	// arm   metric      users        control  treatment  relative  interval           p       Holm    doubts
	// free  conversion  1000 + 1000  0.2      0.247      +23.50%   +3.17% … +43.83%   0.0116  0.0695  none
	// free  orders      1000 + 1000  0.2      0.247      +23.50%   +3.16% … +43.84%   0.0116  0.0695  none
	// free  revenue     1000 + 1000  7.576    9.325      +23.09%   +1.80% … +44.37%   0.018   0.0722  too skewed for its size
	// half  conversion  1000 + 1000  0.2      0.2        +0.00%    -17.54% … +17.54%  1       1       none
	// half  orders      1000 + 1000  0.2      0.2        +0.00%    -17.55% … +17.55%  1       1       none
	// half  revenue     1000 + 1000  7.576    7.603      +0.36%    -18.11% … +18.82%  0.97    1       too skewed for its size
	// sample ratio: chi-square 0, df 2, p 1
	//   free: 1000, expected 1000.0
	//   half: 1000, expected 1000.0
	//   control: 1000, expected 1000.0
}
