package profile

import (
	"net/netip"
	"slices"
	"strings"
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
}

func (b *BotRules) withDefaults() BotRules {
	c := *b
	c.People, c.Agents, c.Nets = slices.Clone(b.People), slices.Clone(b.Agents), slices.Clone(b.Nets)
	for _, list := range [][]string{c.People, c.Agents} {
		for i := range list {
			list[i] = strings.ToLower(list[i])
		}
	}
	if c.Flag == "" {
		c.Flag = "context.automated"
	}
	return c
}

// judge returns why the event with these fields is a program's, or nothing.
func (b *BotRules) judge(fields map[string]any, known *interned[bool]) string {
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
		return "agent on the caller's list"
	case b.address(fields):
		return "address on the caller's list"
	case fields[b.Flag] == true:
		return "the client says so"
	case agent == "" && b.RefuseMissing:
		return "no agent"
	case agent != "" && listed(agent, known):
		return "agent on the built-in list"
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
