package main

import (
	"time"
	_ "time/tzdata" // the simulated shop keeps its town's hours, also where no time zones are installed

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/sim"
	"github.com/zhun-go/zhun/profile"
)

// freeShipping is the experiment that the simulated shop runs. The shop asks it for the
// arm of a visitor, tells nobody but the log ("Experiment Viewed"), and ships accordingly.
func freeShipping() (*experiment.Experiment, error) {
	return experiment.New(sim.ExperimentID, []experiment.Arm{{Name: sim.ArmControl, Weight: 1}, {Name: sim.ArmTreatment, Weight: 1}}, nil)
}

// simulated is the retailer of the default run. Its events take the way that a
// file's take: they are written as JSON lines and read back.
func simulated(c config) (*source, error) {
	trial, err := freeShipping()
	if err != nil {
		return nil, err
	}
	w, err := sim.New(&sim.Options{Seed: c.seed, Customers: c.customers, Days: c.days, Assign: trial.Assign})
	if err != nil {
		return nil, err
	}
	start := time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC) // the simulator's default
	var now time.Time
	return &source{
		input:    Input{Kind: "simulator", Customers: c.customers, Days: c.days, Seed: c.seed, Currency: sim.Currency},
		total:    int64(c.days),
		position: func() int64 { return int64(now.Sub(start) / (24 * time.Hour)) },
		truth:    newTruth(w),
		weights:  trial.Weights(),
		events: func(yield func(profile.Event, error) bool) {
			var line []byte
			for e := range w.Events() {
				now = e.Received
				line = e.AppendSegment(line[:0])
				if !yield(profile.DecodeSegment(line)) {
					return
				}
			}
		},
	}, nil
}
