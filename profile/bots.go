package profile

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// BotRules say which events were sent by programs. They are tried in this
// order, and the first that applies decides:
//
//  1. People: the agent is a person's.
//  2. Agents: the agent is a program's.
//  3. Nets: the address is a program's.
//  4. the field Flag is true: the client says so itself.
//  5. RefuseMissing: there is no agent.
//  6. the built-in list: the agent is a program's.
//  7. Rate: the key sends too much.
//  8. Speed: the key is at two places too soon.
//  9. QuickPages: the key does not dwell on pages.
//
// The last three watch the weakest key of each event, as a rule its device,
// by the events' times; they are off unless set. What they refuse depends on
// the order of arrival, and what they have seen of a key is not exported or
// merged. They look back on the last 100,000 keys at least.
//
// The agent is the field "context.userAgent", the address "context.ip". An
// event without either, as servers send them, passes unless RefuseMissing.
type BotRules struct {
	// Keep applies the events of programs like any other.
	Keep bool
	// People and Agents are parts of user agents, compared without regard to
	// case.
	People, Agents []string
	// Nets are addresses of programs.
	Nets []netip.Prefix
	// Flag is the name of a field that is true when the client found that it
	// is a program, such as one driven by a test; default
	// "context.automated".
	Flag string
	// RefuseMissing takes an event without an agent for a program's.
	RefuseMissing bool
	// Rate is how many events of one key within a minute of the clock are a
	// person's; those beyond are refused.
	Rate int
	// Speed is the fastest that a person travels, in km/h, such as 1,000,
	// between two events with the fields "context.location.latitude" and
	// "context.location.longitude"; below 50 km nobody is too fast.
	Speed float64
	// QuickPages is how many pages or screens in a row, each less than Dwell
	// after the one before, are a program's; the last of them and those that
	// follow as quickly are refused. Dwell is one second by default.
	QuickPages int
	Dwell      time.Duration
}

func (b *BotRules) withDefaults() BotRules {
	c := *b
	c.People, c.Agents, c.Nets = slices.Clone(b.People), slices.Clone(b.Agents), slices.Clone(b.Nets)
	for _, list := range [][]string{c.People, c.Agents} {
		for i := range list {
			list[i] = strings.ToLower(list[i])
		}
	}
	if c.Dwell == 0 {
		c.Dwell = time.Second
	}
	if c.Flag == "" {
		c.Flag = "context.automated"
	}
	return c
}

// vouched reports whether the caller's list says that a person sent it.
func (b *BotRules) vouched(fields map[string]any) bool {
	if len(b.People) == 0 {
		return false
	}
	agent, _ := fields["context.userAgent"].(string)
	agent = strings.ToLower(agent)
	return slices.ContainsFunc(b.People, func(part string) bool { return strings.Contains(agent, part) })
}

// judge returns why the event with these fields is a program's, or nothing.
func (b *BotRules) judge(fields map[string]any, known *interned[bool]) BotCode {
	if b.Keep {
		return ""
	}
	agent, _ := fields["context.userAgent"].(string)
	a := agent
	if len(b.People)+len(b.Agents) > 0 {
		a = strings.ToLower(agent)
	}
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(part string) bool { return strings.Contains(a, part) })
	}
	switch {
	case in(b.People):
		return ""
	case in(b.Agents):
		return BotAgentListed
	case b.address(fields):
		return BotNetListed
	case fields[b.Flag] == true:
		return BotFlag
	case agent == "" && b.RefuseMissing:
		return BotAgentMissing
	case agent != "" && listed(agent, known):
		return BotAgentBuiltIn
	}
	return ""
}

func (b *BotRules) address(fields map[string]any) bool {
	if len(b.Nets) == 0 {
		return false
	}
	text, _ := fields["context.ip"].(string)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(b.Nets, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// botMarks are parts of the user agents of programs, in lower case: our own
// short list of what crawlers, monitors, previewers, command-line tools and
// HTTP libraries call themselves.
var botMarks = [...]string{
	"agent", "archiv", "audit", "axios/", "bot", "catchpoint", "checker", "cohere", "crawl", "critical", "curl/",
	"daemon", "detector", "embedly", "exporter", "externalhit", "feed", "fetch", "generator", "google-", "googleimage",
	"gtmetrix", "headless", "http", "java/", "libwww", "library", "lighthouse", "linkfinder", "lwp", "mediapartners",
	"meta-external", "monitor", "node-fetch", "onebox", "openvas", "outbrain", "pagespeed", "perl/", "phantomjs",
	"php/", "pingdom", "playwright", "preview", "proxy", "ptst/", "puppeteer", "python", "reader", "research",
	"resolver", "rss", "ruby", "scan", "scrap", "search", "selenium", "seo", "slurp", "spider", "synthetic", "uptime",
	"validator", "verif", "webhook", "wget/", "whatsapp/", "www.", "zgrab", ".ai/", ".com", ".io)", ".net/", ".org", "@",
}

// botInnocents are marks within the names of devices and browsers of people.
var botInnocents = [...]string{"cubot", "rubyflux"}

// listed is isBot for an agent as it came, looked up among those that came
// before.
func listed(agent string, known *interned[bool]) bool {
	bot, ok := (*known)[agent]
	if !ok {
		bot = isBot(strings.ToLower(agent))
		known.put(strings.Clone(agent), bot)
	}
	return bot
}

// isBot reports whether a user agent, in lower case, is on the built-in list.
func isBot(agent string) bool {
	for _, i := range botInnocents {
		if strings.Contains(agent, i) {
			agent = strings.ReplaceAll(agent, i, "")
		}
	}
	for _, m := range botMarks {
		if strings.Contains(agent, m) {
			return true
		}
	}
	// What calls itself compatible is a program, but for two old browsers.
	return strings.Contains(agent, "(compatible;") && !strings.Contains(agent, "msie") && !strings.Contains(agent, "konqueror")
}
