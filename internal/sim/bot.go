package sim

import "strconv"

var botAgents = [...]string{
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
	"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
	"python-requests/2.32.3",
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
}

func (w *World) bots() int { return int(w.opts.Bots*float64(w.opts.Customers) + 0.5) }

func (w *World) botKey(i int) key { return keyOf(w.opts.Seed, purposeBot, i) }

// botCookie is new on each day on which the bot comes.
func botCookie(k key, d int) string { return "c" + hex16(k.bits(d, purposeBot, 1)) }

func botComes(k key, d int) bool { return k.chance(d, purposeBot, 0, 0.15) }

// emitBot writes a bot's day: one page after the other, much faster than a person. Bots never buy.
func (w *World) emitBot(i, d int, out *sink) {
	k := w.botKey(i)
	if !botComes(k, d) {
		return
	}
	cookie, ip := botCookie(k, d), address(k.bits(timeless, purposeBot, 2))
	agent := botAgents[k.pick(timeless, purposeBot, 3, len(botAgents))]
	n := 20 + k.pick(d, purposeBot, 4, 60)
	at := w.days[d].start() + int64(k.uniform(d, purposeBot, 5)*23*60)*minute
	first := k.pick(d, purposeBot, 6, len(w.shop.products))
	for j := range n {
		e := Event{AnonymousID: cookie, Agent: agent, IP: ip, Zone: "UTC", Hidden: Hidden{Customer: -1, Bot: true}}
		if j%4 == 0 {
			e.Type, e.Title = "page", "Catalogue"
			e.URL = "https://shop.example/list/" + strconv.Itoa(j/4)
		} else {
			p := &w.shop.products[(first+j)%len(w.shop.products)]
			e.Type, e.Name, e.Products = "track", "Product Viewed", []Line{{p, w.price(p, d), 1}}
		}
		at += 200e6 + int64(k.uniform(d, purposeGap, j)*1500e6)
		out.client(&e, k, d, j, at, 0)
	}
}
