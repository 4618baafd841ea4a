package profile

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestViewFails(t *testing.T) {
	s := newTest(t, Options{})
	good, bad := newRecorder(), newRecorder()
	require.NoError(t, s.Attach("bad", bad, nil))
	require.NoError(t, s.Attach("good", good, nil))
	require.ErrorIs(t, s.Attach("good", good, nil), ErrView)
	require.ErrorIs(t, s.Attach("", good, nil), ErrView)
	require.ErrorIs(t, s.Attach("x", nil, nil), ErrView)
	require.ErrorIs(t, s.Attach("x", (*recorder)(nil), nil), ErrView)
	s.must(t, event("a", epoch, ann))
	require.True(t, bad.attached)
	bad.fail = "Observe"
	c := s.must(t, event("b", epoch, ann))
	require.Equal(t, []string{"bad"}, c.Detached)
	require.False(t, bad.attached)
	var ve *ViewError
	require.ErrorAs(t, s.ViewError("bad"), &ve)
	require.Equal(t, &ViewError{View: "bad", Verb: "Observe", Err: errRecorder}, ve)
	require.ErrorIs(t, s.ViewError("bad"), errRecorder)
	require.NoError(t, s.ViewError("good"))
	require.Empty(t, s.must(t, event("c", epoch, ann)).Detached)
	require.Len(t, good.rows[1], 3)

	err := s.Attach("bad", bad, nil)
	require.ErrorIs(t, err, ErrView)
	require.ErrorIs(t, err, errRecorder)
	bad.fail = ""
	require.NoError(t, s.Attach("bad", bad, nil))
	require.NoError(t, s.ViewError("bad"))
	want, _ := good.show()
	got, _ := bad.show()
	require.Equal(t, want, got, "attached again, it has caught up")
	require.Equal(t, 3, bad.replayed)
	require.False(t, bad.replaying)
	require.NoError(t, s.Detach("bad"))
	require.ErrorIs(t, s.Detach("bad"), ErrView)

	good.fail = "Erase"
	r, err := s.Erase(1)
	require.NoError(t, err)
	require.Equal(t, []string{"good"}, r.Detached)
	require.Empty(t, r.Views)
}

// Whatever verb a view fails at, it is detached and named, the others go on,
// and attached again it holds what it would have held.
func TestViewFailsAtEveryVerb(t *testing.T) {
	cookie := Key{AnonymousID, "c"}
	for _, verb := range []string{"Observe", "Update", "Rename", "Erase", "Advance"} {
		s := newTest(t, Options{})
		good, bad := newRecorder(), newRecorder()
		require.NoError(t, s.Attach("bad", bad, nil))
		require.NoError(t, s.Attach("good", good, nil))
		s.must(t, event(ProductViewed, epoch, ann))
		s.must(t, event(ProductViewed, epoch, cookie))
		bad.fail = verb
		minute := 0
		named := 0
		for _, keys := range [][]Key{{ann}, {cookie, ann}, {cookie, bob}} {
			minute++
			c := s.must(t, event(ProductViewed, epoch.Add(time.Duration(minute)*time.Minute), keys...))
			named += len(c.Detached)
		}
		require.Equal(t, 1, named, verb)
		var ve *ViewError
		require.ErrorAs(t, s.ViewError("bad"), &ve)
		require.Equal(t, &ViewError{View: "bad", Verb: verb, Err: errRecorder}, ve)
		check := func(v *recorder) {
			rows, attributes := v.show()
			wantRows, wantAttributes := s.wanted(s.Users())
			require.Equal(t, wantRows, rows, verb)
			require.Equal(t, wantAttributes, attributes, verb)
		}
		check(good)
		bad.fail = ""
		require.NoError(t, s.Attach("bad", bad, nil))
		require.NoError(t, s.ViewError("bad"))
		check(bad)
	}
}

