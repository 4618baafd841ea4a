package profile

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/sim"
)

// On the simulated retailer, whose lines come late, twice, with wrong clocks
// and missing fields, and whose devices are shared: of the pairs of
// identifiers that the store takes for one person nearly all are, and it
// finds nearly all that are; a shared device belongs to nobody by rule and is
// counted for the first only. Programs do not get in.
func TestIdentityOnSimulator(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole simulated shop")
	}
	w, err := sim.New(&sim.Options{Customers: 500, Days: 60})
	require.NoError(t, err)
	s, err := New(nil)
	require.NoError(t, err)
	var line []byte
	bots, refused, duplicates := 0, 0, 0
	for e := range w.Events() {
		line = e.AppendSegment(line[:0])
		x, err := DecodeSegment(line)
		require.NoError(t, err)
		c, err := s.Apply(x)
		if err != nil {
			require.ErrorIs(t, err, ErrBot)
			refused++
		}
		if c.Duplicate {
			duplicates++
		}
		if e.Hidden.Bot {
			bots++
		}
	}
	// Lines whose agent went missing cannot be told from a person's.
	require.InDelta(t, bots, refused, 0.01*float64(bots))
	require.Positive(t, duplicates)
	s.checkInvariants(t)

	type identifier struct {
		user   uint32
		owners []int
	}
	var known []identifier
	for value, owners := range w.Truth().Owners() {
		for _, kind := range []string{UserID, AnonymousID, Email, Phone, LoyaltyID} {
			if user, ok := s.Resolve(kind, value); ok {
				known = append(known, identifier{user, owners})
				break
			}
		}
	}
	both, joined, one, found := 0, 0, 0, 0
	for i, a := range known {
		for _, b := range known[:i] {
			// Two identifiers are one person's when somebody has both.
			same := slices.ContainsFunc(a.owners, func(c int) bool { return slices.Contains(b.owners, c) })
			if same && len(a.owners) == 1 && len(b.owners) == 1 {
				one++
				if a.user == b.user {
					found++
				}
			}
			if a.user == b.user {
				joined++
				if same {
					both++
				}
			}
		}
	}
	precision, recall := float64(both)/float64(joined), float64(found)/float64(one)
	t.Logf("%d identifiers: precision %.4f, recall %.4f", len(known), precision, recall)
	require.GreaterOrEqual(t, precision, 0.99)
	require.GreaterOrEqual(t, recall, 0.95)
}
