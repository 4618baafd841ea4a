package sim

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOptionsAreValidated(t *testing.T) {
	for _, c := range []struct {
		name string
		opts Options
		want string
	}{
		{"customers", Options{Customers: -5}, "sim: option Customers = -5"},
		{"too many", Options{Customers: math.MaxInt}, "sim: option Customers"},
		{"days", Options{Days: -1}, "sim: option Days = -1"},
		{"channel", Options{Off: []string{"radio"}}, "sim: option Off = radio: no such channel, want one of search, social"},
		{"rate", Options{Late: 1.5}, "sim: option Late = 1.5: a rate must not exceed 1"},
		{"NaN", Options{Bots: math.NaN()}, "sim: option Bots = NaN"},
		{"year", Options{Start: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, "sim: option Start"},
	} {
		_, err := New(&c.opts)
		require.ErrorIs(t, err, ErrOptions, c.name)
		require.ErrorContains(t, err, c.want, c.name)
	}
	for _, o := range []HazardOptions{
		{Users: -1},
		{Baseline: -1},
		{Baseline: math.NaN()},
		{Effect: &[6]float64{math.NaN()}},
		{Effect: &[6]float64{3, 3, 3, 3, 3, 3}},
		{Exposure: &[6]float64{math.NaN()}},
	} {
		_, err := NewHazard(&o)
		require.ErrorIs(t, err, ErrOptions, "%+v", o)
	}
}

func TestDefaults(t *testing.T) {
	w := newWorld(t, nil)
	o := w.Options()
	require.Equal(t, uint64(1), o.Seed)
	require.Equal(t, 1000, o.Customers)
	require.Equal(t, 90, o.Days)
	require.Equal(t, "Europe/Berlin", o.Zone.String())
	// midnight of 6 January in Berlin
	require.Equal(t, "2025-01-05T23:00:00Z", time.Unix(0, w.first).UTC().Format(time.RFC3339))
	// the last day begins after the change to summer time on 30 March
	require.Equal(t, "2025-04-05T22:00:00Z", time.Unix(0, w.last).UTC().Format(time.RFC3339))
}

func TestDaysHave23And25Hours(t *testing.T) {
	w := newWorld(t, &Options{Customers: 1, Days: 365})
	lengths := map[int64]int{}
	for i := range w.days {
		d := &w.days[i]
		lengths[(d.end()-d.start())/(60*minute)]++
		for u := 0.0; u < 1; u += 0.01 {
			require.True(t, d.at(u) >= d.start() && d.at(u) < d.end(), "day %d, u = %v", i, u)
		}
	}
	require.Equal(t, map[int64]int{23: 1, 24: 363, 25: 1}, lengths)
}

func newWorld(t testing.TB, opts *Options) *World {
	t.Helper()
	if opts == nil {
		opts = &Options{}
	}
	if opts.Zone == nil {
		if _, err := time.LoadLocation("Europe/Berlin"); err != nil {
			t.Skip("this machine has no time zone database: ", err)
		}
	}
	w, err := New(opts)
	require.NoError(t, err)
	return w
}
