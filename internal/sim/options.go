package sim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// ErrOptions is wrapped by every error about a field of [Options] or [HazardOptions].
var ErrOptions = errors.New("sim: bad options")

// OptionError names the field of the options that was refused and its value.
type OptionError struct {
	Field  string
	Value  any
	Reason string
}

// Error implements error.
func (e *OptionError) Error() string {
	return fmt.Sprintf("sim: option %s = %v: %s", e.Field, e.Value, e.Reason)
}

// Unwrap makes errors.Is(err, ErrOptions) true.
func (e *OptionError) Unwrap() error { return ErrOptions }

// Arms of the built-in experiment. An arm of another name has no effect on anything.
const (
	ExperimentID = "free-shipping"
	ArmControl   = "control"
	ArmTreatment = "treatment"
)

// Options say which retailer to simulate. Nil and zero fields are the defaults; for every
// rate a negative value means none at all.
type Options struct {
	Seed      uint64    // root of all draws; 0 means 1
	Customers int       // people, bots not counted; 0 means 1,000
	Days      int       // length of the record; 0 means 90
	Start     time.Time // its calendar date is the first day; zero means 2025-01-06, a Monday

	// Zone is the shop's time zone, in which days begin and end. Nil means Europe/Berlin,
	// which needs a time zone database on the machine or the package time/tzdata in the
	// program; without one New returns an error.
	Zone *time.Location

	// Off names marketing channels that are switched off in this world (ChannelSearch, …).
	// Every draw of the rest stays as it was.
	Off []string

	// Assign decides the arm of a unit (an account, else a first cookie) in the experiment
	// ExperimentID; false leaves the unit out. It must be pure and safe for concurrent use.
	// Nil means a fair hash between ArmControl and ArmTreatment.
	Assign func(unit string) (arm string, in bool)

	// ExperimentDay is the first day on which visitors are exposed; 0 means a quarter of
	// Days, negative means no experiment.
	ExperimentDay int

	Bots        float64 // bots per customer; 0 means 0.01
	Shared      float64 // share of neighbouring customers who use one device together; 0 means 0.04
	Refunds     float64 // share of orders refunded in part or in full; 0 means 0.085
	Reviews     float64 // share of orders reviewed; 0 means 0.15
	Withdrawals float64 // share of customers who withdraw consent at some time; 0 means 0.06

	Duplicates float64 // share of lines delivered twice; 0 means 0.015
	Late       float64 // share of client events sent 6 to 72 hours late; 0 means 0.01
	Disorder   float64 // share of client events sent 1 to 30 minutes late; 0 means 0.03
	Skew       float64 // share of devices with a wrong clock; 0 means 0.02
	Missing    float64 // share of lines that lack one field; 0 means 0.01
}

// limits keep memory and the encoding of draws within bounds.
const (
	maxCustomers = 1 << 27
	maxDays      = 1 << 14
)

func (o *Options) withDefaults() (Options, error) {
	var r Options
	if o != nil {
		r = *o
		r.Off = slices.Clone(o.Off)
	}
	if r.Seed == 0 {
		r.Seed = 1
	}
	if r.Customers == 0 {
		r.Customers = 1000
	}
	if r.Customers < 0 || r.Customers > maxCustomers {
		return r, &OptionError{"Customers", r.Customers, fmt.Sprintf("must lie in 1…%d", maxCustomers)}
	}
	if r.Days == 0 {
		r.Days = 90
	}
	if r.Days < 0 || r.Days > maxDays {
		return r, &OptionError{"Days", r.Days, fmt.Sprintf("must lie in 1…%d", maxDays)}
	}
	if r.Start.IsZero() {
		r.Start = time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC)
	}
	if y := r.Start.Year(); y < 1900 || y > 2200 {
		return r, &OptionError{"Start", r.Start, "the year must lie in 1900…2200"}
	}
	if r.Zone == nil {
		z, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			return r, &OptionError{"Zone", "Europe/Berlin", err.Error()}
		}
		r.Zone = z
	}
	for _, name := range r.Off {
		if _, ok := channelOf(name); !ok {
			return r, &OptionError{"Off", name, "no such channel, want one of " + strings.Join(Channels(), ", ")}
		}
	}
	if r.ExperimentDay == 0 {
		r.ExperimentDay = r.Days / 4
	}
	rates := []struct {
		field string
		value *float64
		usual float64
		limit float64
	}{
		{"Bots", &r.Bots, 0.01, 1},
		{"Shared", &r.Shared, 0.04, 1},
		{"Refunds", &r.Refunds, 0.085, 1},
		{"Reviews", &r.Reviews, 0.15, 1},
		{"Withdrawals", &r.Withdrawals, 0.06, 1},
		{"Duplicates", &r.Duplicates, 0.015, 1},
		{"Late", &r.Late, 0.01, 1},
		{"Disorder", &r.Disorder, 0.03, 1},
		{"Skew", &r.Skew, 0.02, 1},
		{"Missing", &r.Missing, 0.01, 1},
	}
	for _, x := range rates {
		switch v := *x.value; {
		case math.IsNaN(v) || v > x.limit:
			return r, &OptionError{x.field, v, "a rate must not exceed 1"}
		case v == 0:
			*x.value = x.usual
		case v < 0:
			*x.value = 0
		}
	}
	return r, nil
}
