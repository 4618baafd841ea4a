package segment

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // zones on machines that have none

	"github.com/stretchr/testify/require"
)

func zoneNamed(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// TestZones checks days of 23 and 25 hours, a midnight that does not exist,
// and users with zones of their own.
func TestZones(t *testing.T) {
	for _, c := range []struct{ zone, day, first string }{
		{"UTC", "2026-03-08", "2026-03-08T00:00:00Z"},
		{"America/New_York", "2026-03-08", "2026-03-08T05:00:00Z"}, // 23 hours long
		{"America/New_York", "2026-03-09", "2026-03-09T04:00:00Z"},
		{"America/New_York", "2026-11-01", "2026-11-01T04:00:00Z"}, // 25 hours long
		{"America/New_York", "2026-11-02", "2026-11-02T05:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // begins at 01:00
		{"Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00Z"},       // begins at 01:00
		{"Pacific/Auckland", "2026-06-15", "2026-06-14T12:00:00Z"},
	} {
		d, err := time.Parse(time.DateOnly, c.day)
		require.NoError(t, err)
		got := midnight(d.Year(), d.Month(), d.Day(), zoneNamed(t, c.zone))
		require.Equal(t, c.first, got.UTC().Format(time.RFC3339), "%s in %s", c.day, c.zone)
	}

	x, err := NewIndex(Schema{"zone": String, "t": Time}, &Options{Zone: zoneNamed(t, "Europe/Berlin"), ZoneAttribute: "zone", Clock: Manual})
	require.NoError(t, err)
	define(t, x, "today", "t >= startOfDay() and t < startOfDay(1)")
	define(t, x, "since", `t >= date("2026-06-15")`)
	require.NoError(t, x.Advance(at("2026-06-15T10:00:00Z")))
	moment := at("2026-06-14T22:30:00Z")
	for user, zone := range []any{nil, "Pacific/Auckland", "America/New_York", "No/Where", "Local"} {
		require.NoError(t, x.Update(uint32(user+1), map[string]any{"t": moment, "zone": zone}, moment))
	}
	members := func(name string) []uint32 {
		m, err := x.Members(name)
		require.NoError(t, err)
		return m.ToArray()
	}
	// 00:30 on the 15th in Berlin, 10:30 in Auckland, 18:30 on the 14th in New York.
	require.Equal(t, []uint32{1, 2, 4, 5}, members("today"))
	require.Equal(t, []uint32{1, 2, 4, 5}, members("since"))
	require.NoError(t, x.Advance(at("2026-06-15T12:00:00Z"))) // midnight in Auckland
	require.Equal(t, []uint32{1, 4, 5}, members("today"))
	require.NoError(t, x.Update(3, map[string]any{"zone": "Asia/Tokyo"}, moment.Add(time.Hour)))
	require.Equal(t, []uint32{1, 3, 4, 5}, members("today"))
	require.Equal(t, []uint32{1, 2, 3, 4, 5}, members("since"))
}

func TestAnniversaries(t *testing.T) {
	x, err := NewIndex(Schema{"born": Time}, &Options{Clock: Manual})
	require.NoError(t, err)
	require.NoError(t, x.Advance(at("2026-02-01T00:00:00Z")))
	for user, born := range []string{"1996-02-29", "1990-02-28", "1990-03-01", "1990-12-31", "1990-01-01"} {
		require.NoError(t, x.Update(uint32(user+1), map[string]any{"born": at(born + "T15:00:00Z")}, x.Now()))
	}
	define(t, x, "today", "anniversary(born) == startOfDay()")
	for _, c := range []struct {
		day  string
		want []uint32
	}{
		{"2026-02-27", nil},
		{"2026-02-28", []uint32{1, 2}},
		{"2026-03-01", []uint32{3}},
		{"2026-12-31", []uint32{4}},
		{"2027-01-01", []uint32{5}},
		{"2028-02-28", []uint32{2}},
		{"2028-02-29", []uint32{1}},
	} {
		require.NoError(t, x.Advance(at(c.day+"T18:00:00Z")))
		m, err := x.Members("today")
		require.NoError(t, err)
		require.Equal(t, append([]uint32{}, c.want...), append([]uint32{}, m.ToArray()...), c.day)
	}
}

// TestExactSum compares with arbitrary precision, in any order.
func TestExactSum(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for round := range 2000 {
		var list []float64
		for range 1 + r.IntN(20) {
			v := math.Ldexp(r.Float64()-0.5, r.IntN(60)-30)
			switch r.IntN(12) {
			case 0:
				v = math.Ldexp(r.Float64()-0.5, r.IntN(2040)-1020)
			case 1:
				v = math.MaxFloat64 * float64(1-2*r.IntN(2))
			case 2:
				if len(list) > 0 {
					v = -list[r.IntN(len(list))]
				}
			case 3:
				v = math.Ldexp(1, r.IntN(110)-55) // half-way cases
			}
			list = append(list, v)
		}
		want := new(big.Float).SetPrec(4000)
		for _, v := range list {
			want.Add(want, big.NewFloat(v))
		}
		exact, _ := want.Float64()
		for range 3 {
			var s exactSum
			for _, v := range list {
				s.add(v)
			}
			require.Equal(t, exact+0, s.value(), "round %d: %v", round, list)
			r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		}
	}
}

// TestStreamOrder inserts rows in any order, late ones far back too.
func TestStreamOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 50 {
		type entry struct {
			at  stamp
			num float64
			obj any
		}
		var list []entry
		for range r.IntN(200) {
			list = append(list, entry{stamp{r.Int64N(40), r.Int32N(2)}, float64(r.IntN(3)), pick[any](r, nil, "a", "b")})
		}
		build := func() stream {
			s := newStream(0, 1, 1)
			for _, e := range list {
				i := s.insert(e.at, []float64{e.num}, []any{e.obj})
				require.Equal(t, 0, s.compareRow(i, e.at, []float64{e.num}, []any{e.obj}))
			}
			return s
		}
		a := build()
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		b := build()
		require.Equal(t, a, b)
		var secs []int64
		for i := range a.len() {
			secs = append(secs, a.sec(i))
		}
		require.True(t, slices.IsSorted(secs))
		for sec := int64(-1); sec <= 41; sec++ {
			n := 0
			for _, s := range secs {
				if s <= sec {
					n++
				}
			}
			require.Equal(t, n, a.upper(sec))
		}
	}
}

// TestCorners executes what the language reference does not show.
func TestCorners(t *testing.T) {
	x, err := NewIndex(Schema{
		"first name": String, "in": Number, "a.b": Number, "n": Number, "any": Any, "other": Any, "s": String, "t": Time, "tags": Strings, "b": Bool,
	}, &Options{Clock: Manual, Events: map[string]Schema{
		"E": {"v": Any, "n": Number, "list": Objects, "list.ok": Bool, "list.tags": Strings, "list.when": Time, "free": Objects, "weird field": Number, "s": String, "ok": Bool},
	}})
	require.NoError(t, err)
	now := at("2026-01-10T00:00:00Z")
	require.NoError(t, x.Advance(now))
	require.NoError(t, x.Update(1, map[string]any{
		"first name": "Ann", "in": 1, "a.b": 2, "n": 3, "any": 4, "other": 4.0, "s": "x", "t": now, "tags": []string{"u"}, "b": true,
	}, now))
	require.NoError(t, x.Update(2, map[string]any{"any": "text", "other": "text", "s": "y.z"}, now))
	require.NoError(t, x.Update(3, map[string]any{"any": true, "other": now}, now))
	require.NoError(t, x.Update(4, map[string]any{"any": []string{"u", "v"}}, now))
	require.NoError(t, x.Observe(1, "E", map[string]any{
		"v": "w", "n": 2, "weird field": 1, "s": "k", "ok": true,
		"list": []map[string]any{{"ok": true, "tags": []string{"u"}, "when": now, "not declared": 1}, {"ok": "wrong"}},
		"free": []map[string]any{{"k": 1, "deep": []map[string]any{{"z": 2}}}},
	}, now.Add(-time.Hour)))
	require.NoError(t, x.Observe(1, "E", map[string]any{"v": 5, "n": 2.5, "s": "k"}, now.Add(-2*time.Hour)))
	for _, c := range []struct {
		rule string
		want []uint32
	}{
		{`$env["first name"] == "Ann"`, []uint32{1}},
		{`$env["in"] == 1`, []uint32{1}},
		{`a.b == 2`, []uint32{1}},
		{`any == other`, []uint32{1, 2}},
		{`any < other`, nil},
		{`any <= other`, []uint32{1, 2}},
		{`any > 3`, []uint32{1}},
		{`any == "text"`, []uint32{2}},
		{`any == true`, []uint32{3}},
		{`any`, []uint32{3}},
		{`any == n + 1`, []uint32{1}},
		{`other == t`, nil},
		{`other <= now()`, []uint32{3}},
		{`"u" in any`, []uint32{4}},
		{`len(any) == 2`, []uint32{4}},
		{`any(any, # == "v")`, []uint32{4}},
		{`any == nil`, nil},
		{`s in ["x", 1]`, nil},
		{`any in ["text", 4]`, []uint32{1, 2}},
		{`"x" in map(events("E"), .s)`, nil},
		{`"k" in map(events("E"), .s)`, []uint32{1}},
		{`2 in map(events("E"), .n)`, []uint32{1}},
		{`(b ? n : 7) == 3`, []uint32{1}},
		{`(b ? s : "q") == "q"`, []uint32{2, 3, 4}},
		{`(b ? any : n) == 4`, []uint32{1}},
		{`(b ? b : n == nil)`, []uint32{1, 2, 3, 4}},
		{`((b ? b : n > 1) == true) == true`, []uint32{1}},
		{`(any ?? "none") == "text"`, []uint32{2}},
		{`b == (n == 3)`, []uint32{1}},
		{`-n == -3 and +n == 3`, []uint32{1}},
		{`2 ** n == 8`, []uint32{1}},
		{`n ^ 2 == 9`, []uint32{1}},
		{`10 ** 400 > 1`, nil},
		{`n % 0 == 0`, nil},
		{`2.5 % n == 1`, nil},
		{`ceil(2.5) == n and floor(3.5) == n`, []uint32{1}},
		{`upper(s) == "X" and trim(" x ") == s`, []uint32{1}},
		{`under(s, "y")`, []uint32{2}},
		{`"a" < s`, []uint32{1, 2}},
		{`s > "x"`, []uint32{2}},
		{`s + "!" == "x!"`, []uint32{1}},
		{`1 < 2`, []uint32{1, 2, 3, 4}},
		{`nil == nil`, []uint32{1, 2, 3, 4}},
		{`n == 3 and true or false`, []uint32{1}},
		{`any(events("E"), .v == "w")`, []uint32{1}},
		{`any(events("E"), .v == nil)`, nil},
		{`any(events("E"), #["weird field"] == 1)`, []uint32{1}},
		{`any(events("E"), any(.list, .ok))`, []uint32{1}},
		{`any(events("E"), any(.list, .ok == nil))`, []uint32{1}},
		{`any(events("E"), any(.list, "u" in .tags))`, []uint32{1}},
		{`any(events("E"), any(.list, .when < ahead("1h")))`, []uint32{1}},
		{`any(events("E"), any(.free, .k == 1))`, []uint32{1}},
		{`any(events("E"), any(.free, any(.deep, .z == 2)))`, []uint32{1}},
		{`any(events("E"), first(.free).k == 1)`, []uint32{1}},
		{`last(events("E")).ok`, []uint32{1}},
		{`last(events("E")).ok == true`, []uint32{1}},
		{`first(events("E")) == nil`, []uint32{2, 3, 4}},
		{`first(map(events("E"), .n)) == 2.5`, []uint32{1}},
		{`first(filter(map(events("E"), .n), # < 2.3)) == 2`, []uint32{1}},
		{`find(events("E"), .n > 2.3).v == 5`, []uint32{1}},
		{`mode(map(events("E"), .s)) == "k"`, []uint32{1}},
		{`mode(map(events("E"), .n)) == 2`, []uint32{1}},
		{`mode(map(events("E"), .ok))`, []uint32{1}},
		{`count(map(events("E"), .ok)) == 1`, []uint32{1}},
		{`sum(map(filter(events("E"), .n > 1), .n)) == 4.5`, []uint32{1}},
		{`len(filter(events("E"), .n > 1)) == 2`, []uint32{1}},
		{`len(uniq(tags)) == 1`, []uint32{1}},
		{`2 <= len(events("E")) <= 2.5`, []uint32{1}},
		{`len(events("E")) == 1.5`, nil},
		{`len(events("E")) >= 0`, []uint32{1, 2, 3, 4}},
		{`len(events("E")) > 1e18`, nil},
		{`one(events("E"), .n == 2)`, []uint32{1}},
		{`all(events("E"), .n >= 2) and len(events("E")) > 0`, []uint32{1}},
		{`tags | any(# == "u")`, []uint32{1}},
		{`t == date("2026-01-10")`, []uint32{1}},
		{`t in ["x"]`, nil},
	} {
		got, err := x.Query(c.rule)
		if c.rule == `t in ["x"]` || c.rule == `s in ["x", 1]` {
			require.ErrorIs(t, err, ErrType, c.rule)
			continue
		}
		require.NoError(t, err, c.rule)
		require.Equal(t, append([]uint32{}, c.want...), append([]uint32{}, got.ToArray()...), c.rule)
		a, err := x.Define("a", c.rule)
		require.NoError(t, err, c.rule)
		again, err := x.Query(a.Normal)
		require.NoError(t, err, "%s, written %s", c.rule, a.Normal)
		require.Equal(t, got.ToArray(), again.ToArray(), "%s, written %s", c.rule, a.Normal)
		kept, err := x.Members("a")
		require.NoError(t, err)
		require.Equal(t, got.ToArray(), kept.ToArray(), c.rule)
	}
}
