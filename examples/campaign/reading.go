package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/experiment"
)

// controlArm is the arm that others are compared with; without an arm of that
// name it is the first.
const controlArm = "control"

// readOut asks what the experiment did.
func (s *shop) readOut(_ context.Context, c config, src *source, _ *tally, r *Report) error {
	ratio, err := s.readout.SRM(nil)
	if err != nil || len(ratio.Arms) < 2 {
		r.leaveOut("experiment", fmt.Sprintf("the events hold no exposures to two arms of %q", c.experiment))
		return nil
	}
	e := &Experiment{
		Name: s.readout.Experiment(),
		SRM:  SRM{ChiSquare: ratio.ChiSquare, P: ratio.P, Passed: !ratio.Mismatch()},
	}
	planned := 0.0
	for _, n := range ratio.Expected {
		planned += n
	}
	for i, arm := range ratio.Arms {
		e.Arms = append(e.Arms, Arm{Name: arm, Users: ratio.Counts[i], Share: ratio.Expected[i] / planned})
	}
	e.Warnings = messages(ratio.Warnings)

	control := ratio.Arms[max(0, slices.Index(ratio.Arms, controlArm))]
	for _, arm := range ratio.Arms {
		if arm == control {
			continue
		}
		for _, metric := range s.readout.Metrics() {
			x, err := s.readout.Compare(metric.Name, control, arm, nil)
			if err != nil {
				e.Warnings = append(e.Warnings, metric.Name+": "+err.Error())
				continue
			}
			e.Crossovers = max(e.Crossovers, x.Population.Crossovers)
			m := Metric{
				Name: metric.Name, Arm: arm, Unit: unitOf(metric),
				Control: x.Control.Mean, Treatment: x.Treatment.Mean,
				Effect: Interval(x.Absolute), Relative: Interval(x.Relative), P: x.P,
			}
			for _, w := range messages(x.Warnings) {
				if !slices.Contains(e.Warnings, w) {
					m.Warnings = append(m.Warnings, w)
				}
			}
			e.Metrics = append(e.Metrics, m)
		}
	}
	if src.truth != nil {
		src.truth.effects(e)
	}
	r.Experiment = e
	return nil
}

// unitOf says how the values of a metric are to be written.
func unitOf(m experiment.Metric) string {
	switch m.Aggregate {
	case experiment.AnyEvent:
		return "share"
	case experiment.CountEvents:
		return "count"
	}
	return "money"
}

func messages(warnings []error) []string {
	var list []string
	for _, w := range warnings {
		list = append(list, strings.TrimPrefix(w.Error(), "experiment: "))
	}
	return list
}
