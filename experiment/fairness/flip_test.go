package fairness

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment"
)

func TestFlipAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	genders, ages := []any{"f", "m", "x"}, []any{int64(20), int64(40), int64(60)}
	for range 200 {
		var users []map[string]any
		for range 1 + r.IntN(20) {
			u := map[string]any{"ltv": float64(r.IntN(10))}
			if r.IntN(5) > 0 {
				u["gender"] = genders[r.IntN(3)]
			}
			if r.IntN(5) > 0 {
				u["age"] = ages[r.IntN(3)]
			}
			users = append(users, u)
		}
		before := make([]map[string]any, len(users))
		for i, u := range users {
			before[i] = maps.Clone(u)
		}
		table := map[string]float64{}
		decide := func(a map[string]any) (float64, error) {
			key := fmt.Sprint(a["gender"], a["age"], a["ltv"])
			if _, ok := table[key]; !ok {
				table[key] = float64(r.IntN(4))
			}
			return table[key], nil
		}
		tolerance := float64(r.IntN(2))
		got, err := Flip(slices.Values(users), []Protected{{"gender", genders}, {"age", ages}}, decide, &FlipOptions{Tolerance: tolerance})
		require.NoError(t, err)
		require.Equal(t, before, users, "users are left alone")
		for i, name := range []string{"gender", "age"} {
			changed, largest := 0, 0.0
			for _, u := range users {
				most := 0.0
				for _, v := range [][]any{genders, ages}[i] {
					other := maps.Clone(u)
					other[name] = v
					x, _ := decide(u)
					y, _ := decide(other)
					most = max(most, math.Abs(x-y))
				}
				if most > tolerance {
					changed++
				}
				largest = max(largest, most)
			}
			require.Equal(t, name, got[i].Attribute)
			require.Equal(t, int64(len(users)), got[i].Users)
			require.InDelta(t, float64(changed)/float64(len(users)), got[i].Changed.Value, 1e-15)
			require.Equal(t, largest, got[i].Largest.Size())
			if c := got[i].Largest; c.Size() > 0 {
				require.Equal(t, users[c.User][name], c.From)
				x, _ := decide(users[c.User])
				require.Equal(t, x, c.Before)
			}
		}
	}
}

func TestFlipRefuses(t *testing.T) {
	users := []map[string]any{{"gender": "f"}, nil, {"gender": []string{"odd"}}}
	protected := []Protected{{"gender", []any{"f", "m"}}}
	yes := func(map[string]any) (float64, error) { return 1, nil }
	got, err := Flip(slices.Values(users), protected, yes, nil)
	require.NoError(t, err)
	require.Zero(t, got[0].Changed.Value)
	require.Zero(t, got[0].Largest)

	broken := errors.New("broken")
	_, err = Flip(slices.Values(users), protected, func(a map[string]any) (float64, error) {
		if a["gender"] == "m" {
			return 0, broken
		}
		return 1, nil
	}, nil)
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "user 0, gender = m")
	_, err = Flip(slices.Values(users), protected, func(map[string]any) (float64, error) { return math.NaN(), nil }, nil)
	require.ErrorIs(t, err, experiment.ErrNotFinite)
	_, err = Flip(slices.Values(users), []Protected{{Name: "gender"}}, yes, nil)
	require.ErrorIs(t, err, experiment.ErrInvalid)
	_, err = Flip(slices.Values(users), protected, yes, &FlipOptions{Tolerance: -1})
	require.ErrorIs(t, err, experiment.ErrInvalid)
	_, err = Flip(slices.Values(users), protected, yes, &FlipOptions{Level: 2})
	require.ErrorIs(t, err, experiment.ErrInvalid)
	_, err = Flip(slices.Values(users[:0]), protected, yes, nil)
	require.ErrorIs(t, err, experiment.ErrTooFew)
}
