package experiment

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Aggregate says how a user's rows of one metric become the user's value.
type Aggregate uint8

const (
	// AnyEvent: 1 if there is an event in the window, else 0; a [Proportion].
	AnyEvent Aggregate = iota
	// CountEvents: how many events there are; a [Mean].
	CountEvents
	// SumValues: the sum of the events' values; a [Mean].
	SumValues
)

func (a Aggregate) String() string {
	switch a {
	case AnyEvent:
		return "any event"
	case CountEvents:
		return "count of events"
	case SumValues:
		return "sum of values"
	}
	return fmt.Sprintf("Aggregate(%d)", uint8(a))
}

// Metric is an outcome per user, made from events of one name. A metric that
// is not declared but recorded by [Readout.Record] is the sum of what was
// recorded.
type Metric struct {
	Name string
	// Event is the name of the events that count; empty for a metric that only
	// [Readout.Record] feeds.
	Event string
	// Fields are where the value of an event may be: the first that holds a
	// number. Required by SumValues, of no use to the others.
	Fields []string
	// Aggregate makes the user's value. Values given to [Readout.Record] are
	// summed for all but AnyEvent, for which any other than 0 is an event.
	Aggregate Aggregate
	// Window is how long after their first exposure the users' outcomes count.
	// Default: ReadoutOptions.Window.
	Window time.Duration

	// Per names another metric of the options: the metric is then a ratio of
	// sums, this value's over the other's, such as revenue per order, with the
	// variance of [Ratio]. The windows of both are this metric's.
	Per string
	// Cap, 0 < Cap < 1, winsorizes users' values from above at this quantile of
	// both arms together, as [Cap] does.
	Cap float64
	// Floor, 0 < Floor < 1, winsorizes them from below, as [Winsorize] does: for
	// metrics with losses. With Cap it must be less.
	Floor float64
	// Trim, 0 < Trim < 0.5, compares trimmed means, as [Yuen] does.
	Trim float64
	// Quantile, 0 < Quantile < 1, compares this quantile of the users' values
	// instead of their mean, as [Quantiles] does: conservatively where an arm,
	// or a stratum of it, has fewer than a few hundred users.
	Quantile float64

	slice time.Duration // of Novelty
}

// DefaultMetrics returns the metrics of a readout whose options name none:
// "conversion" (any "Order Completed"), "orders" (how many) and "revenue" (the
// sum of their revenue, else total).
func DefaultMetrics() []Metric {
	const event = "Order Completed"
	return []Metric{
		{Name: "conversion", Event: event, Aggregate: AnyEvent},
		{Name: "orders", Event: event, Aggregate: CountEvents},
		{Name: "revenue", Event: event, Fields: []string{"revenue", "total"}, Aggregate: SumValues},
	}
}

// ExposureFields says which events are exposures and where they hold what. The
// zero value is the Segment vocabulary.
type ExposureFields struct {
	Event      string   // default: "Experiment Viewed"
	Experiment []string // first present names the experiment; default: experiment_id, experiment_name
	Arm        []string // first present names the arm; default: variation_id, variation_name
	Epoch      string   // number of the allocation epoch; default: "epoch", and 0 where it is absent
	Unit       string   // what was randomized, when not the user; default: "unit"
}

// ReadoutOptions of a [Readout]. The zero value and nil are the defaults.
type ReadoutOptions struct {
	Exposure ExposureFields
	// Metrics default to [DefaultMetrics].
	Metrics []Metric
	// Window is how long after their first exposure the users' outcomes count,
	// for metrics that do not say. Default 0: for ever.
	Window time.Duration
	// Retain is how long rows are kept before the clock, which Advance moves.
	// Default: 400 days. Negative: for ever.
	Retain time.Duration
	// Weights are the arms' weights in each epoch, what [Experiment.Weights]
	// returns. With them a comparison checks the sample ratio, and pools
	// epochs in which both arms had the same share.
	Weights []map[string]float64
}

const defaultRetain = 400 * 24 * time.Hour

// stream is what the rows of one event are made of.
type stream struct {
	present string   // source of an event without a value
	values  []source // one row for each of these that is there
}

type source struct {
	name   string
	fields []string
}

// settings are resolved options.
type settings struct {
	experiment  string
	exposure    ExposureFields
	metrics     []Metric
	streams     map[string]stream
	retain      time.Duration
	weights     []map[string]float64
	fingerprint string // of what decides which rows there are
}

const sep = "\x1f"

func recorded(metric string) string { return "metric" + sep + metric }

