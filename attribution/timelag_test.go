package attribution

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimeLags(t *testing.T) {
	j := newJourneys(t, nil)
	for user, lag := range []float64{0, 0.5, 1, 5, 48} {
		touch(t, j, uint32(user+1), "A", noon)
		touch(t, j, uint32(user+1), "B", hours(lag))
		require.NoError(t, j.Convert(uint32(user+1), Conversion{Time: hours(lag), Value: 10}))
	}
	require.NoError(t, j.Convert(9, Conversion{Time: noon, Value: 10}))
	p, err := j.Paths(nil)
	require.NoError(t, err)
	list, err := TimeLags(p, time.Hour, 24*time.Hour)
	require.NoError(t, err)
	require.Equal(t, []TimeLag{
		{0, time.Hour, 2, 20}, {time.Hour, 24 * time.Hour, 2, 20}, {24 * time.Hour, 0, 1, 10},
	}, list)
	list, err = TimeLags(p)
	require.NoError(t, err)
	require.Len(t, list, 7)
	_, err = TimeLags(p, time.Hour, time.Hour)
	require.ErrorIs(t, err, ErrInput)
	require.NoError(t, p.Add([]string{"A"}, 1, 0, 0))
	_, err = TimeLags(p)
	require.ErrorIs(t, err, ErrNoTimes)
}
