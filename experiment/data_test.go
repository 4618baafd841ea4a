package experiment

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// table reads a data set that lies beside the repository, in the folder
// shared; the test is skipped without it.
func table(t testing.TB, name string) (col map[string]int, rows [][]string) {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		path := filepath.Join(dir, "shared", "data", name)
		if f, err := os.Open(path); err == nil {
			defer f.Close()
			z, err := gzip.NewReader(f)
			require.NoError(t, err)
			all, err := csv.NewReader(z).ReadAll()
			require.NoError(t, err)
			col = map[string]int{}
			for i, c := range all[0] {
				col[c] = i
			}
			return col, all[1:]
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Skipf("no data set %s in a folder shared beside the repository", name)
	}
}

func float(t testing.TB, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return x
}

// Cookie Cats: the arms as published, a sample ratio that is just not off, and
// one player with 49,854 rounds who moves the mean and sets off the warning of
// skew.
func TestCookieCats(t *testing.T) {
	col, rows := table(t, "cookiecats/cookie_cats.csv.gz")
	arms := map[string]*Moments{"gate_30": {}, "gate_40": {}}
	week := map[string]*Moments{"gate_30": {Kind: Proportion}, "gate_40": {Kind: Proportion}}
	r := mustReadout(t, &ReadoutOptions{Weights: []map[string]float64{{"gate_30": 1, "gate_40": 1}}, Metrics: []Metric{{Name: "week"}, {Name: "rounds", Aggregate: SumValues}}})
	var outlier uint32
	for i, row := range rows {
		arm, user := row[col["version"]], uint32(i+1)
		rounds := float(t, row[col["sum_gamerounds"]])
		arms[arm].Add(rounds)
		expose(t, r, user, arm, 0)
		record(t, r, user, "rounds", rounds, 1)
		kept := 0.0
		if b, err := strconv.ParseBool(row[col["retention_7"]]); err == nil && b {
			kept = 1
		}
		week[arm].Add(kept)
		record(t, r, user, "week", kept, 1)
		if rounds > 40_000 {
			outlier = user
		}
	}
	require.EqualValues(t, 44_700, arms["gate_30"].N())
	require.EqualValues(t, 45_489, arms["gate_40"].N())
	require.Equal(t, 8_502., week["gate_30"].Sum())
	require.Equal(t, 8_279., week["gate_40"].Sum())
	s, err := r.SRM(nil)
	require.NoError(t, err)
	require.InDelta(t, 6.90, s.ChiSquare, .005)
	require.InDelta(t, .0086, s.P, .0001)

	c, err := r.Compare("week", "gate_30", "gate_40", nil)
	require.NoError(t, err)
	plain, err := Welch(week["gate_30"], week["gate_40"], nil)
	require.NoError(t, err)
	require.InDelta(t, plain.P, c.P, 1e-9)
	require.Less(t, c.P, .01)
	require.Negative(t, c.Absolute.Value)

	with, err := r.Compare("rounds", "gate_30", "gate_40", nil)
	require.NoError(t, err)
	require.ErrorIs(t, errors.Join(with.Warnings...), ErrSkew)
	require.NoError(t, r.Erase(outlier))
	without, err := r.Compare("rounds", "gate_30", "gate_40", nil)
	require.NoError(t, err)
	require.InDelta(t, 49_854./44_700, with.Control.Mean-without.Control.Mean, .01)
	require.Less(t, without.Control.StdErr, .5*with.Control.StdErr)
}

