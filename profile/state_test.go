package profile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/laws"
	"github.com/zhun-go/zhun/internal/wire"
)

// busy returns a store in which everything that is written is there.
func busy(t testing.TB, r *rand.Rand, opts Options) *Store {
	s := newTest(t, opts)
	for i := range 1 + r.IntN(30) {
		someCommand(t, s, r, i)
	}
	return s
}

// someCommand does one random thing to a store, some in several transactions.
func someCommand(t testing.TB, s *Store, r *rand.Rand, i int) {
	t.Helper()
	if r.IntN(48) > 0 {
		someTransaction(t, s, r, i)
		return
	}
	user := uint32(1 + r.IntN(6))
	data, err := s.Export(user)
	if err == nil {
		if _, err = s.Erase(user); err == nil {
			_, err = s.Import(data)
		}
	}
	require.NotErrorIs(t, err, ErrClosed)
}

// someTransaction does one random thing to a store, all of it or nothing.
func someTransaction(t testing.TB, s *Store, r *rand.Rand, i int) {
	t.Helper()
	key := func() Key {
		return []Key{
			{UserID, fmt.Sprint("u", r.IntN(4))},
			{Email, fmt.Sprintf("p%d@x.io", r.IntN(4))},
			{AnonymousID, fmt.Sprint("c", r.IntN(5))},
			{Phone, fmt.Sprintf("+4912345%d", r.IntN(3))},
		}[r.IntN(4)]
	}
	user := uint32(1 + r.IntN(6))
	at := epoch.Add(time.Duration(r.IntN(100)) * time.Minute)
	var err error
	switch r.IntN(24) {
	case 0:
		err = s.Grant(user, "ads", at, "call")
	case 1:
		err = s.Deny(user, "mail", at, "call")
	case 2:
		_, err = s.Tag(user, Tag{Name: fmt.Sprint("a.b", r.IntN(2)), Source: "m", At: at, Confidence: 0.5, Until: at.Add(time.Hour)})
	case 3:
		_, err = s.Untag(user, "a.b1", "m", at)
	case 4:
		_, err = s.Unmerge(user, key())
	case 5:
		if r.IntN(3) == 0 {
			_, err = s.Erase(user)
		}
	case 6:
		err = s.Advance(epoch.Add(time.Duration(r.IntN(200))*time.Minute), nil)
	case 7:
		_, err = s.Commit(Batch{Records: map[string][]byte{fmt.Sprint("r", r.IntN(3)): {byte(i)}}})
	case 8:
		var data []byte
		if data, err = s.Export(user); err == nil {
			_, err = s.Import(data)
		}
	default:
		keys := []Key{key()}
		for r.IntN(2) == 0 && len(keys) < 3 {
			keys = append(keys, key())
		}
		_, err = s.Apply(someEvent(r, fmt.Sprint("m", r.IntN(40), i%3), keys))
	}
	if err != nil {
		require.NotErrorIs(t, err, ErrClosed)
	}
}

// A trait takes memory for each person, whatever was written of them, so the
// law's bound on memory is held to with few.
func TestStateBytes(t *testing.T) {
	opts := Options{Traits: append(testTraits()[17:19], Trait{Name: "tags", Kind: Tags}, testTraits()[0])}
	laws.CheckBytes(t, laws.BytesSpec[*Store]{
		New:  func() *Store { return newTest(t, opts) },
		Draw: func(r *rand.Rand) *Store { return busy(t, r, opts) },
	})
}

// A store that is written and read at any moment goes on like one that is
// not: numbers, times of changes and the whole state stay equal.
func TestStateGoesOn(t *testing.T) {
	t.Parallel()
	lent := 0
	for round := range alone(60) {
		opts := Options{MaxPersonKeys: 3 + round%5, MaxKeyLinks: 4 + round%3}
		if round%3 == 0 {
			opts.Retain.Horizon = 24 * time.Hour
		}
		if round%2 == 0 {
			opts.LastAccount, opts.Resets = 25*time.Minute, []string{"page"}
		}
		a, b := newTest(t, opts), newTest(t, opts)
		ra, rb := rand.New(rand.NewPCG(7, uint64(round))), rand.New(rand.NewPCG(7, uint64(round)))
		turns := rand.New(rand.NewPCG(8, uint64(round)))
		for i := range 60 {
			someCommand(t, a, ra, i)
			someCommand(t, b, rb, i)
			want, err := a.AppendBinary(nil)
			require.NoError(t, err)
			got, err := b.AppendBinary(nil)
			require.NoError(t, err)
			sameState(t, want, got, "round %d, command %d", round, i)
			if turns.IntN(3) == 0 {
				require.NoError(t, b.UnmarshalBinary(got))
			}
			lent += len(b.graph.lending.loans)
		}
	}
	require.NotZero(t, lent)
}

// sameState compares the bytes of two stores by section.
func sameState(t testing.TB, want, got []byte, format string, args ...any) {
	t.Helper()
	if bytes.Equal(want, got) {
		return
	}
	w, err := wire.Inspect(want)
	require.NoError(t, err)
	g, err := wire.Inspect(got)
	require.NoError(t, err)
	for _, name := range w.Names() {
		if !bytes.Equal(w.Payload(name), g.Payload(name)) {
			t.Errorf("section %q:\nwant %.400q\n got %.400q", name, w.Payload(name), g.Payload(name))
		}
	}
	t.Fatalf(format, args...)
}

// A store that was read has the traits of the one that was written, now and
// as time passes.
func TestTraitsOfStoreRead(t *testing.T) {
	for round := range 60 {
		r := rand.New(rand.NewPCG(17, uint64(round)))
		opts := Options{Traits: testTraits()}
		a, b := newTest(t, opts), newTest(t, opts)
		for i := range 40 {
			someCommand(t, a, r, i)
		}
		data, err := a.AppendBinary(nil)
		require.NoError(t, err)
		require.NoError(t, b.UnmarshalBinary(data))
		for _, later := range []time.Duration{0, 5 * time.Hour, 40 * time.Hour, 20 * day, 200 * day} {
			if later > 0 {
				require.NoError(t, a.Advance(epoch.Add(later), nil))
				require.NoError(t, b.Advance(epoch.Add(later), nil))
			}
			for _, p := range a.persons() {
				q, ok := b.people.lookup(p.number)
				require.True(t, ok)
				require.Equal(t, a.attributesOf(p), b.attributesOf(q), "round %d, person %d, after %v", round, p.number, later)
				require.Len(t, q.stampedTraits(), len(p.stampedTraits()))
			}
		}
		// Events go on where those read ended.
		for i := range 10 {
			seed := rand.New(rand.NewPCG(uint64(round), uint64(i)))
			e := someEvent(seed, fmt.Sprint("later", i), []Key{{UserID, fmt.Sprint("u", seed.IntN(4))}})
			e.Time = epoch.Add(201 * day)
			_, err := a.Apply(e)
			require.NoError(t, err)
			_, err = b.Apply(e)
			require.NoError(t, err)
		}
		want, err := a.AppendBinary(nil)
		require.NoError(t, err)
		got, err := b.AppendBinary(nil)
		require.NoError(t, err)
		sameState(t, want, got, "round %d", round)
	}
}
