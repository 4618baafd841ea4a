package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const output = `goos: linux
goarch: amd64
pkg: example.org/a
cpu: Some CPU
BenchmarkFit/k=20-2   10  100 ns/op  200 rival-ns  0.65 goal-ratio  100 rival-guide-ns
BenchmarkFit/k=20-2   10  300 ns/op  200 rival-ns  0.65 goal-ratio  100 rival-guide-ns
BenchmarkFit/k=20-2   10  120 ns/op  200 rival-ns  0.65 goal-ratio  100 rival-guide-ns
BenchmarkPlain-2      10  5 ns/op  3 B/op
BenchmarkSlow-2       10  2.5e+07 ns/op  1e+07 rival-ns  1.5 goal-ratio
BenchmarkLazy-2       10  100 ns/op  900 rival-ns  1 goal-ratio  100 rival-guide-ns
BenchmarkFair-2       10  100 ns/op  210 rival-ns  1 goal-ratio  100 rival-guide-ns
PASS
ok  	example.org/a	1.2s
`

func TestParseTakesTheMedianRatioOfBenchmarksWithAGoal(t *testing.T) {
	rep, err := parse(strings.NewReader(output))
	require.NoError(t, err)
	require.Equal(t, "Some CPU", rep.cpu)
	require.Len(t, rep.figures, 4)
	require.Equal(t, "Fit/k=20", rep.figures[0].name)
	require.InDelta(t, .6, rep.figures[0].ratio, 1e-12)
	require.True(t, rep.figures[0].met())
	require.False(t, rep.figures[1].met())
	require.InDelta(t, 2.1, rep.slowdown, 1e-12)
	require.Equal(t, []bool{false, false, true, false},
		[]bool{rep.figures[0].suspect, rep.figures[1].suspect, rep.figures[2].suspect, rep.figures[3].suspect})

	var text, md strings.Builder
	rep.print(&text)
	rep.markdown(&md, "go0")
	for _, want := range []string{"a.Fit/k=20", "25 ms", "≤ 0.65", "NO", "slow?", "3 of 4 goals met"} {
		require.Contains(t, text.String(), want)
		require.Contains(t, md.String(), want)
	}
}

func TestParseRefusesAGoalWithoutARival(t *testing.T) {
	_, err := parse(strings.NewReader("BenchmarkX-2 10 5 ns/op 1 goal-ratio\n"))
	require.ErrorContains(t, err, "BenchmarkX-2")
}
