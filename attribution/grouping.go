package attribution

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ChannelRule names the channel of a visit by where it came from. Each list
// holds patterns; a list matches when one of its patterns does, an empty list
// always, and the rule when all four do.
//
// Patterns and what they are compared with are lower case. A pattern is one
// of
//
//	"cpc"        the whole text
//	"paid*"      text that begins so; "*push" ends so, "*video*" contains it
//	""           a field that is empty
//
// In Source and Referrer, which hold names of sites, a plain word also
// matches one label of a host name ("google" matches "google",
// "www.google.co.nz" and "news.google.com"), and a pattern with a dot also
// the end of one ("t.co" matches "t.co" and "m.t.co", not "pinterest.co").
type ChannelRule struct {
	Channel  string   // the channel's name
	Source   []string // the campaign's source, such as "google"
	Medium   []string // the campaign's medium, such as "cpc"
	Campaign []string // the campaign's name
	Referrer []string // the host of the page the visit came from
}

// Grouping is a compiled table of channel rules. Immutable; safe for
// concurrent use.
type Grouping struct {
	rules     []compiledRule
	campaigns bool // some rule looks at the campaign
}

// OtherChannel is the channel of a visit that no rule of the table matches.
const OtherChannel = "Other"

// NewGrouping compiles a table of channel rules, of which the first that
// matches names the channel; nil means [DefaultChannels]. A rule without a
// name, or with a pattern that has "*" within, is an [*InputError].
func NewGrouping(rules []ChannelRule) (*Grouping, error) {
	if rules == nil {
		rules = DefaultChannels()
	}
	g := &Grouping{rules: make([]compiledRule, len(rules))}
	for i, r := range rules {
		where := fmt.Sprintf("Channels[%d].Channel", i)
		if r.Channel == "" || !utf8.ValidString(r.Channel) {
			return nil, inputError("NewGrouping", 0, where, r.Channel, "a channel needs a name in UTF-8")
		}
		c := &g.rules[i]
		c.channel = r.Channel
		for _, list := range []struct {
			name  string
			from  []string
			to    *[]pattern
			hosts bool
		}{
			{"Source", r.Source, &c.source, true},
			{"Medium", r.Medium, &c.medium, false},
			{"Campaign", r.Campaign, &c.campaign, false},
			{"Referrer", r.Referrer, &c.referrer, true},
		} {
			for _, text := range list.from {
				p, ok := compilePattern(text, list.hosts)
				if !ok {
					return nil, inputError("NewGrouping", 0, fmt.Sprintf("Channels[%d].%s", i, list.name), text, `"*" may stand only at the ends of a pattern`)
				}
				*list.to = append(*list.to, p)
			}
		}
		g.campaigns = g.campaigns || len(c.campaign) > 0
	}
	return g, nil
}

// Channel names the channel of a visit with the source, medium and name of
// its campaign and the address of the page it came from; all may be empty.
func (g *Grouping) Channel(source, medium, campaign, referrer string) string {
	return g.channel(fold(source), fold(medium), fold(campaign), host(referrer))
}

// channel is Channel for folded texts and a host.
func (g *Grouping) channel(source, medium, campaign, referrer string) string {
	for i := range g.rules {
		r := &g.rules[i]
		if matches(r.medium, medium) && matches(r.source, source) && matches(r.referrer, referrer) && matches(r.campaign, campaign) {
			return r.channel
		}
	}
	return OtherChannel
}

type compiledRule struct {
	channel                            string
	source, medium, campaign, referrer []pattern
}

type pattern struct {
	text         string
	open, closed bool // "*" before, after
	host         bool // match labels or the end of a host name, too
}

func compilePattern(text string, hosts bool) (pattern, bool) {
	p := pattern{text: strings.ToLower(text), host: hosts}
	if rest, ok := strings.CutPrefix(p.text, "*"); ok {
		p.text, p.open = rest, true
	}
	if rest, ok := strings.CutSuffix(p.text, "*"); ok {
		p.text, p.closed = rest, true
	}
	return p, !strings.Contains(p.text, "*")
}

func matches(list []pattern, s string) bool {
	for i := range list {
		if list[i].match(s) {
			return true
		}
	}
	return len(list) == 0
}

func (p *pattern) match(s string) bool {
	switch {
	case p.open && p.closed:
		return strings.Contains(s, p.text)
	case p.open:
		return strings.HasSuffix(s, p.text)
	case p.closed:
		return strings.HasPrefix(s, p.text)
	case s == p.text:
		return true
	case !p.host || p.text == "" || len(s) <= len(p.text):
		return false
	case strings.Contains(p.text, "."):
		return strings.HasSuffix(s, p.text) && s[len(s)-len(p.text)-1] == '.'
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == p.text {
			return true
		}
	}
	return false
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// host returns the host of an address without its port and "www.", in lower
// case; empty when the text names none. A bare host name is one.
func host(address string) string {
	address = strings.TrimSpace(address)
	// A scheme ends before anything else does; "://" may also stand in a query.
	if i := strings.Index(address, "://"); i >= 0 && i+1 == strings.IndexAny(address, "/?#") {
		address = address[i+1:]
	}
	address = strings.TrimPrefix(address, "//")
	if i := strings.IndexAny(address, "/?#"); i >= 0 {
		address = address[:i]
	}
	address = address[strings.LastIndexByte(address, '@')+1:]
	if rest, ok := strings.CutPrefix(address, "["); ok {
		address, _, _ = strings.Cut(rest, "]")
	} else {
		address, _, _ = strings.Cut(address, ":")
	}
	return strings.TrimPrefix(strings.ToLower(address), "www.")
}
