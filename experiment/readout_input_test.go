package experiment

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReadoutRefuses(t *testing.T) {
	r := mustReadout(t, nil)
	ok := Exposure{Arm: "a", At: at(0)}
	require.ErrorIs(t, r.Expose(0, ok), ErrUser)
	require.ErrorIs(t, r.Expose(1, Exposure{At: at(0)}), ErrArm)
	require.ErrorIs(t, r.Expose(1, Exposure{Arm: "a"}), ErrTime)
	require.ErrorIs(t, r.Expose(1, Exposure{Arm: "a", At: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}), ErrTime)
	require.ErrorIs(t, r.Expose(1, Exposure{Arm: "a", At: at(0), Epoch: -1}), ErrInvalid)
	require.ErrorIs(t, r.Expose(1, Exposure{Arm: "a", At: at(0), Unit: "\xff"}), ErrUnit)
	require.ErrorIs(t, r.Record(0, "m", 1, at(0)), ErrUser)
	require.ErrorIs(t, r.Record(1, "", 1, at(0)), ErrMetric)
	require.ErrorIs(t, r.Record(1, "m", math.NaN(), at(0)), ErrNotFinite)
	require.ErrorIs(t, r.Record(1, "m", math.Inf(1), at(0)), ErrNotFinite)
	require.ErrorIs(t, r.Record(1, "m", 1, time.Time{}), ErrTime)
	require.ErrorIs(t, r.Observe(0, "x", nil, at(0)), ErrUser)
	require.ErrorIs(t, r.Rename(0, 1), ErrUser)
	require.ErrorIs(t, r.Rename(1, 0), ErrUser)
	require.ErrorIs(t, r.Erase(0), ErrUser)
	require.ErrorIs(t, r.Advance(time.Time{}), ErrTime)
	require.Equal(t, `readout of "exp": 0 users, 0 exposures, 0 outcomes`, r.String())

	r.Attached(true)
	require.ErrorIs(t, r.Expose(1, ok), ErrAttached)
	require.ErrorIs(t, r.Record(1, "m", 1, at(0)), ErrAttached)
	require.NoError(t, r.Observe(1, "Order Completed", nil, at(0)))
	r.Attached(false)
	fill(t, r, 3)

	_, err := r.Compare("clicks", "a", "b", nil)
	require.EqualError(t, err, `experiment: Compare: unknown metric: "clicks", declared are ["conversion" "orders" "revenue"]`)
	_, err = r.Compare("orders", "a", "c", nil)
	require.EqualError(t, err, `experiment: Compare: unknown arm: "c", seen are ["a" "b"]`)
	_, err = r.Compare("orders", "a", "a", nil)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = r.Compare("orders", "a", "b", &TestOptions{Level: 2})
	require.ErrorIs(t, err, ErrInvalid)
	empty := mustReadout(t, &ReadoutOptions{Weights: []map[string]float64{{"a": 1, "b": 1}}})
	_, err = empty.Compare("orders", "a", "b", nil)
	require.ErrorIs(t, err, ErrTooFew)
	_, err = empty.SRM(nil)
	require.ErrorIs(t, err, ErrTooFew)

	other, err := NewReadout("other", nil)
	require.NoError(t, err)
	require.ErrorIs(t, r.Merge(other), ErrOptions)
	data, err := other.MarshalBinary()
	require.NoError(t, err)
	require.ErrorIs(t, r.UnmarshalBinary(data), ErrOptions)
	require.ErrorIs(t, r.UnmarshalBinary(nil), ErrCorrupt)
}

func TestReadoutOptionsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		opts *ReadoutOptions
		want string
	}{
		{"", nil, `experiment: NewReadout: experiment is "", want a name`},
		{"e", &ReadoutOptions{Window: -1}, `experiment: NewReadout: Window is -1ns, want at least 0`},
		{"e", &ReadoutOptions{Metrics: []Metric{{}}}, `experiment: NewReadout: Metrics[0].Name is "", want a name`},
		{"e", &ReadoutOptions{Metrics: []Metric{{Name: "m"}, {Name: "m"}}}, `experiment: NewReadout: Metrics[1].Name is "m", want each name once`},
		{"e", &ReadoutOptions{Metrics: []Metric{{Name: "m", Aggregate: 7}}}, `experiment: NewReadout: Metrics[0].Aggregate is Aggregate(7), want AnyEvent, CountEvents or SumValues`},
		{"e", &ReadoutOptions{Metrics: []Metric{{Name: "m", Event: "E", Aggregate: SumValues}}}, `experiment: NewReadout: Metrics[0].Fields is [], want where the value is`},
		{"e", &ReadoutOptions{Metrics: []Metric{{Name: "m", Event: "Experiment Viewed"}}}, `experiment: NewReadout: Metrics[0].Event is "Experiment Viewed", want another than that of exposures`},
		{"e", &ReadoutOptions{Metrics: []Metric{{Name: "m", Window: -1}}}, `experiment: NewReadout: Metrics[0].Window is -1ns, want at least 0`},
		{"e", &ReadoutOptions{Weights: []map[string]float64{{"a": -1}}}, `experiment: NewReadout: Weights[0]["a"] is -1, want a finite number, not negative`},
		{"e", &ReadoutOptions{Weights: []map[string]float64{{"a": 0}}}, `experiment: NewReadout: Weights[0] is map[a:0], want a positive sum`},
	} {
		_, err := NewReadout(c.name, c.opts)
		require.EqualError(t, err, c.want)
		require.ErrorIs(t, err, ErrInvalid)
	}
}

func TestObserveCountsWhatItCannotUse(t *testing.T) {
	r := mustReadout(t, nil)
	see := func(event string, fields map[string]any, at time.Time) {
		require.NoError(t, r.Observe(1, event, fields, at))
	}
	see("Experiment Viewed", map[string]any{"experiment_id": "exp", "variation_id": "a"}, time.Time{})
	see("Experiment Viewed", map[string]any{"experiment_id": "exp"}, at(0))
	see("Experiment Viewed", map[string]any{"variation_id": "a"}, at(0))
	see("Experiment Viewed", map[string]any{"experiment_id": "zzz", "experiment_name": "exp", "variation_id": "a"}, at(0))
	see("Experiment Viewed", map[string]any{"experiment_id": "exp", "variation_id": 3, "epoch": "x", "unit": 2.5}, at(0))
	see("Experiment Viewed", map[string]any{"experiment_name": "exp", "variation_name": "a", "epoch": 2.0, "unit": 25}, at(0))
	see("Order Completed", map[string]any{"revenue": "12"}, at(0))
	see("Order Completed", map[string]any{"revenue": math.NaN(), "total": uint8(4)}, at(0))
	see("Anything", nil, time.Time{})
	require.Equal(t, Stats{BadTime: 1, OtherTests: 2, NoArm: 1, BadEpoch: 1, BadUnit: 1, NoValue: 1}, r.Stats())
	require.Equal(t, `readout of "exp": 1 users, 2 exposures, 2 outcomes`, r.String())
}

func TestMetricsOfOtherEvents(t *testing.T) {
	r := mustReadout(t, &ReadoutOptions{
		Exposure: ExposureFields{Event: "Flag Seen", Experiment: []string{"flag"}, Arm: []string{"value"}, Epoch: "e", Unit: "u"},
		Metrics: []Metric{
			{Name: "plays", Event: "Play", Aggregate: CountEvents},
			{Name: "seconds", Event: "Play", Fields: []string{"s"}, Aggregate: SumValues},
			{Name: "ads", Event: "Play", Fields: []string{"ads"}, Aggregate: SumValues, Window: time.Hour},
			{Name: "nps"},
		},
	})
	for u := uint32(1); u <= 4; u++ {
		require.NoError(t, r.Observe(u, "Flag Seen", map[string]any{"flag": "exp", "value": u > 2}, at(0)))
		require.NoError(t, r.Observe(u, "Flag Seen", map[string]any{"flag": "exp", "value": []string{"on", "off"}[u%2]}, at(0)))
		require.NoError(t, r.Observe(u, "Play", map[string]any{"s": float64(u)}, at(0)))
		require.NoError(t, r.Observe(u, "Play", map[string]any{"ads": 1}, at(2)))
		require.NoError(t, r.Observe(u, "Play", map[string]any{"s": 1, "ads": 10}, at(.5)))
		require.NoError(t, r.Observe(u, "Play", nil, at(1)))
	}
	require.Equal(t, 4, r.Stats().NoArm)
	for metric, want := range map[string]float64{"plays": 4, "seconds": 4, "ads": 10, "nps": 0} {
		c, err := r.Compare(metric, "off", "on", &TestOptions{AsOf: at(3)})
		require.NoError(t, err, metric)
		require.InDelta(t, want, (c.Control.Mean+c.Treatment.Mean)/2, .51, metric)
	}
	require.Len(t, r.Metrics(), 4)
	require.Equal(t, "exp", r.Experiment())
}
