package segment

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMatching compares what is computed for attributes with the audiences a
// user is in once they are set.
func TestMatching(t *testing.T) {
	for round := range 300 {
		s := rand.New(rand.NewPCG(13, uint64(round)))
		x, err := NewIndex(modelSchema, &Options{Events: modelEvents, Clock: Manual, Retain: 2 * day * time.Second})
		require.NoError(t, err)
		now := modelEpoch.Add(30 * time.Hour)
		if round%8 > 0 {
			require.NoError(t, x.Advance(now))
		}
		latest := now
		w := &writer{source: s}
		rules := map[string]string{}
		for i := range 1 + s.IntN(12) {
			name := fmt.Sprint(i)
			rules[name] = w.rule()
			define(t, x, name, rules[name])
			w.audiences = append(w.audiences, name)
		}
		for range 12 {
			user := uint32(s.IntN(4))
			if user > 0 {
				for range s.IntN(4) {
					at := modelEpoch.Add(time.Duration(s.IntN(300)) * 10 * time.Minute)
					event := pick(s, "A", "B", "C")
					require.NoError(t, x.Observe(user, event, fieldsOf(s, event, false), at))
				}
			}
			attrs := attributesOf(s, s.IntN(3) == 0)
			got := x.AppendMatching([]string{"before"}, user, attrs)
			if user == 0 {
				user = 9
				require.NoError(t, x.Erase(user))
			}
			// The last writer wins: what is set must be the latest.
			latest = latest.Add(time.Second)
			require.NoError(t, x.Update(user, attrs, latest))
			want := append([]string{"before"}, slices.Collect(x.Of(user))...)
			if !slices.Equal(want, got) {
				for _, name := range want {
					t.Log(name, rules[name])
				}
				require.Equal(t, want, got, "round %d, user %d: %v, %v", round, user, attrs, rules)
			}
		}
	}
}

func TestMatchingAllocatesNothing(t *testing.T) {
	x, err := NewIndex(Schema{"n": Number, "s": String, "b": Bool}, &Options{Events: map[string]Schema{}})
	require.NoError(t, err)
	for i := range 40 {
		define(t, x, fmt.Sprint(i), fmt.Sprintf(`n > %d and (s == "u" or b or n < %d) and s != nil`, i, i/2))
	}
	attrs := map[string]any{"n": 20.5, "s": "u", "b": false}
	var buf []string
	require.Len(t, x.AppendMatching(nil, 0, attrs), 21)
	if !raceEnabled {
		require.Zero(t, testing.AllocsPerRun(100, func() { buf = x.AppendMatching(buf[:0], 0, attrs) }))
	}
}

// TestLongCircuit: a circuit too large for short numbers computes the same.
func TestLongCircuit(t *testing.T) {
	s := rand.New(rand.NewPCG(17, 1))
	x, err := NewIndex(modelSchema, &Options{Events: modelEvents})
	require.NoError(t, err)
	w := &writer{source: s}
	for i := range 60 {
		define(t, x, fmt.Sprint(i), w.rule())
	}
	c := x.circuitOf()
	long := *c
	long.runs = slices.Clone(c.runs)
	for i := range long.runs {
		for _, in := range c.runs[i].short {
			long.runs[i].ins = append(long.runs[i].ins, uint32(in))
		}
	}
	a, b := make([]byte, c.bytes()), make([]byte, c.size)
	for range 20 {
		for i := range c.blank[:len(c.blank)-2] {
			a[i] = byte(s.IntN(2))
		}
		a[len(c.blank)-2], a[len(c.blank)-1] = 1, 0
		copy(b, a[:len(c.blank)])
		c.compute(a)
		long.computeLong(b)
		require.Equal(t, b, a[:c.size])
	}
}

// BenchmarkMatching computes 1,000 audiences over 2,000 predicates from the 50
// attributes of a visitor. The rival walks the trees of all rules. Of the wide
// ones, and of ors, a visitor is in nine of ten; of the narrow ones, four
// conditions of which one in four holds, in a few.
func BenchmarkMatching(b *testing.B) {
	b.Run(fmt.Sprintf("audiences=%d", benchAudiences), func(b *testing.B) {
		rules, trees := benchRules(rand.New(rand.NewPCG(1, 1)))
		benchMatching(b, rules, trees)
		b.ReportMetric(1.0/8, "goal-ratio")
		b.ReportMetric(45_000, "rival-guide-ns")
	})
	b.Run(fmt.Sprintf("narrow/audiences=%d", benchAudiences), func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 1))
		var rules []string
		var trees []tree
		for range benchAudiences {
			var parts []string
			var node tree
			for range 4 {
				attr, limit := r.IntN(benchAttrs), float64(r.IntN(benchCuts)*benchRange/benchCuts)
				var part tree = treeMore{attr, limit}
				op := ">="
				if limit < benchRange/2 {
					part, op = treeLess{attr, limit}, "<"
				}
				parts = append(parts, fmt.Sprintf("a%02d %s %g", attr, op, limit))
				if node == nil {
					node = part
				} else {
					node = treeAnd{node, part}
				}
			}
			rules, trees = append(rules, strings.Join(parts, " and ")), append(trees, node)
		}
		benchMatching(b, rules, trees)
	})
}

func benchMatching(b *testing.B, rules []string, trees []tree) {
	r := rand.New(rand.NewPCG(2, 1))
	schema := Schema{}
	names := make([]string, benchAttrs)
	for i := range names {
		names[i] = fmt.Sprintf("a%02d", i)
		schema[names[i]] = Number
	}
	x, err := NewIndex(schema, &Options{Events: map[string]Schema{}})
	if err != nil {
		b.Fatal(err)
	}
	for i, rule := range rules {
		if _, err := x.Define(fmt.Sprintf("audience %d", i), rule); err != nil {
			b.Fatal(err)
		}
	}
	visitors := make([]map[string]any, 256)
	values := make([][]float64, len(visitors))
	for i := range visitors {
		visitors[i] = map[string]any{}
		for _, n := range names {
			v := float64(r.IntN(benchRange))
			visitors[i][n] = v
			values[i] = append(values[i], v)
		}
	}
	dst := make([]string, 0, benchAudiences)
	i, found := 0, 0
	for b.Loop() {
		dst = x.AppendMatching(dst[:0], 0, visitors[i&255])
		found += len(dst)
		i++
	}
	b.ReportMetric(float64(found)/float64(i), "audiences")
	n := 0
	i = 0
	b.ReportMetric(timeOf(2000, func() {
		for _, t := range trees {
			if t.eval(values[i&255]) {
				n++
			}
		}
		i++
	}), "rival-ns")
	b.ReportAllocs()
}
