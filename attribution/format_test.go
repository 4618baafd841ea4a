package attribution

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/laws"
)

// formatJourneys hold a row of each kind.
func formatJourneys(t testing.TB) *Journeys {
	t.Helper()
	j := newJourneys(t, nil)
	require.NoError(t, j.Touch(7, Touch{Channel: "Email", Campaign: "spring", Time: noon, Kind: View, Cost: 0.25}))
	require.NoError(t, j.Touch(7, Touch{Channel: "Paid Search", Time: noon.Add(90 * time.Minute), Cost: 1.5}))
	require.NoError(t, j.Touch(300, Touch{Channel: "Direct", Time: noon.Add(-1)}))
	require.NoError(t, j.Convert(7, Conversion{ID: "o-1", Time: hours(5), Value: 120, Currency: "EUR"}))
	require.NoError(t, j.Convert(9, Conversion{Time: hours(6.5)}))
	require.NoError(t, j.Refund(7, "o-1", 20, hours(80)))
	require.NoError(t, j.Refund(9, "o-2", 0, hours(81)))
	require.NoError(t, j.Spend("Paid Search", noon, 12.34))
	require.NoError(t, j.Spend("Radio", hours(-2000), 0.1))
	require.NoError(t, j.Advance(hours(100)))
	return j
}

// formatPaths hold timed journeys, aggregated rows, time in sets and costs.
func formatPaths(t testing.TB) *Paths {
	t.Helper()
	p, err := formatJourneys(t).Paths(&PathOptions{AsOf: hours(2000), Start: hours(-10)})
	require.NoError(t, err)
	require.NoError(t, p.Add([]string{"Email", "Direct", "Email"}, 3, 99.5, 40))
	require.NoError(t, p.Add(nil, 2, 10, 900))
	return p
}

func TestGoldenBytes(t *testing.T) {
	laws.CheckGolden(t, "testdata/journeys.v0.bin", formatJourneys(t), newJourneys(t, nil))
	laws.CheckGolden(t, "testdata/paths.v0.bin", formatPaths(t), new(Paths))
}

// A picture shows what was, whatever happens after it was taken.
func TestSnapshotIsImmutable(t *testing.T) {
	j := formatJourneys(t)
	want, err := j.AppendBinary(nil)
	require.NoError(t, err)
	picture := j.Snapshot()
	touch(t, j, 7, "Early", hours(-5))
	require.NoError(t, j.Erase(300))
	require.NoError(t, j.Rename(9, 7))
	require.NoError(t, j.Spend("Radio", noon, 5))
	require.NoError(t, j.Advance(hours(24*395)))
	for range 2 {
		var b bytes.Buffer
		n, err := picture.WriteTo(&b)
		require.NoError(t, err)
		require.EqualValues(t, len(want), n)
		require.Equal(t, want, b.Bytes())
	}
	k := newJourneys(t, nil)
	require.NoError(t, k.UnmarshalBinary(want))
	same, err := k.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, want, same)
	_, err = picture.WriteTo(refuse{})
	require.ErrorIs(t, err, os.ErrClosed)
}

type refuse struct{}

func (refuse) Write([]byte) (int, error) { return 0, os.ErrClosed }
