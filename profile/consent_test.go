package profile

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// With grants that lapse and defaults by region, a view with a purpose holds
// those whom a look at every statement allows, at every instant.
func TestConsentAgainstHistory(t *testing.T) {
	t.Parallel()
	for round := range longForm(60) {
		r := rand.New(rand.NewPCG(41, uint64(round)))
		opts := tightOptions()
		opts.ConsentExpiry = map[string]time.Duration{"ads": 10 * time.Minute}
		if round%2 == 0 {
			opts.Regions = map[string][]string{"nz": {"ads"}, "AU": nil}
		}
		if round%3 == 0 {
			opts.OptOut = []string{"ads"}
		}
		opts, err := opts.withDefaults()
		require.NoError(t, err)
		now := epoch
		s, err := New(&opts)
		require.NoError(t, err)
		require.NoError(t, s.Advance(now, nil))
		v := newRecorder()
		require.NoError(t, s.Attach("ads", v, &AttachOptions{Purpose: "ads"}))
		for step := range 80 {
			switch users := s.Users(); {
			case r.IntN(4) == 0:
				now = now.Add(time.Duration(r.IntN(400)) * time.Second)
				require.NoError(t, s.Advance(now, nil))
			case r.IntN(20) == 0 && len(users) > 0:
				_, err := s.Erase(users[r.IntN(len(users))])
				require.NoError(t, err)
				s.tombs.until = map[[32]byte]instant{}
			default:
				s.must(t, someEvent(r, fmt.Sprint("m", step), tightKeys(r)))
			}
			var users []uint32
			for _, u := range s.Users() {
				if mayUse(s, &opts, u, now) {
					users = append(users, u)
				}
			}
			require.Equal(t, users, append([]uint32(nil), s.Allowed("ads").ToArray()...), "round %d step %d", round, step)
			rows, attributes := v.show()
			wantRows, wantAttributes := s.wanted(users)
			require.Equal(t, wantRows, rows, "round %d step %d", round, step)
			require.Equal(t, wantAttributes, attributes, "round %d step %d", round, step)
		}
	}
}

// mayUse works out from the history whether ads are allowed.
func mayUse(s *Store, o *Options, u uint32, now time.Time) bool {
	history := s.Consents(u)
	for i := len(history) - 1; i >= 0; i-- {
		c := history[i]
		if c.Purpose != "ads" {
			continue
		}
		if !c.Granted {
			return false
		}
		if c.At.Add(10 * time.Minute).After(now) {
			return true
		}
		break
	}
	switch country, _ := s.Attribute(u, "country"); {
	case len(o.Regions) > 0 && country == "NZ":
		return true
	case len(o.Regions) > 0 && country == "AU":
		return false
	}
	return len(o.OptOut) > 0
}

// However often a person with many grants is looked at, there is a timer for
// each instant at which one of them lapses, and no more.
func TestConsentTimers(t *testing.T) {
	const purposes = 12
	opts := Options{ConsentExpiry: make(map[string]time.Duration)}
	for i := range purposes {
		opts.ConsentExpiry[fmt.Sprint("p", i)] = time.Duration(i+1) * time.Hour
	}
	s := newTest(t, opts)
	user := s.must(t, event("1", epoch, ann)).User
	for i := range purposes {
		for _, ago := range []time.Duration{3 * time.Hour, 0} {
			require.NoError(t, s.Grant(user, fmt.Sprint("p", i), epoch.Add(-ago), ""))
		}
	}
	armed := len(s.timers)
	s.indexConsents(s.people.of(user))
	require.Len(t, s.timers, armed)
	for i := range purposes {
		require.Equal(t, []uint32{user}, s.Allowed(fmt.Sprint("p", i)).ToArray())
		require.NoError(t, s.Advance(epoch.Add(time.Duration(i+1)*time.Hour), nil))
		require.Empty(t, s.Allowed(fmt.Sprint("p", i)).ToArray())
		require.Len(t, s.timers, purposes-1-i)
		require.Len(t, s.consent.pending, purposes-1-i)
	}
}

func TestConsentSignals(t *testing.T) {
	m := DefaultConsentMap()
	got, err := m.FromMode(map[string]string{AdStorage: "granted", AdUserData: "denied", AdPersonalization: "granted", "functionality_storage": "granted"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"ads": false, "personalization": true}, got)
	_, err = m.FromMode(map[string]string{AdStorage: "yes"})
	require.ErrorIs(t, err, ErrConsent)
	require.Equal(t, map[string]any{"ads": false}, m.FromGPC("1"))
	require.Empty(t, m.FromGPC("0"))

	bits := make([]byte, 23)
	put := func(at, n int, x uint64) {
		for i := range n {
			if x>>(n-1-i)&1 == 1 {
				bits[(at+i)/8] |= 1 << (7 - (at+i)%8)
			}
		}
	}
	put(0, 6, 2)
	at := time.Date(2026, 1, 2, 3, 4, 5, 600e6, time.UTC)
	put(42, 36, uint64(at.UnixMilli()/100))
	for _, p := range []int{1, 2, 3, 4, 7, 5, 6, 8, 9} {
		put(151+p, 1, 1)
	}
	fields, updated, err := m.FromTCF(base64.RawURLEncoding.EncodeToString(bits) + ".vendors")
	require.NoError(t, err)
	require.Equal(t, at, updated)
	require.Equal(t, map[string]any{"storage": true, "ads": true, "personalization": false, "analytics": false}, fields)
	for _, bad := range []string{"", "!", "CO", base64.RawURLEncoding.EncodeToString(bits[:20]), "B" + base64.RawURLEncoding.EncodeToString(bits)[1:]} {
		_, _, err := m.FromTCF(bad)
		require.ErrorIs(t, err, ErrConsent, bad)
	}
}

func FuzzFromTCF(f *testing.F) {
	f.Add("CPc7TgAPc7TgAAGABCENATEIAACAAAAAAAAAABEAAAAA.IBEgAAAAAA")
	f.Add("CO")
	f.Fuzz(func(t *testing.T, tc string) {
		m := DefaultConsentMap()
		fields, _, err := m.FromTCF(tc)
		if err != nil {
			require.ErrorIs(t, err, ErrConsent)
			return
		}
		require.Len(t, fields, 4)
	})
}
