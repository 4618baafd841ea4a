package attribution

import (
	"strconv"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/zhun-go/zhun/internal/value"
	"github.com/zhun-go/zhun/internal/wire"
)

// Observe turns an event into rows by [JourneysOptions]; the store calls it.
// An event that is neither a touch nor a conversion nor a refund changes
// nothing. A conversion without an order id takes the event's message_id, or
// else a hash of its content; the value of an order whose value cannot be
// used is 0. A refund without a value, or with one that cannot be used, takes
// back the whole order, and one of 0 nothing. What cannot be used is counted in
// [Stats]; the only error is [ErrUser].
func (j *Journeys) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	if user == 0 {
		return userError("Observe")
	}
	t, ok := instantOf(at)
	j.mu.Lock()
	defer j.mu.Unlock()
	if !ok {
		j.stats.BadTime++
		return nil
	}
	r := j.opts.roles[event]
	f := &j.opts.Fields
	if r&(refunded|cancelled) != 0 {
		id := j.id(fields, f.Order)
		if id == "" {
			j.stats.NoOrder++
			return nil
		}
		v, found := j.amount(fields, f.Value)
		j.refund(user, t, id, v, r&cancelled != 0 || !found)
		return nil
	}
	j.observeTouch(user, r, fields, t)
	if r&conversion != 0 {
		id := j.id(fields, f.Order)
		if id == "" {
			id = j.id(fields, messageID)
		}
		if id == "" {
			id = contentID(event, fields, at)
		}
		v, _ := j.amount(fields, f.Value)
		j.convert(user, t, id, v, j.text(fields, f.Currency))
	}
	return nil
}

// messageID is where the store puts an event's own id.
var messageID = []string{"message_id"}

func (j *Journeys) observeTouch(user uint32, r role, fields map[string]any, at instant) {
	f := &j.opts.Fields
	k := visitKey{source: fold(j.text(fields, f.Source)), medium: fold(j.text(fields, f.Medium))}
	named := k.source != "" || k.medium != ""
	if !named && r&visit == 0 {
		return
	}
	campaign := j.text(fields, f.Campaign)
	k.campaign = fold(campaign)
	k.referrer = host(j.text(fields, f.Referrer))
	if k.referrer != "" && j.internal(k.referrer, fields) {
		// A step within the site says nothing about where the visit came from.
		if !named {
			return
		}
		k.referrer = ""
	}
	kind := Click
	if r&viewed != 0 {
		kind = View
	}
	var cost float64
	if r&conversion == 0 {
		cost, _ = j.amount(fields, f.Cost)
	}
	j.touch(user, at, j.channel(k), campaign, kind, cost)
}

// internal reports whether a referrer's host is the page's own or one that
// the options name.
func (j *Journeys) internal(referrer string, fields map[string]any) bool {
	if referrer == host(j.text(fields, j.opts.Fields.URL)) {
		return true
	}
	for i := range j.opts.internal {
		if j.opts.internal[i].match(referrer) {
			return true
		}
	}
	return false
}

// visitKey is what a channel depends on.
type visitKey struct{ source, medium, campaign, referrer string }

// maxCached bounds the memory of known visits; names are the senders' to
// choose.
const maxCached = 1 << 12

func (j *Journeys) channel(k visitKey) string {
	if !j.opts.grouping.campaigns {
		k.campaign = ""
	}
	if c, ok := j.cache[k]; ok {
		return c
	}
	if len(j.cache) >= maxCached {
		clear(j.cache)
	}
	c := j.opts.grouping.channel(k.source, k.medium, k.campaign, k.referrer)
	j.cache[k] = c
	return c
}

// field returns the first of the named fields that is there, normalized.
func (j *Journeys) field(fields map[string]any, names []string) any {
	for _, n := range names {
		v, ok := fields[n]
		if !ok || v == nil {
			continue
		}
		if v, ok = value.Normalize(v); ok {
			return v
		}
		j.stats.BadField++
	}
	return nil
}

func (j *Journeys) text(fields map[string]any, names []string) string {
	switch v := j.field(fields, names).(type) {
	case nil:
		return ""
	case string:
		return v
	}
	j.stats.BadField++
	return ""
}

// id returns a text or whole number as an id.
func (j *Journeys) id(fields map[string]any, names []string) string {
	switch v := j.field(fields, names).(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	j.stats.BadField++
	return ""
}

func (j *Journeys) amount(fields map[string]any, names []string) (float64, bool) {
	v := j.field(fields, names)
	if v == nil {
		return 0, false
	}
	x, ok := value.Float(v)
	if !ok || !amount(x) || tiny(x) {
		j.stats.BadField++
		return 0, false
	}
	return x, true
}

// contentID names an order by all that is known of it, so that the same event
// delivered twice is one order.
func contentID(event string, fields map[string]any, at time.Time) string {
	clean := make(map[string]any, len(fields))
	for k, v := range fields {
		if v, ok := value.Normalize(v); ok {
			clean[k] = v
		}
	}
	w := wire.NewWriter(event, 0)
	s := w.Section("content")
	s.Time(at)
	value.WriteFields(s, clean)
	return strconv.FormatUint(xxh3.Hash(w.AppendTo(nil)), 16)
}
