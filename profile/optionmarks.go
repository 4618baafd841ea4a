package profile

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"github.com/zeebo/xxh3"
)

// optionMarks tell options apart.
type optionMarks struct{ secret, identity, derived []byte }

func (o *Options) marks() optionMarks {
	return optionMarks{o.secretMark(), o.identityMark(), o.derivedMark()}
}

// secretMark tells one Secret from another.
func (o *Options) secretMark() []byte {
	h := hmac.New(sha256.New, o.Secret)
	h.Write([]byte("zhun profile secret"))
	return h.Sum(nil)[:8]
}

// identityMark tells apart options that decide who is who and which event is
// a redelivery.
func (o *Options) identityMark() []byte {
	var b []byte
	for _, k := range slices.Sorted(maps.Keys(o.Limits)) {
		b = fmt.Appendf(b, "%q %d %d ", k, o.Limits[k], o.LimitWindows[k])
	}
	if o.MaxMerges != defaultMaxMerges { // which marks of before there was the option stand for
		b = fmt.Appendf(b, "merges %d ", o.MaxMerges)
	}
	return mark64(fmt.Appendf(b, "%q %d %d %d %d %v %d %q", o.Priority, o.MaxPersonKeys, o.MaxKeyLinks, o.DedupeWindow, o.DedupeEvents, o.DedupeError, o.LastAccount, o.Resets))
}

// derivedMark tells apart options that decide what follows from events.
func (o *Options) derivedMark() []byte {
	var b []byte
	for i := range o.Traits {
		t := o.Traits[i]
		t.stages, t.where = Stages{}, nil
		b = fmt.Appendf(b, "%#v ", t)
	}
	b = fmt.Appendf(b, "%v %q %q %q %q %v", o.Retain.Horizon, o.Retain.Events, o.OptOut, o.Regions, o.RegionAttribute, o.ConsentExpiry)
	return mark64(b)
}

func mark64(b []byte) []byte {
	h := xxh3.Hash128(b).Bytes()
	return h[:8]
}
