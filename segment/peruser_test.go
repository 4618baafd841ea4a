package segment

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPerUser: what rules do not have is answered by expr's machine, ad hoc
// and defined alike, and is refused without the option.
func TestPerUser(t *testing.T) {
	schema := Schema{"n": Number, "s": String, "tags": Strings, "t": Time, "b": Bool, "geo.city": String, "geo.zip": Number}
	events := map[string]Schema{"A": {"x": Number, "y": String, "ctx.source": String, "products": Objects}}
	rules := []string{
		`split(s, ",")[0] == "u"`,
		`tags[0] == "vip" and n > 1`,
		`not (let m = n * n; m > 3)`,
		`n >= 2 or geo.city matches s`,
		`events("A", "5h")[0].x > 2`,
		`len(events("A", "1h")) > 0 and reduce(events("A", "1d"), #acc + #.x, 0) > 4`,
		`groupBy(events("A", "5h"), .y)["u"] != nil`,
		`any(events("A", "2h"), .ctx.source in split(s, ","))`,
		`len(events("A", "30m")) > 1 ? sort(map(events("A"), .x))[0] == 1 : b`,
	}
	open := func(perUser bool) *Index {
		x, err := NewIndex(schema, &Options{Events: events, Retain: 2 * day * time.Second, PerUser: perUser})
		require.NoError(t, err)
		return x
	}
	x := open(false)
	for _, rule := range rules {
		_, err := x.Query(rule)
		require.ErrorIs(t, err, ErrUnsupported, rule)
	}
	x = open(true)
	for i, rule := range rules {
		a, err := x.Define(fmt.Sprint(i), rule)
		require.NoError(t, err, rule)
		again, err := x.Define(fmt.Sprint("again ", i), a.Normal)
		require.NoError(t, err, a.Normal)
		require.Equal(t, a.Normal, again.Normal)
	}
	r := rand.New(rand.NewPCG(1, 1))
	members := make([]int, len(rules))
	now := modelEpoch
	for range 400 {
		now = now.Add(time.Duration(r.IntN(3600)) * time.Second)
		u := 1 + r.Uint32N(5)
		switch r.IntN(3) {
		case 0:
			require.NoError(t, x.Update(u, map[string]any{
				"n": r.IntN(4), "s": pick(r, "u", "u,v", "v", "web,mail", "^a"), "tags": pick(r, nil, []string{"vip"}, []string{"a", "vip"}),
				"geo.city": pick(r, "akl", "wlg"), "b": r.IntN(2) == 0,
			}, now))
		case 1:
			require.NoError(t, x.Observe(u, "A", map[string]any{"x": 1 + r.IntN(3), "y": pick(r, "u", "v"), "ctx.source": pick(r, "web", "mail")}, now))
		default:
			require.NoError(t, x.Advance(now))
		}
		for i, rule := range rules {
			kept, err := x.Members(fmt.Sprint(i))
			require.NoError(t, err)
			anew, err := x.Query(rule)
			require.NoError(t, err)
			require.Equal(t, anew.ToArray(), kept.ToArray(), rule)
			again, err := x.Members(fmt.Sprint("again ", i))
			require.NoError(t, err)
			require.Equal(t, again.ToArray(), kept.ToArray(), rule)
			members[i] += int(kept.GetCardinality())
		}
	}
	for i, n := range members {
		require.Positive(t, n, rules[i])
		require.Less(t, n, 400*5, rules[i])
	}
	for rule, want := range map[string]error{
		`split(s, ",")[0] == ago("1d")`: ErrUnsupported,
		`$env["s"][0] == "u"`:           ErrUnsupported,
		`split(q, ",")[0] == "u"`:       ErrUnknown,
		`events("A", "3d")[0].x > 2`:    ErrNotRetained,
		`events("B")[0].x > 2`:          ErrUnknown,
		`n > "u"`:                       ErrType,
	} {
		_, err := x.Query(rule)
		require.ErrorIs(t, err, want, rule)
	}
}
