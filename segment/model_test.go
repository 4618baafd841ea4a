package segment

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/expr-lang/expr"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestModel has parts, which run side by side and can be run one by one:
// the long form is about a million calls.
func TestModel(t *testing.T) {
	parts, rounds := 2, 75
	if os.Getenv("ZHUN_LONG") != "" {
		parts, rounds = 50, 500
	}
	for part := range parts {
		t.Run(fmt.Sprintf("part=%d", part), func(t *testing.T) {
			t.Parallel()
			for round := part * rounds; round < (part+1)*rounds && !t.Failed(); round++ {
				model(t, rand.New(rand.NewPCG(7, uint64(round))), fmt.Sprintf("round %d", round), 40)
			}
		})
	}
}

func TestModelRapid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { model(t, drawn{t}, "rapid", 12) })
}

// drawn is a source whose draws rapid shrinks.
type drawn struct{ t *rapid.T }

func (d drawn) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "") }

// model drives an index and the reference with the same random calls: after
// every one the members kept, the answer ad hoc and the reference agree, and
// the transitions emitted lead from one to the next.
func model(t require.TestingT, s source, what string, calls int) {
	manual := s.IntN(2) == 0
	opts := &Options{Events: modelEvents, Retain: 2 * day * time.Second}
	if manual {
		opts.Clock = Manual
	}
	x, err := NewIndex(modelSchema, opts)
	require.NoError(t, err)
	ref := &reference{schema: modelSchema, events: modelEvents, retain: opts.Retain, zone: time.UTC, rules: map[string]string{}}
	seen := map[string]map[uint32]bool{} // by the transitions
	var last time.Time
	var trace []string
	defer func() {
		if f, ok := t.(interface{ Failed() bool }); ok && f.Failed() {
			if l, ok := t.(interface{ Logf(string, ...any) }); ok {
				l.Logf("%s: %q", what, trace)
			}
		}
	}()
	x.Watch(nil, func(tr Transition) {
		if seen[tr.Audience] == nil {
			seen[tr.Audience] = map[uint32]bool{}
		}
		require.NotEqual(t, tr.Entered, seen[tr.Audience][tr.User], "%s: %v repeats", what, tr)
		require.False(t, tr.At.Before(last), "%s: %v after %v", what, tr, last)
		seen[tr.Audience][tr.User], last = tr.Entered, tr.At
	})
	define := func() {
		names := []string{"a", "b", "c", "dd"}
		i := s.IntN(len(names))
		w := &writer{source: s}
		for _, n := range names[:i] {
			if _, ok := ref.rules[n]; ok {
				w.audiences = append(w.audiences, n)
			}
		}
		rule := w.rule()
		trace = append(trace, "define "+names[i]+" "+rule)
		_, err := x.Define(names[i], rule)
		require.NoError(t, err, "%s: %s", what, rule)
		ref.rules[names[i]] = rule
	}
	for range 1 + s.IntN(4) {
		define()
	}
	instant := func() time.Time {
		at := modelEpoch.Add(time.Duration(s.IntN(300)) * 10 * time.Minute)
		if s.IntN(3) == 0 {
			at = at.Add(time.Duration(s.IntN(3000)) * time.Millisecond)
		}
		return at
	}
	half := x.Within(roaring.BitmapOf(2, 4, 1<<14))
	var advanced time.Time
	follow := func(at time.Time) {
		if !manual && at.After(ref.now) {
			ref.now = at
		}
	}
	for step := range calls {
		user := 1 + uint32(s.IntN(4))
		switch s.IntN(12) {
		case 0, 1, 2:
			at, attrs := instant(), attributesOf(s, false)
			trace = append(trace, fmt.Sprintf("update %d %v %v", user, attrs, at))
			if s.IntN(2) == 0 {
				require.NoError(t, x.Update(user, attrs, at))
			} else {
				require.NoError(t, x.ObserveAll([]Observation{{User: user, At: at, Attributes: attrs}}))
			}
			ref.calls = append(ref.calls, call{user: user, fields: attrs, at: at})
			follow(at)
		case 3, 4, 5, 6:
			at, event := instant(), pick(s, "A", "A", "B", "C", "D")
			fields := fieldsOf(s, event, false)
			trace = append(trace, fmt.Sprintf("observe %d %s %v %v", user, event, fields, at))
			again := s.IntN(8) == 0 && event != "D"
			if again {
				o := Observation{User: user, At: at, Event: event, Fields: fields}
				require.NoError(t, x.ObserveAll([]Observation{o, o}))
			} else {
				require.NoError(t, x.Observe(user, event, fields, at))
			}
			// What arrives beyond the horizon is not kept; the user is.
			if at.Unix() <= advanced.Unix()-int64(opts.Retain/time.Second) && !advanced.IsZero() {
				event = "D"
			}
			ref.calls = append(ref.calls, call{user, event, fields, at})
			if again {
				ref.calls = append(ref.calls, call{user, event, fields, at})
			}
			follow(at)
		case 7, 8:
			now := instant()
			trace = append(trace, fmt.Sprintf("advance %v", now))
			require.NoError(t, x.Advance(now))
			if now.After(ref.now) {
				ref.now = now
			}
			advanced = ref.now
		case 9:
			trace = append(trace, fmt.Sprintf("erase %d", user))
			require.NoError(t, x.Erase(user))
			ref.erase(user)
		case 10:
			to := 1 + uint32(s.IntN(4))
			trace = append(trace, fmt.Sprintf("rename %d %d", user, to))
			require.NoError(t, x.Rename(user, to))
			ref.rename(user, to)
		default:
			switch s.IntN(3) {
			case 0:
				define()
			case 1:
				data, err := x.AppendBinary(nil)
				require.NoError(t, err)
				trace = append(trace, "bytes")
				require.NoError(t, x.UnmarshalBinary(data))
			default:
				trace = append(trace, "merge")
				y, err := NewIndex(modelSchema, opts)
				require.NoError(t, err)
				at := instant()
				require.NoError(t, y.Observe(user, "B", map[string]any{"x": 1}, at))
				require.NoError(t, x.Merge(y))
				event := "B"
				if at.Unix() <= advanced.Unix()-int64(opts.Retain/time.Second) && !advanced.IsZero() {
					event = "D"
				}
				ref.calls = append(ref.calls, call{user, event, map[string]any{"x": 1}, at})
				follow(at)
			}
		}
		for name, rule := range ref.rules {
			want := ref.members(rule)
			got, err := x.Members(name)
			require.NoError(t, err)
			require.Equal(t, want, append([]uint32{}, got.ToArray()...), "%s: members of %s: %s\nat %v after %q", what, name, rule, ref.now, trace)
			adhoc, err := x.Query(rule)
			require.NoError(t, err)
			require.Equal(t, want, append([]uint32{}, adhoc.ToArray()...), "%s: query %s", what, rule)
			var inside []uint32
			for _, u := range want {
				if half.has(u) {
					inside = append(inside, u)
				}
			}
			if step%8 == 0 {
				within(t, half, name, rule, inside)
			}
			var told []uint32
			for u, in := range seen[name] {
				if in {
					told = append(told, u)
				}
			}
			slices.Sort(told)
			require.Equal(t, want, append([]uint32{}, told...), "%s: transitions of %s: %s after %q", what, name, rule, trace)
		}
	}
}

