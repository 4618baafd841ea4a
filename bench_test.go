package zhun_test

import (
	"context"
	"encoding"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/recommend"
)

// state is something with bytes, and how to make a receiver for them.
type state struct {
	name  string
	value encoding.BinaryAppender
	fresh func() encoding.BinaryUnmarshaler
}

// states returns one of every type that has bytes, as a small shop fills it.
func states(b testing.TB, customers, days, samples int) []state {
	b.Helper()
	l := newLoop(b)
	for _, e := range simulated(b, customers, days) {
		_, _ = l.store.Apply(e) // bots are refused
	}
	fresh := func() loop { return newUnattached(b) }
	paths, err := l.journeys.Paths(nil)
	require.NoError(b, err)
	knn, err := recommend.FitItemKNN(context.Background(), l.history, nil)
	require.NoError(b, err)
	ease, err := recommend.FitEASE(context.Background(), l.history, nil)
	require.NoError(b, err)
	moments, sketch := new(experiment.Moments), new(experiment.Sketch)
	kinds := []experiment.Kind{experiment.Mean, experiment.Mean, experiment.Mean, experiment.Proportion}
	joint, err := experiment.NewJoint(kinds...)
	require.NoError(b, err)
	r := rand.New(rand.NewPCG(1, 1))
	for range samples {
		x := r.ExpFloat64() * 50
		moments.Add(x)
		sketch.Add(x)
		joint.Add(x, r.Float64(), r.NormFloat64(), float64(r.IntN(2)))
	}
	definition, err := experiment.New("free-shipping", []experiment.Arm{{Name: "control", Weight: 1}, {Name: "free", Weight: 1}},
		&experiment.Options{Forced: map[string]string{"tester": "free"}, Period: time.Hour})
	require.NoError(b, err)
	return []state{
		{"profile.Store", l.store, func() encoding.BinaryUnmarshaler { return fresh().store }},
		{"segment.Index", l.index, func() encoding.BinaryUnmarshaler { return fresh().index }},
		{"recommend.History", l.history, func() encoding.BinaryUnmarshaler { return fresh().history }},
		{"attribution.Journeys", l.journeys, func() encoding.BinaryUnmarshaler { return fresh().journeys }},
		{"experiment.Readout", l.readout, func() encoding.BinaryUnmarshaler { return fresh().readout }},
		{"attribution.Paths", paths, func() encoding.BinaryUnmarshaler { return new(attribution.Paths) }},
		{"experiment.Moments", moments, func() encoding.BinaryUnmarshaler { return new(experiment.Moments) }},
		{"experiment.Joint", joint, func() encoding.BinaryUnmarshaler { return new(experiment.Joint) }},
		{"experiment.Sketch", sketch, func() encoding.BinaryUnmarshaler { return new(experiment.Sketch) }},
		{"experiment.Experiment", definition, func() encoding.BinaryUnmarshaler { return new(experiment.Experiment) }},
		{"recommend.Model-knn", knn, func() encoding.BinaryUnmarshaler { return new(recommend.Model) }},
		{"recommend.Model-ease", ease, func() encoding.BinaryUnmarshaler { return new(recommend.Model) }},
	}
}

// newUnattached is a loop with nothing attached, whose parts read bytes.
func newUnattached(b testing.TB) loop {
	b.Helper()
	l := newLoop(b)
	for _, name := range []string{"segment", "recommend", "attribution", "experiment"} {
		require.NoError(b, l.store.Detach(name))
	}
	return l
}

// How fast state becomes bytes and bytes become state. The limit of both is
// the checksum over the same bytes, which each of them takes once.
func BenchmarkBytes(b *testing.B) {
	table := crc32.MakeTable(crc32.Castagnoli)
	for _, s := range states(b, 300, 60, 100_000) {
		data, err := s.value.AppendBinary(nil)
		require.NoError(b, err)
		buf := make([]byte, 0, len(data))
		b.Run("encode/of="+s.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if buf, err = s.value.AppendBinary(buf[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("decode/of="+s.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			x := s.fresh() // a decoder replaces what its receiver holds
			for b.Loop() {
				if err := x.UnmarshalBinary(data); err != nil {
					b.Fatal(err)
				}
			}
		})
		if s.name == "profile.Store" {
			b.Run(fmt.Sprintf("limit=crc32c/bytes=%d", len(data)), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					crc32.Checksum(data, table)
				}
			})
		}
	}
}
