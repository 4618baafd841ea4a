package experiment

import (
	"encoding"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/laws"
)

var (
	_ encoding.BinaryAppender    = (*Experiment)(nil)
	_ encoding.BinaryUnmarshaler = (*Experiment)(nil)
)

func TestExperimentLaws(t *testing.T) {
	laws.CheckBytes(t, laws.BytesSpec[*Experiment]{
		New: func() *Experiment { return new(Experiment) },
		Draw: func(r *rand.Rand) *Experiment {
			arms := []Arm{{"control", 1}, {"ünï", float64(r.IntN(4)) / 3}, {"c", 0.25}}[:2+r.IntN(2)]
			o := &Options{Traffic: float64(r.IntN(5)) / 4, Paused: r.IntN(3) == 0, Version: r.IntN(3)}
			o.MinVersion = r.IntN(o.Version + 1)
			if r.IntN(2) == 0 {
				o.Salt = fmt.Sprint("salt", r.IntN(9))
				o.Past = []map[string]float64{{"control": 3, "ünï": 1}}
				o.Layer = &Layer{"layer", 0.25, 0.75}
			}
			if r.IntN(2) == 0 {
				o.Holdouts = []Holdout{{"2026", 0.05}}
				o.Forced = map[string]string{"me": "control", "you": "ünï"}
				o.Period = time.Duration(r.IntN(3)) * time.Hour
			}
			e, err := New("key", arms, o)
			if err != nil {
				t.Fatal(err)
			}
			return e
		},
	})
}

func TestExperimentBytesKeepCode(t *testing.T) {
	e, err := Parse([]byte(definition), nil)
	require.NoError(t, err)
	data, err := e.MarshalBinary()
	require.NoError(t, err)
	again, err := New("other", []Arm{{"a", 1}}, &Options{Audience: func(u uint32) bool { return u == 1 }})
	require.NoError(t, err)
	require.NoError(t, again.UnmarshalBinary(data))
	for i := range 500 {
		u := fmt.Sprint("u", i)
		a, in := e.Assign(u)
		b, too := again.Assign(u)
		require.Equal(t, a, b)
		require.Equal(t, in, too)
	}
	a, err := again.Decide(Subject{Unit: "x", User: 2})
	require.NoError(t, err)
	require.Equal(t, NoAudience, a.Reason)

	_, err = new(Experiment).AppendBinary(nil)
	require.ErrorIs(t, err, ErrInvalid)
}
