package segment

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// When events beyond the horizon are let go of is nobody's concern: an index
// that goes through all users at every Advance gives the answers, transitions
// and bytes of one that puts it off, which holds those of twice Options.Retain
// at most.
func TestSweep(t *testing.T) {
	t.Parallel()
	rules := []string{
		`len(events("A")) >= 3`, `len(events("A", "30m")) == 0`, `len(events("B", "50m", "10m")) == 1`, `count(events("A", "1h"), .n > 2) >= 2`,
		`not sequence("20m", "A", "B")`, `notFollowed("10m", "A", "B")`, `active("A", "10m", 6, 2)`, `len(sessions("5m", "A", "B")) >= 2`,
		`first(events("B")) == nil`, `last(events("A")).n == 3`, `sum(events("A", "40m"), .n) > 5`, `not segment("0") and len(events("B", "59m")) < 2`,
	}
	encoded := func(x *Index) []byte {
		data, err := x.MarshalBinary()
		require.NoError(t, err)
		return data
	}
	putOff := 0
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 3))
		opts := Options{Events: map[string]Schema{"A": {"n": Number}, "B": nil}, Retain: time.Hour, Clock: Clock(seed % 2)}
		index := func() *Index {
			x, err := NewIndex(nil, &opts)
			require.NoError(t, err)
			return x
		}
		now, merged := modelEpoch, false
		var both [2]*Index // the second sweeps always
		var seen [2][]Transition
		for i := range both {
			both[i] = index()
			both[i].Watch(nil, func(t Transition) { seen[i] = append(seen[i], t) })
			for k, rule := range rules {
				define(t, both[i], fmt.Sprint(k), rule)
			}
		}
		fill := func(seed uint64, x *Index) {
			r := rand.New(rand.NewPCG(seed, 1))
			for range 6 {
				at := now.Add(time.Duration(r.IntN(8000)-6000) * time.Second)
				require.NoError(t, x.Observe(1+r.Uint32N(6), pick(r, "A", "B"), map[string]any{"n": r.IntN(5)}, at))
			}
		}
		for step := range 100 {
			what, user, other, more := r.IntN(10), 1+r.Uint32N(6), 1+r.Uint32N(6), r.Uint64()
			late := time.Duration(r.IntN(1500)) * time.Second
			o, bytes := index(), encoded(both[more%2])
			if fill(more, o); late%3 == 0 {
				require.NoError(t, o.Advance(now.Add(-late)))
			}
			for i, x := range both {
				switch {
				case what < 3:
					now, swept := now.Add(late), x.swept
					if i == 1 {
						x.swept = -never
					}
					require.NoError(t, x.Advance(now))
					if x.swept == swept {
						putOff++
					}
				case what == 3:
					require.NoError(t, x.Rename(user, other))
				case what == 4:
					require.NoError(t, x.Erase(user))
				case what == 5 && more%3 == 0:
					require.NoError(t, x.Merge(o))
					merged = true
				case what == 6 && more%5 == uint64(i):
					require.NoError(t, x.UnmarshalBinary(bytes))
				case what > 6:
					fill(more, x)
				}
				for row := range x.table.all() {
					for st := range row.streams() {
						require.True(t, merged || st.len() == 0 || x.pruned == -never || st.sec(0) > x.pruned-x.retain)
					}
				}
			}
			if what < 3 {
				now = now.Add(late)
			}
			require.Equal(t, encoded(both[0]), encoded(both[1]), "seed %d, %d: %d", seed, step, what)
			require.Equal(t, seen[0], seen[1], "seed %d, %d: %d", seed, step, what)
			for k, rule := range rules {
				want, err := both[0].Query(rule)
				require.NoError(t, err)
				for _, x := range both {
					got, err := x.Members(fmt.Sprint(k))
					require.NoError(t, err)
					require.Equal(t, want.ToArray(), got.ToArray(), "seed %d, %d: %d: %s", seed, step, what, rule)
				}
			}
		}
	}
	require.Greater(t, putOff, 100)
}
