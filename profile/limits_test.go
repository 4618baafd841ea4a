package profile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// One account a year: a browser is shared by two that were first seen within
// it, and a person may have a new one after.
func TestLimitWindows(t *testing.T) {
	phone := Key{Phone, "+6421000111"}
	for _, c := range []struct {
		apart time.Duration
		one   bool
	}{{364 * day, false}, {365*day - time.Second, false}, {365 * day, true}, {2 * 365 * day, true}} {
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			s := newTest(t, Options{LimitWindows: map[string]time.Duration{UserID: 365 * day}, Retain: Retain{Horizon: 2000 * day}})
			events := []Event{event("a", epoch, ann, phone), event("b", epoch.Add(c.apart), bob, phone)}
			for _, i := range order {
				s.must(t, events[i])
			}
			a, _ := s.Resolve(ann.Kind, ann.Value)
			b, _ := s.Resolve(bob.Kind, bob.Value)
			require.Equal(t, c.one, a == b, "%v apart", c.apart)
			// That bob was there before makes him another person, while the
			// phone, which was his much later, stays with whom it was first.
			s.must(t, event("c", epoch.Add(time.Hour), bob))
			a, _ = s.Resolve(ann.Kind, ann.Value)
			b, _ = s.Resolve(bob.Kind, bob.Value)
			require.NotEqual(t, a, b)
			_, err := s.Explain(phone, ann)
			require.Equal(t, c.one, err == nil)
		}
	}
	for _, bad := range []map[string]time.Duration{{UserID: time.Millisecond}, {"card": day}} {
		_, err := New(&Options{LimitWindows: bad})
		require.ErrorIs(t, err, ErrOptions)
	}
}
