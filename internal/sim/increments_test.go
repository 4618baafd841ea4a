package sim

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestIncrementsAddUp(t *testing.T) {
	w := newWorld(t, &Options{Customers: 200})
	r, err := w.Increments(t.Context())
	require.NoError(t, err)
	var sum float64
	for _, c := range r.Channels {
		sum += c.Shapley
	}
	require.InDelta(t, r.All-r.None, sum, 1e-9)
	require.Zero(t, r.Channels[display].Shapley, "display is the null player")
	require.Zero(t, r.Channels[display].LastIn)
	require.Zero(t, r.Channels[direct].FirstIn, "a cart without a reminder has no effect")
	for _, c := range []channel{search, social, email, video, offline} {
		require.Positive(t, r.Channels[c].Shapley, Channels()[c])
		require.Positive(t, r.Channels[c].LastIn, Channels()[c])
	}
	require.Greater(t, r.Channels[search].LastIn, r.Channels[search].FirstIn, "search and video help each other")
}

func TestIncrementsOfSwitchedOffChannels(t *testing.T) {
	w := newWorld(t, &Options{Customers: 50, Off: []string{ChannelEmail, ChannelSocial}})
	r, err := w.Increments(t.Context())
	require.NoError(t, err)
	full, err := newWorld(t, &Options{Customers: 50}).Increments(t.Context())
	require.NoError(t, err)
	require.Zero(t, r.Channels[email].Shapley)
	require.Zero(t, r.Channels[social].LastIn)
	require.Equal(t, full.Worlds[allChannels&^(1<<email|1<<social)], r.All)
	require.Equal(t, full.None, r.None)
}

func TestIncrementsDoNotDependOnWorkers(t *testing.T) {
	w := newWorld(t, &Options{Customers: 30, Days: 40})
	a, err := w.Increments(t.Context())
	require.NoError(t, err)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b, err := w.Increments(t.Context())
	require.NoError(t, err)
	require.Equal(t, a, b)
}

func TestIncrementsStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newWorld(t, &Options{Customers: 20}).Increments(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// The recursion against the sum over every possible history of buying, written out.
func TestExpectedOrdersAgreeWithAllHistories(t *testing.T) {
	const days = 12
	w := newWorld(t, &Options{Customers: 400, Days: days, ExperimentDay: 3})
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.IntRange(0, 399).Draw(t, "customer")
		on := mask(rapid.IntRange(0, int(allChannels)).Draw(t, "on"))
		p := w.newPerson(id)
		slots := make([]slot, days)
		lifts := make([]float64, days)
		var x walk
		for d := range slots {
			slots[d] = w.slotOf(&p.customer, d)
			slots[d].base *= 20 // so that several orders are likely
			if slots[d].base > 0 {
				lifts[d] = x.step(&slots[d], p.kind, on).lift
			}
			if p.in && p.arm == ArmTreatment && d > int(p.exposeDay) {
				lifts[d] += typeTable[p.kind].treatment
			}
		}
		var want, total float64
		for history := range 1 << days {
			probability, orders, since := 1.0, 0.0, 4.0
			for d := range days {
				hazard := 1 - math.Exp(-slots[d].base*math.Exp(lifts[d])*since/4)
				since = min(since+1, 4)
				if history>>d&1 == 1 {
					probability *= hazard
					orders++
					since = 1
				} else {
					probability *= 1 - hazard
				}
			}
			want += probability * orders
			total += probability
		}
		require.InDelta(t, 1, total, 1e-12)
		require.InDelta(t, want, w.expected(&p, slots, on), 1e-9)
	})
}

// The number of orders in the events is a draw around its expectation, and switching a
// channel off in the options costs what the truth says, within the noise of eight seeds.
func TestEventsAgreeWithExpectations(t *testing.T) {
	const seeds = 8
	var orders, expected float64
	var lost, lastIn [channels]float64
	for seed := uint64(1); seed <= seeds; seed++ {
		o := Options{Seed: seed, Customers: 300}
		w := newWorld(t, &o)
		r, err := w.Increments(t.Context())
		require.NoError(t, err)
		all := float64(w.orders())
		orders, expected = orders+all, expected+r.All
		for _, c := range []channel{search, social, email, display} {
			o.Off = []string{Channels()[c]}
			lost[c] += all - float64(newWorld(t, &o).orders())
			lastIn[c] += r.Channels[c].LastIn
		}
	}
	t.Logf("orders %v, expected %.1f", orders, expected)
	require.InDelta(t, expected, orders, 4*math.Sqrt(expected))
	for _, c := range []channel{search, social, email, display} {
		t.Logf("%s: lost %v, last in %.1f", Channels()[c], lost[c], lastIn[c])
		// orders gained and lost by one switch scatter a little more than a Poisson number
		require.InDelta(t, lastIn[c], lost[c], 5*math.Sqrt(1.3*lastIn[c])+1e-9)
	}
}

// orders counts the orders of the realised world.
func (w *World) orders() (n int) {
	for id := range w.opts.Customers {
		p := w.newPerson(id)
		for d := range w.days {
			if w.live(&p, d, w.on).bought {
				n++
			}
		}
	}
	return n
}

// Shapley by its definition: the mean marginal effect over all permutations.
func TestShapleyAgreesWithPermutations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "n")
		v := rapid.SliceOfN(rapid.Float64Range(-10, 10), 1<<n, 1<<n).Draw(t, "v")
		want := make([]float64, n)
		var orders float64
		var walk func(set int)
		order := []int{}
		walk = func(set int) {
			if len(order) == n {
				orders++
				s := 0
				for _, i := range order {
					want[i] += v[s|1<<i] - v[s]
					s |= 1 << i
				}
				return
			}
			for i := range n {
				if set>>i&1 == 0 {
					order = append(order, i)
					walk(set | 1<<i)
					order = order[:len(order)-1]
				}
			}
		}
		walk(0)
		for i, phi := range shapley(v, n) {
			require.InDelta(t, want[i]/orders, phi, 1e-9)
		}
	})
}
