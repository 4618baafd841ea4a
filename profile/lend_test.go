package profile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A login that is reported late takes over what followed it, an erasure gives
// it to whoever was seen before, and views are told.
func TestLateLogin(t *testing.T) {
	s := newTest(t, Options{LastAccount: 30 * time.Minute})
	v := newRecorder()
	require.NoError(t, s.Attach("v", v, nil))
	device := Key{AnonymousID, "kitchen"}
	at := func(minutes int, id, name string, keys ...Key) Change {
		e := event(name, epoch.Add(time.Duration(minutes)*time.Minute), append(keys, device)...)
		e.ID = id
		c := s.must(t, e)
		rows, attributes := v.show()
		wantRows, wantAttributes := s.wanted(s.Users())
		require.Equal(t, wantRows, rows, id)
		require.Equal(t, wantAttributes, attributes, id)
		return c
	}
	who := func(minutes int, id string) Key {
		c, err := s.Apply(Event{ID: id, Name: ProductViewed, Keys: []Key{device}, Time: epoch.Add(time.Duration(minutes) * time.Minute)})
		require.NoError(t, err)
		require.True(t, c.Duplicate)
		p, _ := s.Profile(c.User)
		return p.Keys[0]
	}
	at(0, "a", "Signed In", ann)
	at(100, "b", "Signed In", bob)
	at(110, "x", ProductViewed)
	at(120, "y", ProductViewed)
	at(140, "z", ProductViewed)
	require.Equal(t, []Key{bob, bob, device}, []Key{who(110, "x"), who(120, "y"), who(140, "z")})
	at(115, "c", "Signed In", ann)
	require.Equal(t, []Key{bob, ann, ann}, []Key{who(110, "x"), who(120, "y"), who(140, "z")})
	at(130, "d", "Signed Out")
	require.Equal(t, []Key{bob, ann, device}, []Key{who(110, "x"), who(120, "y"), who(140, "z")})
	_, err := s.Explain(ann, device)
	require.ErrorContains(t, err, "lent to each for 30m0s")

	at(150, "e", "Signed In", Key{UserID, "carol"})
	user, _ := s.Resolve(ann.Kind, ann.Value)
	_, err = s.Erase(user)
	require.NoError(t, err)
	require.Equal(t, []Key{bob, bob, device}, []Key{who(110, "x"), who(120, "y"), who(140, "z")})
	for _, bad := range []time.Duration{-1, 500 * day} {
		_, err := New(&Options{LastAccount: bad})
		require.ErrorIs(t, err, ErrOptions)
	}
}
