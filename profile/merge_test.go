package profile

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whoever was erased in one store stays erased in the merged one.
func TestMergeKeepsErased(t *testing.T) {
	for _, dst := range []int{0, 1} {
		var stores []*Store
		for i := range uint32(2) {
			s := newTest(t, Options{Shard: i, Shards: 2})
			e := event("a", epoch, ann, Key{AnonymousID, "c"})
			e.ID = fmt.Sprint("before", i)
			s.must(t, e)
			e = event("b", epoch, bob)
			e.ID = fmt.Sprint("bob", i)
			s.must(t, e)
			stores = append(stores, s)
		}
		user, _ := stores[0].Resolve(UserID, "ann")
		_, err := stores[0].Erase(user)
		require.NoError(t, err)
		after := event("c", epoch.Add(time.Hour), ann)
		stores[1].must(t, after)
		_, err = stores[dst].Merge(stores[1-dst])
		require.NoError(t, err)
		s := stores[dst]
		s.checkInvariants(t)
		_, ok := s.Resolve(AnonymousID, "c")
		require.False(t, ok)
		user, ok = s.Resolve(UserID, "ann")
		require.True(t, ok, "she came back after the erasure")
		p, _ := s.Profile(user)
		require.Equal(t, 1, p.Events)
		require.Equal(t, epoch.Add(time.Hour), p.FirstSeen)
		user, _ = s.Resolve(UserID, "bob")
		p, _ = s.Profile(user)
		require.Equal(t, 2, p.Events)
		_, err = s.Apply(event("late", epoch, ann))
		require.ErrorIs(t, err, ErrErased)
	}
}

func TestMergeRefuses(t *testing.T) {
	s := newTest(t, Options{Shards: 2})
	for _, o := range []Options{
		{},
		{Shards: 2},
		{Shard: 1, Shards: 2, Secret: []byte("x")},
		{Shard: 1, Shards: 2, Limits: map[string]int{}},
		{Shard: 1, Shards: 2, MaxKeyLinks: 7},
		{Shard: 1, Shards: 2, Priority: []string{}},
		{Shard: 1, Shards: 2, Retain: Retain{Horizon: day}},
	} {
		_, err := s.Merge(newTest(t, o))
		require.ErrorIs(t, err, ErrMerge)
	}
	_, err := s.Merge(s)
	require.ErrorIs(t, err, ErrMerge)
	o := newTest(t, Options{Shard: 1, Shards: 2})
	require.NoError(t, o.Attach("v", newRecorder(), nil))
	_, err = s.Merge(o)
	require.ErrorContains(t, err, "views are attached")
}

// Where devices are lent, what another store refuses takes back what was lent
// to accounts that are no more; a store that is read again is the same.
func TestMergeWhatIsRefusedAndLent(t *testing.T) {
	t.Parallel()
	for round := range longForm(12) {
		opts := twinOptions(4*round + 2)
		s := newTest(t, opts)
		r := rand.New(rand.NewPCG(60, uint64(4*round+2)))
		for i := range 70 {
			switch r.IntN(12) {
			case 0:
				other := opts
				other.Shard = 1
				_, err := s.Merge(busy(t, r, other))
				require.NoError(t, err)
				s.checkInvariants(t)
				again := newTest(t, opts)
				require.NoError(t, again.UnmarshalBinary(stateOf(t, s)))
				requireSame(t, again.picture(), s.picture(), "round %d, command %d", round, i)
			case 1:
				_, _ = s.Apply(event(fmt.Sprint("x", i), epoch.Add(time.Duration(i)*10*time.Minute), ann))
			default:
				someCommand(t, s, r, i)
			}
		}
	}
}

// What one store had erased and restored stays in a merge, whichever of the
// two is the receiver.
func TestMergeKeepsRestored(t *testing.T) {
	for _, dst := range []int{0, 1} {
		var stores []*Store
		for i := range uint32(2) {
			s := newTest(t, Options{Shard: i, Shards: 2})
			for j, k := range []Key{ann, bob} {
				e := event("a", epoch, k)
				e.ID = fmt.Sprint(i, j)
				s.must(t, e)
			}
			stores = append(stores, s)
		}
		user, _ := stores[0].Resolve(UserID, "ann")
		data, err := stores[0].Export(user)
		require.NoError(t, err)
		_, err = stores[0].Erase(user)
		require.NoError(t, err)
		_, err = stores[0].Import(data)
		require.NoError(t, err)
		user, _ = stores[1].Resolve(UserID, "bob")
		_, err = stores[1].Erase(user)
		require.NoError(t, err)
		s := stores[dst]
		_, err = s.Merge(stores[1-dst])
		require.NoError(t, err)
		s.checkInvariants(t)
		user, ok := s.Resolve(UserID, "ann")
		require.True(t, ok)
		p, _ := s.Profile(user)
		require.Equal(t, 1, p.Events, "hers of the other store had been erased")
		_, ok = s.Resolve(UserID, "bob")
		require.False(t, ok)
		_, err = s.Apply(event("late", epoch, ann))
		require.ErrorIs(t, err, ErrErased)
	}
}
