package main

import (
	"context"
	"flag"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/coder"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"
	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/sim"
)

func TestMain(m *testing.M) {
	flag.Parse()
	beam.Init()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// The answers of many workers are those of one process.
func TestSameAsOneProcess(t *testing.T) {
	ctx := context.Background()
	s, err := runSingle(ctx, 20_000, 1)
	require.NoError(t, err)
	want, err := s.results(ctx)
	require.NoError(t, err)
	dir := t.TempDir()
	rows, err := s.export(dir, 5)
	require.NoError(t, err)
	require.Greater(t, rows, 10_000)

	p, scope := beam.NewPipelineWithRoot()
	out := filepath.Join(dir, "results.jsonl")
	build(scope, filepath.Join(dir, "rows-*.jsonl"), out, s.now)
	before := merges.Load()
	require.NoError(t, beamx.Run(ctx, p))
	require.Greater(t, merges.Load()-before, int64(3*parts), "the engine merged too little to show anything")

	got, err := readResults(ctx, out)
	require.NoError(t, err)
	require.Len(t, want, 8)
	names, err := differences(want, got)
	require.NoError(t, err)
	require.Empty(t, names)

	// The moments of persons, and the readout of all, speak of the same test.
	readout, err := decodeReadout(got["readout"])
	require.NoError(t, err)
	all, err := readout.Compare("revenue", sim.ArmControl, sim.ArmTreatment, &experiment.TestOptions{AsOf: s.now})
	require.NoError(t, err)
	c, err := got.compare(sim.ArmControl, sim.ArmTreatment)
	require.NoError(t, err)
	require.InDelta(t, all.Absolute.Value, c.Absolute.Value/100, 0.02*all.Absolute.StdErr)

	// The comparison sees what differs, and what is missing.
	for name := range want {
		bad := results{}
		for n, data := range got {
			if n != name {
				bad[n] = data
			}
		}
		names, err := differences(want, bad)
		require.NoError(t, err)
		require.Equal(t, []string{name}, names)
	}
	other, err := newReadout()
	require.NoError(t, err)
	require.NoError(t, other.Record(1, "revenue", 1, s.now))
	got["readout"], err = encodeReadout(other)
	require.NoError(t, err)
	names, err = differences(want, got)
	require.NoError(t, err)
	require.Equal(t, []string{"readout"}, names)
}

// Every accumulator, and what else workers hand each other, has a coder.
func TestEveryAccumulatorHasACoder(t *testing.T) {
	for _, fn := range []any{
		&historyFn{}, &historiesFn{}, &journeysFn{}, &manyJourneysFn{},
		&readoutFn{}, &readoutsFn{}, &pathsFn{}, &momentsFn{},
	} {
		m, ok := reflect.TypeOf(fn).MethodByName("AddInput")
		require.True(t, ok)
		require.NotNil(t, coder.LookupCustomCoder(m.Type.Out(0)), "%T: no coder for %v", fn, m.Type.Out(0))
	}
	require.NotNil(t, coder.LookupCustomCoder(reflect.TypeFor[Row]()))
}

// secretive is an accumulator as one writes it without thinking of workers.
type secretive struct{ sum int64 }

type secretiveFn struct{}

func (*secretiveFn) CreateAccumulator() secretive               { return secretive{} }
func (*secretiveFn) AddInput(a secretive, v int64) secretive    { return secretive{a.sum + v} }
func (*secretiveFn) MergeAccumulators(a, b secretive) secretive { return secretive{a.sum + b.sum} }
func (*secretiveFn) ExtractOutput(a secretive) int64            { return a.sum }
func ones(_ []byte, emit func(int64))                           { emitOnes(emit) }
func decimal(n int64) string                                    { return strconv.FormatInt(n, 10) }

func emitOnes(emit func(int64)) {
	for range 1000 {
		emit(1)
	}
}

func init() {
	register.Combiner2[secretive, int64](&secretiveFn{})
	register.Function2x0(ones)
	register.Function1x1(decimal)
	register.Emitter1[int64]()
}

// Without a coder an accumulator arrives empty, and nobody says so: a test
// that asks for no error only would pass. The comparison of answers fails, as
// it must.
func TestMissingCoderIsCaught(t *testing.T) {
	require.Nil(t, coder.LookupCustomCoder(reflect.TypeFor[secretive]()))
	ctx := context.Background()
	out := filepath.Join(t.TempDir(), "sum.txt")
	p, s := beam.NewPipelineWithRoot()
	textio.Write(s, out, beam.ParDo(s, decimal, beam.Combine(s, &secretiveFn{}, beam.ParDo(s, ones, beam.Impulse(s)))))
	require.NoError(t, beamx.Run(ctx, p))
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	require.NotEqual(t, "1000\n", string(data), "the engine has learned to send fields that are not exported")
}

// Rows survive their lines: kinds of fields are kept, and whole floats stay
// floats.
func TestRowLines(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range 1000 {
		row := Row{User: r.Uint32(), Event: "Order Completed", At: at.Add(time.Duration(r.Int64N(1e15))), Fields: map[string]any{}}
		for i := range r.IntN(6) {
			row.Fields[strconv.Itoa(i)] = []any{
				int64(r.IntN(1e9)), float64(r.IntN(9)), r.NormFloat64(), 1e300 * r.Float64(), 1e17, "ü\n\"", r.IntN(2) == 0,
				[]string{"a", ""},
				[]map[string]any{{"price": 2.0, "quantity": int64(2)}, {"name": "x"}},
			}[r.IntN(9)]
		}
		data, err := encodeRow(row)
		require.NoError(t, err)
		require.False(t, slices.Contains(data, '\n'))
		got, err := decodeRow(data)
		require.NoError(t, err)
		if len(row.Fields) == 0 {
			row.Fields = nil
		}
		require.Equal(t, row, got)
	}
	for _, bad := range []string{"", "{", `{"user":-1}`, `{"user":1,"fields":{"x":[1]}}`} {
		_, err := parse(bad)
		require.Error(t, err, bad)
	}
}
