package segment

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRings compares counts kept by rings with the answers read from the logs:
// long and short rings, rules that come and go, users who fall silent, events
// late and ahead of the clock, and times that do not fit into a ring.
func TestRings(t *testing.T) {
	for _, epoch := range []time.Time{modelEpoch, time.Unix(0, 0).UTC(), time.Unix(1<<32, 0).UTC()} {
		r := rand.New(rand.NewPCG(2, uint64(epoch.Unix())))
		x, err := NewIndex(Schema{}, &Options{Events: map[string]Schema{"A": {"x": Number}, "B": {}}, Clock: Manual, Retain: 10 * day * time.Second})
		require.NoError(t, err)
		rules := map[string]string{}
		now := epoch.Add(-12 * day * time.Second)
		users := func() uint32 { return pick(r, 1+r.Uint32N(60), blockUsers-2+r.Uint32N(4)) }
		for step := range 2500 {
			at := now.Add(time.Duration(r.Int64N(int64(3*day))-2*day) * time.Second)
			switch r.IntN(12) {
			case 0:
				name := fmt.Sprint(r.IntN(8))
				list := pick(r, `events("A", "%dh")`, `filter(events("A", "%dh"), .x > 1)`, `events("A", "%dh", "3h")`, `events("B", "%dh")`)
				rules[name] = fmt.Sprintf("len("+list+") >= %d", 4+r.IntN(200), pick(r, 1, 2, 3, 5, maxRing, maxRing+1))
				define(t, x, name, rules[name])
			case 1:
				if r.IntN(3) == 0 {
					now = now.Add(time.Duration(r.IntN(40)) * time.Hour)
				}
				now = now.Add(time.Duration(r.IntN(600)) * time.Second)
				require.NoError(t, x.Advance(now))
			case 2:
				switch u := users(); r.IntN(3) {
				case 0:
					require.NoError(t, x.Erase(u))
				case 1:
					require.NoError(t, x.Rename(u, users()))
				default:
					data, err := x.AppendBinary(nil)
					require.NoError(t, err)
					require.NoError(t, x.UnmarshalBinary(data))
				}
			default:
				u := users()
				if r.IntN(3) > 0 {
					u = 1 + r.Uint32N(3) // some have much to count
				}
				require.NoError(t, x.Observe(u, pick(r, "A", "A", "B"), map[string]any{"x": r.IntN(4)}, at))
			}
			if step%5 > 0 {
				continue
			}
			for name, rule := range rules {
				kept, err := x.Members(name)
				require.NoError(t, err)
				anew, err := x.Query(rule)
				require.NoError(t, err)
				require.Equal(t, anew.ToArray(), kept.ToArray(), "step %d at %v: %s", step, now, rule)
			}
		}
	}
}