func (o *ReadoutOptions) resolve(experiment string) (settings, error) {
	var opts ReadoutOptions
	if o != nil {
		opts = *o
	}
	bad := func(field string, value any, reason string) error {
		return &OptionError{"NewReadout", field, value, reason}
	}
	s := settings{experiment: experiment, exposure: opts.Exposure, streams: map[string]stream{}, retain: opts.Retain}
	if experiment == "" {
		return s, bad("experiment", experiment, "want a name")
	}
	x := &s.exposure
	x.Event = or(x.Event, "Experiment Viewed")
	x.Epoch, x.Unit = or(x.Epoch, "epoch"), or(x.Unit, "unit")
	if x.Experiment = slices.Clone(x.Experiment); len(x.Experiment) == 0 {
		x.Experiment = []string{"experiment_id", "experiment_name"}
	}
	if x.Arm = slices.Clone(x.Arm); len(x.Arm) == 0 {
		x.Arm = []string{"variation_id", "variation_name"}
	}
	if s.retain == 0 {
		s.retain = defaultRetain
	}
	if opts.Window < 0 {
		return s, bad("Window", opts.Window, "want at least 0")
	}
	metrics := opts.Metrics
	if metrics == nil {
		metrics = DefaultMetrics()
	}
	var events []string
	for i, m := range metrics {
		at := fmt.Sprintf("Metrics[%d]", i)
		switch {
		case m.Name == "":
			return s, bad(at+".Name", m.Name, "want a name")
		case slices.ContainsFunc(s.metrics, func(o Metric) bool { return o.Name == m.Name }):
			return s, bad(at+".Name", m.Name, "want each name once")
		case m.Aggregate > SumValues:
			return s, bad(at+".Aggregate", m.Aggregate, "want AnyEvent, CountEvents or SumValues")
		case m.Event == x.Event:
			return s, bad(at+".Event", m.Event, "want another than that of exposures")
		case m.Aggregate == SumValues && m.Event != "" && len(m.Fields) == 0:
			return s, bad(at+".Fields", m.Fields, "want where the value is")
		case m.Window < 0:
			return s, bad(at+".Window", m.Window, "want at least 0")
		}
		if err := m.checkForm(at, metrics); err != nil {
			return s, err
		}
		m.Fields = slices.Clone(m.Fields)
		if m.Window == 0 {
			m.Window = opts.Window
		}
		s.metrics = append(s.metrics, m)
		if m.Event == "" {
			continue
		}
		st, ok := s.streams[m.Event]
		if !ok {
			events = append(events, m.Event)
			st.present = "event" + sep + m.Event
		}
		if m.Aggregate == SumValues {
			name := valueSource(m)
			if !slices.ContainsFunc(st.values, func(v source) bool { return v.name == name }) {
				st.values = append(st.values, source{name, m.Fields})
			}
		}
		s.streams[m.Event] = st
	}
	for epoch, w := range opts.Weights {
		c := make(map[string]float64, len(w))
		total := 0.0
		for arm, x := range w {
			if !(x >= 0) || x > maxValue {
				return s, bad(fmt.Sprintf("Weights[%d][%q]", epoch, arm), x, "want a finite number, not negative")
			}
			c[arm] = x
			total += x
		}
		if !(total > 0) {
			return s, bad(fmt.Sprintf("Weights[%d]", epoch), w, "want a positive sum")
		}
		s.weights = append(s.weights, c)
	}
	// The order of the metrics of an event decides where an event without a
	// value is counted, so it is part of the fingerprint; that of the events
	// is not.
	slices.Sort(events)
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q %q %q %q", experiment, x.Event, x.Experiment, x.Arm, x.Epoch, x.Unit)
	for _, e := range events {
		fmt.Fprintf(&b, "; %q", e)
		for _, v := range s.streams[e].values {
			fmt.Fprintf(&b, " %q", v.fields)
		}
	}
	s.fingerprint = b.String()
	return s, nil
}

func valueSource(m Metric) string {
	return "event" + sep + m.Event + sep + strings.Join(m.Fields, sep)
}

// sources returns the names of the rows that a metric reads, and which of them
// are events of which only the number matters.
func (s *settings) sources(m Metric) (events, values []string) {
	values = []string{recorded(m.Name)}
	if m.Event == "" {
		return nil, values
	}
	if m.Aggregate == SumValues {
		return nil, append(values, valueSource(m))
	}
	st := s.streams[m.Event]
	events = []string{st.present}
	if len(st.values) > 0 {
		events = append(events, st.values[0].name)
	}
	return events, values
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
