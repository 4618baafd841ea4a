package segment

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// plainly answers a rule user by user.
func plainly(t *testing.T, x *Index, rule string) *roaring.Bitmap {
	f, err := x.prepare(rule)
	require.NoError(t, err, rule)
	want := roaring.New()
	s := &scan{x: x, now: x.second(), until: never, deep: true}
	for s.r = range x.table.all() {
		if f.eval(s) {
			want.Add(s.r.user)
		}
	}
	return want
}

// TestAnswers compares answers with those found user by user, over blocks of
// users that are dense, thin, sparse and nearly empty, while users change, come
// and go. Rules are asked again, since questions keep what they have found.
func TestAnswers(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	x, err := NewIndex(modelSchema, &Options{Events: modelEvents, Clock: Manual, Workers: 3})
	require.NoError(t, err)
	now := modelEpoch
	require.NoError(t, x.Advance(now))
	rounds, full := 2, 20_000
	if os.Getenv("ZHUN_LONG") != "" {
		rounds, full = 60, 1<<16-1
	}
	var users []uint32
	for block, n := range []int{0: full, 5000, 300, 0, 3, 17: 40, 700, 25: 9} {
		for i := range uint32(n) {
			u := uint32(block)<<16 + r.Uint32N(1<<16)
			if block == 0 {
				u = 1 + i
			}
			users = append(users, u)
		}
	}
	change := func(u uint32) {
		now = now.Add(time.Millisecond)
		attrs := map[string]any{}
		values := map[string]any{
			"n": r.IntN(5), "m": r.NormFloat64() * 3, "s": pick(r, "u", "v", "uv", "", "x"), "b": r.IntN(2) == 0,
			"t":    modelEpoch.Add(time.Duration(int64(u)/4-1000+int64(r.IntN(3))) * time.Second / 2),
			"tags": pick(r, []string{"u"}, []string{"v", "u.x"}, []string{}),
		}
		for _, name := range []string{"n", "m", "s", "b", "t", "tags"} {
			switch r.IntN(8) {
			case 0:
			case 1:
				attrs[name] = nil
			default:
				attrs[name] = values[name]
			}
		}
		require.NoError(t, x.Update(u, attrs, now))
	}
	for _, u := range users {
		change(u)
		if r.IntN(10) == 0 {
			require.NoError(t, x.Observe(u, pick(r, "A", "B"), map[string]any{"x": r.IntN(4)}, modelEpoch.Add(-time.Duration(r.IntN(7200))*time.Second)))
		}
	}
	_, err = x.Define("rare", `n == 4 and m > 3 and s == "u"`)
	require.NoError(t, err)
	_, err = x.Define("most", `m > -6`)
	require.NoError(t, err)
	rules := []string{
		"n == 3", "n in [1, 3]", "n in [1, 3, 7] and b", "m >= 0.5 and m < 0.6", "m >= 0.5 and m < 0.6 and b", "m > 0", "not (m > 20)", "m > -100",
		"b", "b == false", "b != true", "b == nil", "not b or m > 8", "s == nil", `s in ["u", "v"] or m > 4`, `s != "u" and tags == nil`,
		fmt.Sprintf("t < date(%q)", modelEpoch.Add(time.Hour).Format(time.RFC3339)),
		fmt.Sprintf("t >= date(%q) and t < date(%q)", modelEpoch.Add(30*time.Minute).Format(time.RFC3339), modelEpoch.Add(40*time.Minute).Format(time.RFC3339)),
		fmt.Sprintf("t <= date(%q)", modelEpoch.Add(1500*time.Millisecond).Format(time.RFC3339Nano)),
		fmt.Sprintf("t == date(%q)", modelEpoch.Add(10*time.Second).Format(time.RFC3339)),
		fmt.Sprintf("date(%q) < t", modelEpoch.Add(10*time.Second).Format(time.RFC3339)),
		`t > ago("5m")`, `t <= ahead("30m") and b`, "startOfDay() <= t", `ago("5m") > t`, "t == now()",
		`"u" in tags`, `under(tags, "u")`, "len(tags) == 0", `not ("u" in tags) and s matches "^u"`, `s contains "v" or n + m > 9`,
		`segment("rare")`, `segment("rare") and len(events("A", "1h")) == 0`, `segment("most") and not segment("rare") and n != 2`,
		`segment("rare") and (m > 4 or s == nil or n in [3, 4])`, `segment("rare") and not (b and m > 4)`, `segment("rare") and score(2, b, 1, m > 4) >= 2`,
		`len(events("A", "1h")) > 0`, `s == "u" and len(events("B")) == 0`, `len(events("A")) > 0 or segment("rare")`,
		`score(1, b, 2, n == 2, 4, m > 1) >= 5`, "true", "false", "b or true", "n == 9 or m == 0.125",
	}
	mask := roaring.New()
	for _, u := range users {
		if r.IntN(3) > 0 {
			mask.Add(u)
		}
	}
	within := x.Within(mask)
	w := &writer{source: r, audiences: []string{"rare", "most"}}
	for round := range rounds {
		for i, rule := range append(rules, w.rule(), w.rule(), w.rule(), w.rule()) {
			want := plainly(t, x, rule)
			got, err := x.Query(rule)
			require.NoError(t, err)
			if !want.Equals(got) {
				require.Equal(t, want.ToArray(), got.ToArray(), "round %d: %s", round, rule)
			}
			n, err := x.Count(rule)
			require.NoError(t, err)
			require.Equal(t, int(want.GetCardinality()), n, rule)
			for _, more := range []int{0, 1} {
				enough, err := x.AtLeast(rule, n+more)
				require.NoError(t, err)
				require.Equal(t, more == 0, enough, rule)
			}
			if (i+round)%4 == 0 {
				got, err = within.Query(rule)
				require.NoError(t, err)
				want.And(mask)
				require.True(t, want.Equals(got), "within a mask: %s", rule)
				n, err = within.Count(rule)
				require.NoError(t, err)
				require.Equal(t, int(want.GetCardinality()), n, rule)
			}
		}
		// Some change, all of a block do, some go, some are new.
		for range 300 {
			change(pick(r, users...))
		}
		for range 50 {
			require.NoError(t, x.Erase(pick(r, users...)))
			require.NoError(t, x.Rename(pick(r, users...), pick(r, users...)))
			require.NoError(t, x.Observe(5<<16+r.Uint32N(1<<16), "A", nil, now))
		}
		if round%2 == 0 {
			for u := uint32(1); u <= uint32(full); u += 2 {
				change(u)
			}
		}
		now = now.Add(time.Minute)
		require.NoError(t, x.Advance(now))
	}
}