// Hillstrom's e-mail test, every second customer: the intervals hold the
// effects of the whole file, and the spend of the year before narrows them.
func TestHillstrom(t *testing.T) {
	col, rows := table(t, "hillstrom/hillstrom_odd_rows.csv.gz")
	names := []string{"No E-Mail", "Mens E-Mail", "Womens E-Mail"}
	arms := map[string]*Joint{}
	for _, n := range names {
		arms[n], _ = NewJoint(Proportion, Mean, Mean, Mean, Mean)
	}
	for _, row := range rows {
		f := func(name string) float64 { return float(t, row[col[name]]) }
		arms[row[col["segment"]]].Add(f("visit"), f("recency"), f("history"), f("newbie"), f("womens"))
	}
	require.EqualValues(t, 32_000, arms[names[0]].N()+arms[names[1]].N()+arms[names[2]].N())
	s, err := SRM([]int{int(arms[names[0]].N()), int(arms[names[1]].N()), int(arms[names[2]].N())}, []float64{1, 1, 1})
	require.NoError(t, err)
	require.False(t, s.Mismatch())
	whole := map[string]float64{"Mens E-Mail": 3894./21307 - 2262./21306, "Womens E-Mail": 3238./21387 - 2262./21306}
	for _, n := range names[1:] {
		plain, err := Welch(arms[names[0]].Moments(0), arms[n].Moments(0), nil)
		require.NoError(t, err)
		require.Less(t, plain.Absolute.Lo, whole[n])
		require.Greater(t, plain.Absolute.Hi, whole[n])
		require.Less(t, plain.P, 1e-10)
		adjusted, err := CUPED(arms[names[0]], arms[n], nil)
		require.NoError(t, err)
		require.Less(t, adjusted.Absolute.StdErr, plain.Absolute.StdErr)
		require.InDelta(t, plain.Absolute.Value, adjusted.Absolute.Value, plain.Absolute.StdErr)
	}
}

// hillstrom holds the customers of every second row by columns.
type hillstrom struct {
	arm        []int
	values     [][]float64 // of users: visit, conversion, spend, recency, history
	dimensions [4][]string
	arms       []string
}

func readHillstrom(t testing.TB) (h hillstrom) {
	col, rows := table(t, "hillstrom/hillstrom_odd_rows.csv.gz")
	h.arms = []string{"No E-Mail", "Mens E-Mail", "Womens E-Mail"}
	for _, row := range rows {
		h.arm = append(h.arm, slices.Index(h.arms, row[col["segment"]]))
		var v []float64
		for _, name := range []string{"visit", "conversion", "spend", "recency", "history"} {
			v = append(v, float(t, row[col[name]]))
		}
		h.values = append(h.values, v)
		for i, name := range []string{"zip_code", "channel", "newbie", "history_segment"} {
			h.dimensions[i] = append(h.dimensions[i], row[col[name]])
		}
	}
	return h
}

// report compares three metrics of two arms with the control in every part of
// four dimensions, adjusted for two covariates.
func (h hillstrom) report() (out []Comparison, err error) {
	for _, dimension := range h.dimensions {
		parts := map[string][]*Joint{}
		var names []string
		for u, name := range dimension {
			arms := parts[name]
			if arms == nil {
				names = append(names, name)
				for range h.arms {
					j, err := NewJoint(Proportion, Proportion, Mean, Mean, Mean)
					if err != nil {
						return nil, err
					}
					arms = append(arms, j)
				}
				parts[name] = arms
			}
			arms[h.arm[u]].Add(h.values[u]...)
		}
		for _, name := range names {
			for metric := range 3 {
				control := parts[name][0].Select(metric, 3, 4)
				for _, arm := range parts[name][1:] {
					c, err := CUPED(control, arm.Select(metric, 3, 4), nil)
					if err != nil {
						return nil, err
					}
					out = append(out, c)
				}
			}
		}
	}
	return out, nil
}

// The parts of a dimension add up to the whole, and a selection is a joint of
// its own.
func TestHillstromReport(t *testing.T) {
	h := readHillstrom(t)
	all, err := h.report()
	require.NoError(t, err)
	require.Zero(t, len(all)%6)
	n := int64(0)
	for i := range 3 { // the zip codes: three parts
		n += all[6*i].Control.N + all[6*i].Treatment.N + all[6*i+1].Treatment.N
	}
	require.EqualValues(t, len(h.arm), n)
	whole, part := jointOf(t, h.values[:1000]...), make([][]float64, 1000)
	for u := range part {
		part[u] = []float64{h.values[u][4], h.values[u][2]}
	}
	want, err := jointOf(t, part...).AppendBinary(nil)
	require.NoError(t, err)
	got, err := whole.Select(4, 2).AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.ErrorIs(t, whole.Select(0, 5).Err(), ErrInvalid)
}

