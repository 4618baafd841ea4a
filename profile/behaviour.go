package profile

import (
	"math"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/zhun-go/zhun/internal/value"
)

// BotCode says why an event was taken for a program's.
type BotCode string

// The reasons, in the order in which they are tried.
const (
	BotAgentListed  BotCode = "agent-listed"   // BotRules.Agents
	BotNetListed    BotCode = "net-listed"     // BotRules.Nets
	BotFlag         BotCode = "flag"           // BotRules.Flag
	BotAgentMissing BotCode = "agent-missing"  // BotRules.RefuseMissing
	BotAgentBuiltIn BotCode = "agent-built-in" // the built-in list
	BotRate         BotCode = "rate"           // BotRules.Rate
	BotSpeed        BotCode = "speed"          // BotRules.Speed
	BotDwell        BotCode = "dwell"          // BotRules.QuickPages
)

// BotCounts count the events refused as a program's, by reason.
type BotCounts struct {
	AgentListed, NetListed, Flag, AgentMissing, AgentBuiltIn uint64
	Rate, Speed, Dwell                                       uint64
}

func (b *BotCounts) count(c BotCode) {
	switch c {
	case BotAgentListed:
		b.AgentListed++
	case BotNetListed:
		b.NetListed++
	case BotFlag:
		b.Flag++
	case BotAgentMissing:
		b.AgentMissing++
	case BotAgentBuiltIn:
		b.AgentBuiltIn++
	case BotRate:
		b.Rate++
	case BotSpeed:
		b.Speed++
	case BotDwell:
		b.Dwell++
	}
}

func (b BotCounts) since(o BotCounts) BotCounts {
	return BotCounts{
		b.AgentListed - o.AgentListed, b.NetListed - o.NetListed, b.Flag - o.Flag, b.AgentMissing - o.AgentMissing,
		b.AgentBuiltIn - o.AgentBuiltIn, b.Rate - o.Rate, b.Speed - o.Speed, b.Dwell - o.Dwell,
	}
}

// motion is how one key behaved of late.
type motion struct {
	minute   int64 // of the events counted
	events   int
	page     instant // of the last page
	quick    int     // pages in a row that came soon after the one before
	place    instant // when it was last located
	lat, lon float64
}

// behaviour watches keys. It is bounded: when a generation of keys is full,
// the one before is forgotten.
type behaviour struct {
	young, old map[xxh3.Uint128]motion
}

const maxMotions = 100_000

func motionOf(k Key) xxh3.Uint128 {
	b := appendText(make([]byte, 0, 64), k.Kind)
	return xxh3.Hash128(append(b, k.Value...))
}

func (w *behaviour) forget(k Key) {
	h := motionOf(k)
	delete(w.young, h)
	delete(w.old, h)
}

func (b *BotRules) watches() bool { return !b.Keep && (b.Rate > 0 || b.Speed > 0 || b.QuickPages > 0) }

// watch takes note of an event of a key and returns why it is a program's, if
// it is.
func (w *behaviour) watch(b *BotRules, k Key, c *cleaned, fields map[string]any) BotCode {
	h := motionOf(k)
	m, ok := w.young[h]
	if !ok {
		if m, ok = w.old[h]; !ok {
			m = motion{page: never(), place: never()}
		}
		if w.young == nil || len(w.young) >= maxMotions {
			w.young, w.old = make(map[xxh3.Uint128]motion), w.young
		}
	}
	code := m.judge(b, c, fields)
	w.young[h] = m
	return code
}

func (m *motion) judge(b *BotRules, c *cleaned, fields map[string]any) (code BotCode) {
	minute := c.at.sec / 60
	if m.events++; m.minute != minute {
		m.minute, m.events = minute, 1
	}
	if b.Rate > 0 && m.events > b.Rate {
		return BotRate
	}
	if lat, lon, ok := location(fields); b.Speed > 0 && ok {
		if m.place != never() {
			hours := math.Abs(between(m.place, c.at).Hours())
			// Places are known to some kilometres only.
			if km := distance(m.lat, m.lon, lat, lon); km > 50 && km > b.Speed*hours {
				return BotSpeed
			}
		}
		m.place, m.lat, m.lon = c.at, lat, lon
	}
	if b.QuickPages > 0 && (c.typ == Page || c.typ == Screen) {
		if m.page != never() && between(m.page, c.at).Abs() < b.Dwell {
			m.quick++
		} else {
			m.quick = 0
		}
		m.page = c.at
		if m.quick >= b.QuickPages {
			return BotDwell
		}
	}
	return ""
}

// between returns the time from a to b, at most about 292 years.
func between(a, b instant) time.Duration {
	s := b.sec - a.sec
	if s > 9e9 || s < -9e9 {
		return math.MaxInt64
	}
	return time.Duration(s)*time.Second + time.Duration(b.nsec) - time.Duration(a.nsec)
}

func location(fields map[string]any) (lat, lon float64, ok bool) {
	lat, a := value.Float(fields["context.location.latitude"])
	lon, b := value.Float(fields["context.location.longitude"])
	return lat, lon, a && b && math.Abs(lat) <= 90 && math.Abs(lon) <= 180
}

// distance returns the kilometres between two places on a sphere (haversine
// formula).
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	const rad, earth = math.Pi / 180, 6371
	s := math.Sin((lat2 - lat1) * rad / 2)
	t := math.Sin((lon2 - lon1) * rad / 2)
	a := s*s + math.Cos(lat1*rad)*math.Cos(lat2*rad)*t*t
	return 2 * earth * math.Asin(math.Sqrt(min(1, a)))
}