func TestViewsAreCalledInOrder(t *testing.T) {
	s := newTest(t, Options{Traits: []Trait{{Name: "n", Kind: Count, Events: []string{"e"}}}})
	v := newRecorder()
	v.keepCalls = true
	require.NoError(t, s.Attach("v", v, nil))
	s.must(t, Event{Type: Identify, Time: epoch, Keys: []Key{ann}, Fields: map[string]any{"country": "NZ"}})
	s.must(t, event("e", epoch, Key{AnonymousID, "c"}))
	s.must(t, event("e", epoch.Add(time.Second), Key{AnonymousID, "c"}, ann))
	s.must(t, event("e", epoch.Add(time.Second), Key{AnonymousID, "c"}, bob))
	require.Equal(t, []string{
		"Advance", `Update 1 country="NZ" `,
		"Observe 2 e", "Update 2 n=1 ",
		"Advance", "Rename 2 1", `Update 1 country="NZ" `, "Update 1 n=1 ", "Observe 1 e", "Update 1 n=2 ",
		"Erase 1", "Observe 1 e", `Update 1 country="NZ" `, "Update 1 n=1 ",
		"Observe 2 e", "Update 2 n=1 ",
		"Observe 3 e", "Update 3 n=1 ",
	}, v.calls)

	// An unmerge erases the joined person and tells of both sides.
	v.calls = nil
	mail := Key{Email, "a@x.io"}
	s.must(t, event("e", epoch.Add(time.Second), mail, ann))
	s.must(t, event("e", epoch.Add(2*time.Second), mail))
	v.calls = nil
	_, err := s.Unmerge(1, mail)
	require.NoError(t, err)
	require.Equal(t, []string{
		"Erase 1", "Observe 1 e", "Observe 1 e", `Update 1 country="NZ" `, "Update 1 n=2 ", "Observe 4 e", "Update 4 n=1 ",
	}, v.calls)
}

// A callback may call the store.
func TestDeliver(t *testing.T) {
	s := newTest(t, Options{})
	v := newRecorder()
	require.NoError(t, s.Attach("v", v, nil))
	v.delivered.Store(0)
	v.onDeliver = func() {
		if n := v.delivered.Load(); n < 3 {
			s.must(t, event(fmt.Sprint("from a callback ", n), epoch, ann))
			_, _ = s.Profile(1)
		}
	}
	s.must(t, event("a", epoch, ann))
	require.EqualValues(t, 3, v.delivered.Load())
	require.Len(t, v.rows[1], 3)
}

func TestPurpose(t *testing.T) {
	s := newTest(t, Options{OptOut: []string{"service"}})
	ads, service := newRecorder(), newRecorder()
	require.NoError(t, s.Attach("ads", ads, &AttachOptions{Purpose: "ads"}))
	require.NoError(t, s.Attach("service", service, &AttachOptions{Purpose: "service"}))
	s.must(t, event("a", epoch, ann))
	s.must(t, event("a", epoch, bob))
	require.Empty(t, ads.rows)
	require.Len(t, service.rows, 2)
	require.NoError(t, s.Grant(1, "ads", epoch, "form"))
	require.Len(t, ads.rows[1], 1)
	require.NoError(t, s.Deny(1, "ads", epoch.Add(-time.Hour), "an older no"))
	require.Len(t, ads.rows[1], 1)
	require.NoError(t, s.Deny(1, "ads", epoch, "a no at the same instant"))
	require.Empty(t, ads.rows)
	require.NoError(t, s.Grant(1, "ads", epoch.Add(time.Hour), "form"))
	require.Len(t, ads.rows[1], 1)
	require.Equal(t, []uint32{1, 2}, s.Allowed("service").ToArray())
	s.must(t, Event{Type: Consent, Time: epoch, Keys: []Key{bob}, Fields: map[string]any{"service": false, "ads": "yes"}})
	require.Empty(t, service.rows[2])
	require.Equal(t, []uint32{1}, s.Allowed("service").ToArray())
	p, _ := s.Profile(1)
	require.Equal(t, map[string]bool{"ads": true}, p.Consents)
	require.ErrorIs(t, s.Grant(9, "ads", epoch, ""), ErrUser)
	require.ErrorIs(t, s.Grant(1, " ", epoch, ""), ErrPurpose)
	require.ErrorIs(t, s.Grant(1, "ads", time.Time{}, ""), ErrTime)
	_, err := s.Erase(1)
	require.NoError(t, err)
	require.True(t, s.Allowed("ads").IsEmpty())
	require.Empty(t, ads.rows)
}