// within checks what leaves through a mask.
func within(t require.TestingT, w *Within, name, rule string, want []uint32) {
	want = append([]uint32{}, want...)
	got, err := w.Members(name)
	require.NoError(t, err)
	require.Equal(t, want, append([]uint32{}, got.ToArray()...))
	got, err = w.Query(rule)
	require.NoError(t, err)
	require.Equal(t, want, append([]uint32{}, got.ToArray()...), rule)
	n, err := w.Count(rule)
	require.NoError(t, err)
	require.Equal(t, len(want), n)
	require.Equal(t, len(want), w.Size(name))
	enough, err := w.AtLeast(rule, 2)
	require.NoError(t, err)
	require.Equal(t, len(want) >= 2, enough)
	p, err := w.Preview(name, "not ("+rule+")")
	require.NoError(t, err)
	require.Equal(t, want, append([]uint32{}, p.Leaves.ToArray()...))
	require.Equal(t, p.Users-len(want), p.Size)
	require.Equal(t, int(w.Users().GetCardinality()), p.Users)
	o, err := w.Overlap(name)
	require.NoError(t, err)
	require.Equal(t, Overlap{Names: []string{name}, Users: p.Users, Both: [][]int{{len(want)}}}, o)
	for u := range uint32(6) {
		in := slices.Contains(want, u)
		require.Equal(t, in, w.Contains(name, u))
		require.Equal(t, in, slices.Contains(slices.Collect(w.Of(u)), name))
	}
}

