package experiment

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// table reads a data set that lies beside the repository, in the folder
// shared; the test is skipped without it.
func table(t *testing.T, name string) (col map[string]int, rows [][]string) {
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

func float(t *testing.T, s string) float64 {
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
