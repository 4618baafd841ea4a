package attribution

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// Ignoring a channel is as if nobody had ever touched it.
func TestIgnoreIsAbsence(t *testing.T) {
	users := roaring.New()
	users.AddRange(1, 9)
	for seed := range 300 {
		r := rand.New(rand.NewPCG(uint64(seed), 21))
		all, some := newJourneys(t, nil), newJourneys(t, nil)
		for range r.IntN(60) {
			user, at := uint32(1+r.IntN(6)), hours(float64(r.IntN(400))/4)
			if r.IntN(5) == 0 {
				for _, j := range []*Journeys{all, some} {
					require.NoError(t, j.Convert(user, Conversion{Time: at, Value: 1}))
				}
				continue
			}
			row := Touch{Channel: []string{"A", "B", "C", DirectChannel}[r.IntN(4)], Kind: Kind(r.IntN(2)), Time: at}
			require.NoError(t, all.Touch(user, row))
			if row.Channel != DirectChannel && row.Channel != "C" {
				require.NoError(t, some.Touch(user, row))
			}
		}
		o := PathOptions{Start: hours(-1), AsOf: hours(110), Users: users, Gap: 20 * time.Hour, Click: 15 * time.Hour}
		want, err := some.Paths(&o)
		require.NoError(t, err)
		o.Ignore = []string{DirectChannel, "C", "nobody has it"}
		got, err := all.Paths(&o)
		require.NoError(t, err)
		require.Equal(t, encoded(t, want), encoded(t, got), "seed %d", seed)
	}
	_, err := newJourneys(t, nil).Paths(&PathOptions{Ignore: []string{""}})
	require.ErrorIs(t, err, ErrInput)
}

// What an ignored channel cost is spent all the same.
func TestIgnoredCost(t *testing.T) {
	j := newJourneys(t, nil)
	require.NoError(t, j.Touch(1, Touch{Channel: "A", Time: noon, Cost: 2}))
	require.NoError(t, j.Touch(1, Touch{Channel: "B", Time: noon, Cost: 3}))
	require.NoError(t, j.Convert(1, Conversion{Time: hours(1), Value: 10}))
	p, err := j.Paths(&PathOptions{Ignore: []string{"B"}})
	require.NoError(t, err)
	c, err := LastTouch(p)
	require.NoError(t, err)
	require.Equal(t, []Credit{
		{Channel: "A", Conversions: 1, Value: 10, Effect: 1, Spend: 2},
		{Channel: "B", Spend: 3},
	}, c.Channels)
}

func encoded(t testing.TB, p *Paths) []byte {
	t.Helper()
	data, err := p.AppendBinary(nil)
	require.NoError(t, err)
	return data
}