// TestMachine compares the reference with expr's own virtual machine where
// nothing is missing: a second opinion from an engine that is not ours.
func TestMachine(t *testing.T) {
	rounds := 1000
	if os.Getenv("ZHUN_LONG") != "" {
		rounds = 100000
	}
	agreed, yes := 0, 0
	for round := range rounds {
		s := rand.New(rand.NewPCG(11, uint64(round)))
		ref := &reference{schema: modelSchema, events: modelEvents, retain: defaultRetain, zone: time.UTC}
		ref.now = modelEpoch.Add(50 * time.Hour)
		attrs := attributesOf(s, true)
		ref.calls = append(ref.calls, call{user: 1, fields: attrs, at: modelEpoch})
		for range s.IntN(12) {
			event := pick(s, "A", "B", "C")
			at := modelEpoch.Add(time.Duration(s.IntN(300)) * 10 * time.Minute)
			ref.calls = append(ref.calls, call{1, event, fieldsOf(s, event, true), at})
		}
		w := &writer{source: s, plain: true}
		rule := w.rule()
		want, whole := ref.holds(rule, 1)
		if !whole {
			continue
		}
		env := map[string]any{"events": func(name string, span ...string) []any {
			from, to := ref.retain, time.Duration(0)
			for i, text := range span {
				sec, _ := parseWindow(text)
				if i == 0 {
					from = time.Duration(sec) * time.Second
				} else {
					to = time.Duration(sec) * time.Second
				}
			}
			var out []any
			for _, r := range (&refEval{f: ref, user: 1, now: ref.now}).rows(name, from, to) {
				out = append(out, r.fields)
			}
			return out
		}}
		for k, v := range attrs {
			env[k] = v
		}
		program, err := expr.Compile(rule, expr.Env(env), expr.AsBool())
		require.NoError(t, err, "expr refuses %s", rule)
		got, err := expr.Run(program, env)
		if err != nil {
			continue // an empty aggregate, for which expr has no answer
		}
		require.Equal(t, got, want, "round %d: %s with %v", round, rule, ref.calls)
		if agreed++; want {
			yes++
		}

		x, err := NewIndex(modelSchema, &Options{Events: modelEvents, Clock: Manual})
		require.NoError(t, err)
		require.NoError(t, x.Advance(ref.now))
		for _, c := range ref.calls {
			if c.event == "" {
				require.NoError(t, x.Update(c.user, c.fields, c.at))
			} else {
				require.NoError(t, x.Observe(c.user, c.event, c.fields, c.at))
			}
		}
		members, err := x.Query(rule)
		require.NoError(t, err)
		require.Equal(t, got, members.Contains(1), "round %d: %s", round, rule)
	}
	require.Greater(t, agreed, rounds/3, "too few rules were compared")
	require.Greater(t, yes, agreed/10)
	require.Less(t, yes, agreed*9/10)
}
