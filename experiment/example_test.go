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
