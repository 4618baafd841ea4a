package profile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/zeebo/xxh3"
)

// A sieve knows everything it was given, takes others for known at most as
// often as stated, and holds the same whatever the order.
func TestSieve(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.01, 1e-3, 1e-6} {
		const n = 50_000
		f, g := newSieve(n, rate), newSieve(n, rate)
		ids := make([]entry, n)
		for i := range ids {
			ids[i] = f.entry(xxh3.HashString128(fmt.Sprint("id-", i)))
			ok := f.add(ids[i])
			require.True(t, ok, "%d of %d", i, n)
		}
		for _, e := range ids {
			require.True(t, f.has(e))
		}
		ok := f.add(entry{1, 1})
		require.False(t, ok)
		wrong, tries := 0, 400_000
		for i := range tries {
			if f.has(f.entry(xxh3.HashString128(fmt.Sprint("other-", i)))) {
				wrong++
			}
		}
		// One sieve of two has half of the rate; it is near it when full.
		expected := rate / 2 * float64(tries)
		require.LessOrEqual(t, float64(wrong), expected+4*max(1, expected/10), "rate %v", rate)
		if expected > 100 {
			require.Greater(t, float64(wrong), expected/4, "rate %v", rate)
		}
		slices.Reverse(ids)
		for _, e := range ids {
			g.add(e)
		}
		require.Equal(t, f.entries(), g.entries())
		require.Less(t, float64(f.bytes()), float64(n)*float64(f.width)/8/sieveLoad+100)
		for _, e := range ids[:n/2] {
			f.remove(e)
		}
		require.Equal(t, n/2, f.n)
		require.Len(t, f.entries(), n/2)
		for _, e := range ids[n/2:] {
			require.True(t, f.has(e))
		}
	}
}

// With DedupeEvents, redeliveries are recognized, memory stays within what is
// stated, and fresh events are lost no more often than DedupeError.
func TestApproximateDedupe(t *testing.T) {
	const n = 20_000
	s, err := New(&Options{DedupeEvents: n, DedupeError: 0.01, DedupeWindow: day, Retain: Retain{Events: []string{"nothing"}}})
	require.NoError(t, err)
	apply := func(i int, at time.Time) bool {
		c, err := s.Apply(Event{ID: fmt.Sprint("m", i), Name: "e", Time: at, Keys: []Key{ann}})
		require.NoError(t, err)
		return !c.Duplicate
	}
	lost := 0
	for i := range n {
		if !apply(i, epoch) {
			lost++
		}
	}
	for i := range n {
		require.False(t, apply(i, epoch))
	}
	require.Zero(t, s.Stats().DedupeOverruns)
	for i := range n {
		if !apply(n+i, epoch) {
			lost++
		}
	}
	require.LessOrEqual(t, lost, 2*n/100+60)
	require.NotZero(t, lost)
	// More came than may be held: the window is shorter, and bounded memory.
	for i := range 2 * n {
		apply(2*n+i, epoch)
	}
	require.NotZero(t, s.Stats().DedupeOverruns)
	require.Less(t, s.seen.young.bytes()+s.seen.old.bytes(), 2*n*2+200)
	require.True(t, apply(0, epoch), "forgotten long ago")

	data, err := s.AppendBinary(nil)
	require.NoError(t, err)
	for _, opts := range []Options{
		{DedupeEvents: n, DedupeError: 0.01, DedupeWindow: day, Retain: Retain{Events: []string{"nothing"}}},
		{DedupeEvents: n, DedupeWindow: day},
		{DedupeWindow: day},
	} {
		o, err := New(&opts)
		require.NoError(t, err)
		require.NoError(t, o.UnmarshalBinary(data))
		c, err := o.Apply(Event{ID: fmt.Sprint("m", 4*n-1), Name: "e", Time: epoch, Keys: []Key{ann}})
		require.NoError(t, err)
		require.Equal(t, opts.DedupeError == 0.01, c.Duplicate)
	}
	exact := newTest(t, Options{})
	exact.must(t, event("e", epoch, ann))
	data, err = exact.AppendBinary(nil)
	require.NoError(t, err)
	o := newTest(t, Options{DedupeEvents: 100})
	require.NoError(t, o.UnmarshalBinary(data))
	require.True(t, o.must(t, event("e", epoch, ann)).Duplicate)

	for _, bad := range []Options{{DedupeEvents: -1}, {DedupeError: 0.5}, {DedupeError: 1e-12}, {DedupeEvents: 1, DedupeError: -1}} {
		_, err := New(&bad)
		require.ErrorIs(t, err, ErrOptions)
	}
}

// BenchmarkDedupe remembers a million ids and reports the bytes each takes and
// how many others are taken for known.
func BenchmarkDedupe(b *testing.B) {
	const n = 1_000_000
	for _, c := range []struct {
		name string
		opts Options
	}{{"mode=exact", Options{}}, {"mode=sieve", Options{DedupeEvents: n}}} {
		b.Run(c.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			before := heapInUse()
			opts, err := c.opts.withDefaults()
			if err != nil {
				b.Fatal(err)
			}
			var d dedupe
			d.init(&opts)
			i := 0
			for b.Loop() {
				if i++; i == n {
					b.StopTimer()
					d = dedupe{}
					d.init(&opts)
					i = 0
					b.StartTimer()
				}
				h := xxh3.Uint128{Hi: r.Uint64(), Lo: r.Uint64()}
				if !d.hasHash(h) {
					d.addHash(h)
				}
			}
			b.StopTimer()
			for ; i < n; i++ {
				d.addHash(xxh3.Uint128{Hi: r.Uint64(), Lo: r.Uint64()})
			}
			b.ReportMetric(float64(heapInUse()-before)/n, "bytes/id")
			wrong := 0
			for range n {
				if d.hasHash(xxh3.Uint128{Hi: r.Uint64(), Lo: r.Uint64()}) {
					wrong++
				}
			}
			b.ReportMetric(float64(wrong)/n, "wrong/id")
		})
	}
}

// Whatever order a small and crowded sieve got its ids in, with others coming
// and going, it holds what can be held, and takes the same ones in next.
func TestSieveOrder(t *testing.T) {
	t.Parallel()
	refused := 0
	for round := range longForm(40) {
		r := rand.New(rand.NewPCG(83, uint64(round)))
		f := newSieve(4+r.IntN(60), 0.01)
		f.most = int(f.buckets) * 4 // where some cannot be held
		next := func() entry { return f.entry(xxh3.Uint128{Hi: r.Uint64(), Lo: r.Uint64()}) }
		for range 200 {
			if r.IntN(6) == 0 && f.n > 0 {
				f.remove(f.entries()[r.IntN(f.n)])
			}
			e := next()
			before := f.entries()
			// The same ids, in another order.
			g := newSieve(1, 0.01)
			*g = sieve{width: f.width, buckets: f.buckets, most: f.most, words: make([]uint64, len(f.words))}
			for _, i := range r.Perm(len(before)) {
				require.True(t, g.add(before[i]), "round %d: %d of %d", round, len(before), f.most)
			}
			ok := f.add(e)
			require.Equal(t, ok, g.add(e), "round %d", round)
			require.Equal(t, f.entries(), g.entries())
			if !ok {
				refused++
				require.Equal(t, before, f.entries())
			}
			require.Len(t, f.entries(), f.n)
		}
	}
	require.Positive(t, refused)
}
