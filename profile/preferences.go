package profile

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// PreferenceOptions say what preferences are read from. Nil means the
// defaults.
type PreferenceOptions struct {
	// Events are the names of the events that show when and where a person
	// is reached, as views see them; empty means all but identify, consent,
	// group and alias.
	Events []string
	// ZoneAttribute is the attribute with the person's time zone, such as
	// "Europe/Berlin"; default "timezone". Where it is missing or unknown,
	// the event's field "context.timezone" decides, then Location.
	ZoneAttribute string
	// Location is the time zone of everybody else; default UTC.
	Location *time.Location
	// ChannelField is the field with the channel; default
	// "context.campaign.medium".
	ChannelField string
	// Strength is how many observations the population counts as beside a
	// person's own; default 10, above 0.
	Strength float64
}

// maxChannels is how many channels a population knows; what is rarer counts
// for the persons who use it only.
const maxChannels = 256

// Share is a part of a person's activity: the mean and the standard deviation
// of its posterior, and how many of the person's own observations fell into it.
type Share struct {
	Value, StdErr float64
	N             int
}

// ChannelShare is the share of one channel.
type ChannelShare struct {
	Channel string
	Share
}

// Preference says when and where a person is best reached.
type Preference struct {
	User uint32
	// N is how many observations of times there are, ChannelN of channels;
	// without any, the rest is the population's.
	N, ChannelN int
	// Hours are by the hour of the day, Weekdays by time.Weekday, both in
	// the person's time zone. Channels are the largest first.
	Hours    [24]Share
	Weekdays [7]Share
	Channels []ChannelShare
	// Hour, Weekday and Channel have the largest share, ties the smaller;
	// Channel is empty when nobody used any.
	Hour    int
	Weekday time.Weekday
	Channel string
}

// Preferences is what is usual in a population: when and where persons are
// active, each with one vote. It is the prior of each person's preferences:
// with a population share π of strength K, a person with n observations, x of
// them here, has the Dirichlet posterior whose mean is (x + Kπ) / (n + K).
// It holds no rows of users. Immutable; safe for concurrent use.
type Preferences struct {
	opts     PreferenceOptions
	events   map[string]bool
	persons  int
	hours    [24]float64
	weekdays [7]float64
	channels []string
	usage    map[string]float64
}

// habits are a person's counts.
type habits struct {
	n, channelN int
	hours       [24]int
	weekdays    [7]int
	channels    map[string]int
}

// FitPreferences learns from the retained events what is usual in the
// population. It reads one person at a time, so that writers wait for no
// longer. Errors: [ErrOptions], [ErrClosed], the context's.
func (s *Store) FitPreferences(ctx context.Context, opts *PreferenceOptions) (*Preferences, error) {
	m := &Preferences{usage: make(map[string]float64)}
	if opts != nil {
		m.opts = *opts
	}
	m.opts.ZoneAttribute = cmp.Or(m.opts.ZoneAttribute, "timezone")
	m.opts.ChannelField = cmp.Or(m.opts.ChannelField, "context.campaign.medium")
	m.opts.Strength = cmp.Or(m.opts.Strength, 10)
	if !(m.opts.Strength > 0) || math.IsInf(m.opts.Strength, 0) {
		return nil, optionError("Strength", m.opts.Strength, "must be above 0")
	}
	if m.opts.Location == nil {
		m.opts.Location = time.UTC
	}
	if len(m.opts.Events) > 0 {
		m.events = make(map[string]bool)
		for _, e := range m.opts.Events {
			m.events[currentName(e)] = true
		}
	}
	m.opts.Events = nil
	zones := make(map[string]*time.Location)
	withChannel := 0
	// Exact sums, for numbers of users depend on the order of arrival.
	var hours [24]stats.Exact
	var weekdays [7]stats.Exact
	usage := make(map[string]stats.Exact)
	for _, u := range s.Users() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.mu.RLock()
		closed := s.closed
		h := m.read(s, s.people.of(u), zones)
		s.mu.RUnlock()
		if closed {
			return nil, ErrClosed
		}
		if h.n > 0 {
			m.persons++
			for i, n := range h.hours {
				hours[i].Add(float64(n) / float64(h.n))
			}
			for i, n := range h.weekdays {
				weekdays[i].Add(float64(n) / float64(h.n))
			}
		}
		if h.channelN > 0 {
			withChannel++
			for c, n := range h.channels {
				sum := usage[c]
				sum.Add(float64(n) / float64(h.channelN))
				usage[c] = sum
			}
		}
	}
	// One vote more is spread evenly, so that nothing is impossible.
	for i := range m.hours {
		m.hours[i] = (hours[i].Value() + 1.0/24) / float64(m.persons+1)
	}
	for i := range m.weekdays {
		m.weekdays[i] = (weekdays[i].Value() + 1.0/7) / float64(m.persons+1)
	}
	for c, sum := range usage {
		m.usage[c] = sum.Value() / float64(withChannel)
		m.channels = append(m.channels, c)
	}
	slices.SortFunc(m.channels, func(a, b string) int { return cmp.Or(cmp.Compare(m.usage[b], m.usage[a]), ids.Compare(a, b)) })
	for len(m.channels) > maxChannels {
		last := len(m.channels) - 1
		delete(m.usage, m.channels[last])
		m.channels = m.channels[:last]
	}
	return m, nil
}

