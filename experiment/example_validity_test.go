package experiment_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/zhun-go/zhun/experiment"
)

// trial is a test of 600 users over four weeks: the treatment's effect wears
// off, and one user of it buys a house.
func trial() (*experiment.Readout, time.Time, error) {
	const day = 24 * time.Hour
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	r, err := experiment.NewReadout("banner", nil)
	if err != nil {
		return nil, start, err
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for user := uint32(1); user <= 600; user++ {
		arm := int(user % 2)
		at := start.Add(time.Duration(rnd.IntN(24)) * time.Hour)
		err = errors.Join(err, r.Expose(user, experiment.Exposure{Arm: []string{"old", "new"}[arm], At: at}))
		err = errors.Join(err, r.Record(user, "spend", 10+rnd.NormFloat64(), at.Add(-day)))
		for week := range 4 {
			spend := 10 + rnd.NormFloat64() + float64(arm)*(2-.5*float64(week))
			if user == 77 && week == 3 {
				spend = 250_000
			}
			err = errors.Join(err, r.Record(user, "spend", spend, at.Add(time.Duration(week)*7*day+time.Hour)))
		}
	}
	return r, start.Add(30 * day), err
}

func ExampleReadout_Balance() {
	r, now, err := trial()
	if err != nil {
		panic(err)
	}
	b, err := r.Balance("old", "new", &experiment.TestOptions{
		AsOf: now, Covariates: []experiment.Covariate{{Metric: "spend"}},
	})
	fmt.Println("different before anyone saw anything:", b.Biased(), err)
	// Output: different before anyone saw anything: false <nil>
}

func ExampleReadout_Influence() {
	r, now, err := trial()
	if err != nil {
		panic(err)
	}
	f, err := r.Influence("spend", "old", "new", 1, &experiment.TestOptions{AsOf: now})
	if err != nil {
		panic(err)
	}
	fmt.Printf("effect %.0f, of which user %d alone %.0f\n", f.Comparison.Absolute.Value, f.Users[0].User, f.Users[0].Shift)
	fmt.Printf("without: %.1f ± %.1f\n", f.Without.Absolute.Value, f.Without.Absolute.StdErr)
	// Output:
	// effect 838, of which user 77 alone 833
	// without: 5.0 ± 0.2
}

func ExampleReadout_Novelty() {
	r, now, err := trial()
	if err != nil {
		panic(err)
	}
	n, err := r.Novelty("spend", "old", "new", 7*24*time.Hour, 4, &experiment.TestOptions{
		AsOf: now, Within: func(user uint32) bool { return user != 77 },
	})
	if err != nil {
		panic(err)
	}
	for week, c := range n.Slices {
		fmt.Printf("week %d: %+.1f\n", week+1, c.Absolute.Value)
	}
	fmt.Printf("it wears off: %v\n", n.Slope.Absolute.Hi < 0)
	// Output:
	// week 1: +1.9
	// week 2: +1.5
	// week 3: +1.1
	// week 4: +0.5
	// it wears off: true
}
