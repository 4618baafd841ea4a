package profile

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ConsentMap says which of the host's purposes the usual consent signals are
// about. A purpose that several signals of one message are about is granted
// if all of them grant it. What it returns are the Fields of an [Event] of
// type [Consent].
type ConsentMap struct {
	// TCF maps the purposes 1 to 11 of the IAB Transparency and Consent
	// Framework.
	TCF map[int][]string
	// Mode maps the signals of Google Consent Mode.
	Mode map[string][]string
	// GPC are the purposes that Global Privacy Control denies.
	GPC []string
}

// The signals of Google Consent Mode v2.
const (
	AdStorage         = "ad_storage"
	AdUserData        = "ad_user_data"
	AdPersonalization = "ad_personalization"
	AnalyticsStorage  = "analytics_storage"
)

// DefaultConsentMap maps the signals to the purposes "storage", "ads",
// "personalization" and "analytics". TCF v2.2: 1 storage; 2, 3, 4 and 7 ads;
// 5 and 6 personalization; 8 and 9 analytics; 10 analytics; 11
// personalization. Consent Mode: ad_storage and ad_user_data ads,
// ad_personalization personalization, analytics_storage analytics. Global
// Privacy Control denies ads, the sale and sharing of data that it is about.
func DefaultConsentMap() ConsentMap {
	return ConsentMap{
		TCF: map[int][]string{
			1: {"storage"},
			2: {"ads"}, 3: {"ads"}, 4: {"ads"}, 7: {"ads"},
			5: {"personalization"}, 6: {"personalization"}, 11: {"personalization"},
			8: {"analytics"}, 9: {"analytics"}, 10: {"analytics"},
		},
		Mode: map[string][]string{
			AdStorage: {"ads"}, AdUserData: {"ads"},
			AdPersonalization: {"personalization"}, AnalyticsStorage: {"analytics"},
		},
		GPC: []string{"ads"},
	}
}

func all(out map[string]any, purposes []string, granted bool) {
	for _, p := range purposes {
		before, ok := out[p]
		out[p] = granted && (!ok || before == true)
	}
}

// FromMode reads the signals of Google Consent Mode, "granted" or "denied".
// Signals that the map does not name are ignored; another value is an error
// that wraps [ErrConsent].
func (m *ConsentMap) FromMode(signals map[string]string) (map[string]any, error) {
	out := make(map[string]any)
	for _, k := range slices.Sorted(maps.Keys(signals)) {
		v := signals[k]
		if v != "granted" && v != "denied" {
			return nil, fmt.Errorf("%w: %s is %.40q, neither granted nor denied", ErrConsent, k, v)
		}
		all(out, m.Mode[k], v == "granted")
	}
	return out, nil
}

// FromGPC reads the request header Sec-GPC: "1" denies, anything else says
// nothing.
func (m *ConsentMap) FromGPC(header string) map[string]any {
	out := make(map[string]any)
	if strings.TrimSpace(header) == "1" {
		all(out, m.GPC, false)
	}
	return out
}

// FromTCF reads a TC string (IAB Tech Lab, Transparency and Consent String
// with Global Vendor List Format, version 2.2) and returns its purposes by
// consent and when the person last gave it. Legitimate interests and vendors
// are not read. Errors wrap [ErrConsent].
func (m *ConsentMap) FromTCF(tc string) (fields map[string]any, updated time.Time, err error) {
	core, _, _ := strings.Cut(strings.TrimRight(strings.TrimSpace(tc), "="), ".")
	const maxTC = 64 << 10
	if len(core) > maxTC {
		return nil, updated, fmt.Errorf("%w: TC string of %d characters", ErrConsent, len(core))
	}
	b, err := base64.RawURLEncoding.DecodeString(core)
	if err != nil {
		return nil, updated, fmt.Errorf("%w: TC string %.40q: %w", ErrConsent, tc, err)
	}
	const (
		updatedAt  = 6 + 36
		purposesAt = 152
		purposes   = 24
	)
	if len(b)*8 < purposesAt+purposes {
		return nil, updated, fmt.Errorf("%w: TC string %.40q is cut off", ErrConsent, tc)
	}
	bits := func(from, n int) (x uint64) {
		for i := from; i < from+n; i++ {
			x = x<<1 | uint64(b[i/8]>>(7-i%8)&1)
		}
		return x
	}
	if v := bits(0, 6); v != 2 {
		return nil, updated, fmt.Errorf("%w: TC string of version %d, not 2", ErrConsent, v)
	}
	updated = time.UnixMilli(int64(bits(updatedAt, 36)) * 100).UTC()
	fields = make(map[string]any)
	for _, p := range slices.Sorted(maps.Keys(m.TCF)) {
		if p < 1 || p > purposes {
			return nil, updated, fmt.Errorf("%w: no TCF purpose %d", ErrConsent, p)
		}
		all(fields, m.TCF[p], bits(purposesAt+p-1, 1) == 1)
	}
	return fields, updated, nil
}
