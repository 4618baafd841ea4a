package experiment

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/laws"
)

// The following hold something of everything that the bytes have room for.

func formatReadout(t testing.TB) *Readout {
	r := mustReadout(t, nil)
	require.NoError(t, r.Expose(7, Exposure{Arm: "control", Unit: "house 1", At: at(0)}))
	require.NoError(t, r.Expose(300, Exposure{Arm: "b", Unit: "house 1", Epoch: 2, At: at(.5).Add(7)}))
	require.NoError(t, r.Expose(300, Exposure{Arm: "control", At: at(9)}))
	require.NoError(t, r.Record(7, "revenue", -12.5, at(-1)))
	require.NoError(t, r.Record(9, "clicks", 3, at(2)))
	require.NoError(t, r.Observe(7, "Order Completed", map[string]any{"revenue": 99.95}, at(3)))
	require.NoError(t, r.Observe(300, "Order Completed", nil, at(4)))
	require.NoError(t, r.Advance(at(100)))
	return r
}

func formatMoments() *Moments {
	m := new(Moments)
	m.AddAll([]float64{1, 2.5, -3, 1e9, .1})
	return m
}

func formatJoint(t testing.TB) *Joint {
	j, err := NewJoint(Mean, Proportion, Mean)
	require.NoError(t, err)
	j.Add(1.5, 1, 1e9)
	j.Add(-2, 0, .1)
	return j
}

func formatSketch() *Sketch {
	s := new(Sketch)
	for _, x := range []float64{0, 1, 1.001, -4e9, 1e-300, 1} {
		s.Add(x)
	}
	return s
}

func formatTimeline(t testing.TB) *Timeline {
	x := days(t, Mean)
	x.Add(at(-30), 2.5)
	x.Add(at(1), 7)
	x.Add(at(2), .1)
	x.Add(at(900), -1e9)
	return x
}

func TestGoldenBytes(t *testing.T) {
	laws.CheckGolden(t, "testdata/readout.v0.bin", formatReadout(t), mustReadout(t, nil))
	laws.CheckGolden(t, "testdata/moments.v0.bin", formatMoments(), new(Moments))
	laws.CheckGolden(t, "testdata/joint.v0.bin", formatJoint(t), new(Joint))
	laws.CheckGolden(t, "testdata/sketch.v0.bin", formatSketch(), new(Sketch))
	laws.CheckGolden(t, "testdata/timeline.v0.bin", formatTimeline(t), new(Timeline))
}

// A definition is text; what is written today is read for ever.
func TestGoldenDefinition(t *testing.T) {
	file := filepath.Join("testdata", "experiment.v0.json")
	want, err := os.ReadFile(file)
	if os.Getenv("ZHUN_UPDATE") != "" {
		e := mustNew(t, "checkout", []Arm{{"control", 2}, {"free", 1}}, &Options{
			Salt: "2026", Traffic: .4, Past: []map[string]float64{{"control": 1, "free": 1}},
			Layer:    &Layer{Name: "basket", From: .25, To: .75},
			Holdouts: []Holdout{{"all", .05}}, Forced: map[string]string{"qa-1": "free"},
			Version: 3, MinVersion: 2, Period: 36 * time.Hour,
		})
		want, err = e.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, want, 0o644))
	}
	require.NoError(t, err)
	e, err := Parse(want, nil)
	require.NoError(t, err)
	got, err := e.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// A picture shows what was, whatever happens after it was taken.
func TestSnapshotIsImmutable(t *testing.T) {
	r := formatReadout(t)
	want, err := r.AppendBinary(nil)
	require.NoError(t, err)
	picture := r.Snapshot()
	record(t, r, 7, "revenue", 5, -2) // before all others
	record(t, r, 7, "revenue", 5, 50)
	record(t, r, 7, "new", 5, 50)
	expose(t, r, 7, "a", -1)
	other := mustReadout(t, nil)
	expose(t, other, 300, "0", -3)
	record(t, other, 300, "revenue", 1, 0)
	require.NoError(t, r.Merge(other))
	require.NoError(t, r.Rename(300, 7))
	require.NoError(t, r.Erase(9))
	require.NoError(t, r.Advance(at(24*401)))
	for range 2 {
		var b bytes.Buffer
		n, err := picture.WriteTo(&b)
		require.NoError(t, err)
		require.EqualValues(t, len(want), n)
		require.Equal(t, want, b.Bytes())
	}
	_, err = picture.WriteTo(refuse{})
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

type refuse struct{}

func (refuse) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Pictures are taken and written while rows come in.
func TestSnapshotBesideAWriter(t *testing.T) {
	r := mustReadout(t, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 2000 {
			_ = r.Record(uint32(1+i%7), "revenue", float64(i), at(float64((i*7919)%1000)))
		}
	}()
	for range 20 {
		var b bytes.Buffer
		_, err := r.Snapshot().WriteTo(&b)
		require.NoError(t, err)
		require.NoError(t, mustReadout(t, nil).UnmarshalBinary(b.Bytes()))
		time.Sleep(time.Millisecond)
	}
	<-done
}
