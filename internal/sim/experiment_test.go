package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// outcome is what a reader of the events sees of one exposed customer.
type outcome struct {
	arm     string
	at      time.Time
	orders  float64
	revenue float64
}

// outcomes collects exposures and orders from the events, as a readout does.
func outcomes(w *World) map[int]*outcome {
	type order struct {
		at      time.Time
		revenue float64
	}
	orders := map[int][]order{}
	m := map[int]*outcome{}
	for e := range w.Events() {
		h := e.Hidden
		switch {
		case h.Duplicate:
		case e.Name == "Experiment Viewed":
			if x := m[h.Customer]; x == nil {
				m[h.Customer] = &outcome{arm: e.Arm, at: h.Time}
			} else if h.Time.Before(x.at) {
				x.at = h.Time
			}
		case e.Name == "Order Completed":
			orders[h.Customer] = append(orders[h.Customer], order{h.Time, float64(e.Revenue) / 100})
		}
	}
	for c, x := range m {
		for _, o := range orders[c] {
			if !o.at.Before(x.at) {
				x.orders++
				x.revenue += o.revenue
			}
		}
	}
	return m
}

// What happened to every exposed customer is the potential outcome of the customer's arm.
func TestOutcomesArePotentialOutcomes(t *testing.T) {
	w := newWorld(t, &Options{Customers: 400})
	seen := outcomes(w)
	var exposed, differ int
	for id := range 400 {
		for _, arm := range []string{ArmControl, ArmTreatment} {
			m, in := w.potential(id, arm)
			x := seen[id]
			require.Equal(t, x != nil, in, "customer %d", id)
			if !in {
				continue
			}
			if x.arm == arm {
				exposed++
				require.Equal(t, m.Orders, x.orders, "customer %d", id)
				require.InDelta(t, m.Revenue, x.revenue, 1e-6, "customer %d", id)
				require.Equal(t, b2f(x.orders > 0), m.Conversion)
			} else if m.Orders != x.orders {
				differ++
			}
		}
	}
	require.Greater(t, exposed, 250)
	require.Positive(t, differ)
}

func TestExperimentTruth(t *testing.T) {
	w := newWorld(t, nil)
	x := w.Truth().Experiment
	require.Equal(t, ExperimentID, x.ID)
	var sum int
	var conversion, revenue float64
	for _, kind := range Types() {
		e := x.ByType[kind]
		sum += e.Exposed
		conversion += float64(e.Exposed) * (e.Treatment.Conversion - e.Control.Conversion)
		revenue += float64(e.Exposed) * (e.Treatment.Revenue - e.Control.Revenue)
		t.Logf("%-16s n %4d  conversion %.4f → %.4f  revenue %.2f → %.2f", kind, e.Exposed,
			e.Control.Conversion, e.Treatment.Conversion, e.Control.Revenue, e.Treatment.Revenue)
	}
	o := x.Overall
	require.Equal(t, o.Exposed, sum)
	require.InDelta(t, o.Treatment.Conversion-o.Control.Conversion, conversion/float64(sum), 1e-9)
	require.InDelta(t, o.Treatment.Revenue-o.Control.Revenue, revenue/float64(sum), 1e-9)
	require.Equal(t, x.ByType[QualitySeeking].Control, x.ByType[QualitySeeking].Treatment, "no effect on this type")
	price := x.ByType[PriceSensitive]
	require.Greater(t, price.Treatment.Conversion, price.Control.Conversion+0.05)
	// a fair split: 4 standard deviations of a binomial
	require.InDelta(t, float64(o.Exposed)/2, o.Assigned[ArmTreatment], 2*sqrt(float64(o.Exposed)))
}

func TestAssignIsAsked(t *testing.T) {
	units := map[string]bool{}
	w := newWorld(t, &Options{Customers: 120, Assign: func(unit string) (string, bool) {
		units[unit] = true
		switch unit[len(unit)-1] % 3 {
		case 0:
			return "", false
		case 1:
			return ArmTreatment, true
		}
		return ArmControl, true
	}})
	for e := range w.Events() {
		if e.Name == "Experiment Viewed" {
			require.True(t, units[e.Unit])
			require.NotZero(t, e.Unit[len(e.Unit)-1]%3)
		}
	}
	truth := w.Truth()
	for _, c := range truth.Customers {
		require.Equal(t, c.Unit[len(c.Unit)-1]%3 != 0, c.Arm != "")
	}
	require.Positive(t, truth.Experiment.Overall.Assigned[ArmTreatment])
}

func TestConsentsAreTold(t *testing.T) {
	w := newWorld(t, &Options{Customers: 300, Withdrawals: 0.3})
	list := w.Truth().Consents
	var last time.Time
	granted, withdrawn := 0, 0
	current := map[int]Consent{}
	for _, c := range list {
		require.False(t, c.Time.Before(last.Add(-time.Second)), "%v after %v", c.Time, last)
		last = c.Time
		if was, ok := current[c.Customer]; ok && was.Advertising && !c.Consent.Advertising {
			withdrawn++
		}
		current[c.Customer] = c.Consent
		if c.Consent.Advertising {
			granted++
		}
	}
	require.Greater(t, granted, 100)
	require.Greater(t, withdrawn, 10)
	n := 0
	for e := range w.Events() {
		if e.Consent != nil && !e.Hidden.Duplicate {
			n++
		}
	}
	require.Len(t, list, n)
}