// plainSums is the limit of the report: to find each user's place in each
// dimension, and the 20 plain sums of five values.
func (h hillstrom) plainSums() (s float64) {
	for _, dimension := range h.dimensions {
		parts := map[string]*[3][20]float64{}
		for u, name := range dimension {
			part := parts[name]
			if part == nil {
				part = new([3][20]float64)
				parts[name] = part
			}
			sums, at := &part[h.arm[u]], 0
			for i, x := range h.values[u] {
				sums[at] += x
				at++
				for _, y := range h.values[u][i:] {
					sums[at] += x * y
					at++
				}
			}
		}
		for _, part := range parts {
			s += part[0][0]
		}
	}
	return s
}

// On a quiet machine the full report takes less than 20 ms after parsing.
func BenchmarkHillstromReport(b *testing.B) {
	h := readHillstrom(b)
	for b.Loop() {
		if _, err := h.report(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(timeOf(1, func() { sink.f += h.plainSums() }), "rival-ns")
	b.ReportMetric(4, "goal-ratio")
	b.ReportMetric(5e6, "rival-guide-ns")
}

// Upworthy's headlines: thousands of tests, of which many would be called found
// by luck alone. Where clicks are drawn again from the same rate in both arms,
// one test in twenty finds something and the corrections nothing; of what the
// real ones find uncorrected, half is what chance would have found.
func TestUpworthy(t *testing.T) {
	col, rows := table(t, "upworthy/upworthy_tests_half.csv.gz")
	type arm struct{ clicks, shown int64 }
	tests := map[string][]arm{}
	var names []string
	for _, row := range rows {
		id := row[col["test_id"]]
		if tests[id] == nil {
			names = append(names, id)
		}
		tests[id] = append(tests[id], arm{int64(float(t, row[col["clicks"]])), int64(float(t, row[col["impressions"]]))})
	}
	rnd := rand.New(rand.NewPCG(6, 7))
	var p, null []float64
	for _, id := range names {
		arms := tests[id]
		if len(arms) < 2 || min(arms[0].shown, arms[1].shown) < 100 || arms[0].clicks+arms[1].clicks < 20 {
			continue
		}
		c, err := Proportions(proportionOf(t, arms[0].clicks, arms[0].shown), proportionOf(t, arms[1].clicks, arms[1].shown), Score, nil)
		require.NoError(t, err)
		p = append(p, c.P)
		// Given all clicks, chance hands them to the arms by their size.
		total, first := arms[0].clicks+arms[1].clicks, int64(0)
		for range total {
			if rnd.Int64N(arms[0].shown+arms[1].shown) < arms[0].shown {
				first++
			}
		}
		c, err = Proportions(proportionOf(t, first, arms[0].shown), proportionOf(t, total-first, arms[1].shown), Score, nil)
		require.NoError(t, err)
		null = append(null, c.P)
	}
	found := func(p []float64, level float64) (n int) {
		for _, x := range p {
			if x <= level {
				n++
			}
		}
		return n
	}
	adjust := func(p []float64, c Correction) []float64 {
		out, err := Adjust(p, c)
		require.NoError(t, err)
		return out
	}
	n := len(p)
	require.Greater(t, n, 2000)
	plain, bh, holm := found(p, .05), found(adjust(p, BH), .05), found(adjust(p, Holm), .05)
	t.Logf("%d tests: %d at 5 %%, %d by BH, %d by Holm; of nothing %d, %d, %d", n, plain, bh, holm,
		found(null, .05), found(adjust(null, BH), .05), found(adjust(null, Holm), .05))
	require.Greater(t, plain, bh)
	require.Greater(t, bh, holm)
	require.Greater(t, bh, 50)
	lo, hi := band(n, .05)
	require.GreaterOrEqual(t, float64(found(null, .05)), lo)
	require.LessOrEqual(t, float64(found(null, .05)), hi)
	require.LessOrEqual(t, found(adjust(null, BH), .05), 1)
	require.LessOrEqual(t, found(adjust(null, Holm), .05), 1)
}