// read counts a person's events.
func (m *Preferences) read(s *Store, p *person, zones map[string]*time.Location) habits {
	h := habits{channels: make(map[string]int)}
	if p == nil {
		return h
	}
	var home *time.Location
	if id, ok := s.attributes.Lookup(m.opts.ZoneAttribute); ok {
		if w := p.winner(id); w != nil {
			home = zone(w.value, zones)
		}
	}
	var d decoded
	for _, r := range p.rows {
		s.log.decode(r.pos(), &d)
		switch {
		case m.events != nil:
			if !m.events[d.view()] {
				continue
			}
		case d.typ == Identify || d.typ == Consent || d.typ == Group || d.typ == Alias:
			continue
		}
		at := home
		if at == nil {
			if at = zone(d.fields["context.timezone"], zones); at == nil {
				at = m.opts.Location
			}
		}
		local := r.time().In(at)
		h.n++
		h.hours[local.Hour()]++
		h.weekdays[local.Weekday()]++
		if c, ok := d.fields[m.opts.ChannelField].(string); ok && c != "" {
			h.channelN++
			h.channels[c]++
		}
	}
	return h
}

// zone returns a named time zone, nil if there is none of that name.
func zone(name any, known map[string]*time.Location) *time.Location {
	text, _ := name.(string)
	if text == "" || text == "Local" || len(text) > 64 {
		return nil
	}
	if l, ok := known[text]; ok {
		return l
	}
	l, err := time.LoadLocation(text)
	if err != nil {
		l = nil
	}
	if len(known) < 1024 {
		known[strings.Clone(text)] = l
	}
	return l
}

// Of returns the preferences of a person of the store that the population was
// learned from, or of another with the same vocabulary. It reports false if
// there is nobody.
func (m *Preferences) Of(s *Store, user uint32) (Preference, bool) {
	s.mu.RLock()
	p := s.people.of(user)
	if p == nil {
		s.mu.RUnlock()
		return Preference{}, false
	}
	h := m.read(s, p, make(map[string]*time.Location))
	user = p.number
	s.mu.RUnlock()
	out := m.posterior(&h)
	out.User = user
	return out, true
}

// Population returns the preferences of a person of whom nothing is known.
func (m *Preferences) Population() Preference { return m.posterior(&habits{}) }

func (m *Preferences) posterior(h *habits) Preference {
	out := Preference{N: h.n, ChannelN: h.channelN}
	share := func(x, n int, prior float64) Share {
		all := float64(n) + m.opts.Strength
		v := (float64(x) + m.opts.Strength*prior) / all
		return Share{v, math.Sqrt(v * (1 - v) / (all + 1)), x}
	}
	for i := range out.Hours {
		out.Hours[i] = share(h.hours[i], h.n, m.hours[i])
		if out.Hours[i].Value > out.Hours[out.Hour].Value {
			out.Hour = i
		}
	}
	for i := range out.Weekdays {
		out.Weekdays[i] = share(h.weekdays[i], h.n, m.weekdays[i])
		if out.Weekdays[i].Value > out.Weekdays[out.Weekday].Value {
			out.Weekday = time.Weekday(i)
		}
	}
	names := slices.Clone(m.channels)
	for c := range h.channels {
		if _, known := m.usage[c]; !known {
			names = append(names, c)
		}
	}
	for _, c := range names {
		out.Channels = append(out.Channels, ChannelShare{c, share(h.channels[c], h.channelN, m.usage[c])})
	}
	slices.SortFunc(out.Channels, func(a, b ChannelShare) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), ids.Compare(a.Channel, b.Channel))
	})
	if len(out.Channels) > 0 {
		out.Channel = out.Channels[0].Channel
	}
	return out
}
