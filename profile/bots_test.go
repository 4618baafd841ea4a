package profile

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// peopleAgents are written by hand after what browsers send.
var peopleAgents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:123.0) Gecko/20100101 Firefox/123.0",
	"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36 Edg/122.0.0.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_3) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Safari/605.1.15",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/122.0.6261.62 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/450.0;FBDV/iPad8,6]",
	"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:122.0) Gecko/20100101 Firefox/122.0",
	"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 10; HMA-AL00) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/88.0 Mobile Safari/537.36 MicroMessenger/8.0.47 NetType/WIFI",
	"Mozilla/5.0 (Linux; Android 12; Pixel 6 Build/SD1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0 Mobile Safari/537.36 Instagram 315.0.0",
	"Mozilla/5.0 (Linux; U; Android 11; zh-cn; M2007J3SC) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/89.0 MQQBrowser/13.6 Mobile Safari/537.36",
	"Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
	"Mozilla/5.0 (PlayStation; PlayStation 5/8.20) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15",
	"Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/7.0 TV Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36 OPR/107.0.0.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 YaBrowser/23.11.0 Safari/537.36",
	"ShopApp/5.2.1 (iPhone; iOS 17.3; Scale/3.00)",
}

func TestBotRules(t *testing.T) {
	rules := BotRules{
		People: []string{"ShopMonitor"}, Agents: []string{"Kiosk"}, Nets: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
	}
	strict := BotRules{RefuseMissing: true, Flag: "robot"}
	for _, c := range []struct {
		rules     BotRules
		agent, ip string
		flag      any
		want      BotCode
	}{
		{rules, "ShopMonitor/1.0 curl/8", "203.0.113.9", true, ""},
		{rules, "shopkiosk", "", nil, BotAgentListed},
		{rules, peopleAgents[0], "203.0.113.9", nil, BotNetListed},
		{rules, peopleAgents[0], "::ffff:203.0.113.9", nil, BotNetListed},
		{rules, peopleAgents[0], "203.0.114.9", nil, ""},
		{rules, peopleAgents[0], "nowhere", true, BotFlag},
		{rules, "", "", nil, ""},
		{strict, "", "", nil, BotAgentMissing},
		{strict, peopleAgents[0], "", true, ""},
		{rules, "curl/8.5.0", "", nil, BotAgentBuiltIn},
		{BotRules{Keep: true}, "curl/8.5.0", "", true, ""},
	} {
		r := c.rules.withDefaults()
		fields := map[string]any{"context.automated": c.flag}
		if c.agent != "" {
			fields["context.userAgent"] = c.agent
		}
		if c.ip != "" {
			fields["context.ip"] = c.ip
		}
		require.Equal(t, c.want, r.judge(fields, new(interned[bool])), "%v", fields)
	}
}

// crawlerAgents returns the example agents of the shared list of crawlers.
func crawlerAgents(t testing.TB) []string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		path := filepath.Join(dir, "..", "shared", "data", "useragents", "crawler-user-agents.json.gz")
		if _, err := os.Stat(path); err == nil {
			f, err := os.Open(path)
			require.NoError(t, err)
			defer f.Close()
			z, err := gzip.NewReader(f)
			require.NoError(t, err)
			var list []struct{ Instances []string }
			require.NoError(t, json.NewDecoder(z).Decode(&list))
			var out []string
			for _, x := range list {
				out = append(out, x.Instances...)
			}
			return out
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("the shared list of crawlers is not here")
		}
		dir = up
	}
}

func TestBotsAgainstCrawlers(t *testing.T) {
	crawlers := crawlerAgents(t)
	rules := (&BotRules{}).withDefaults()
	found := 0
	for _, a := range crawlers {
		if rules.judge(map[string]any{"context.userAgent": a}, new(interned[bool])) != "" {
			found++
		}
	}
	require.Greater(t, float64(found)/float64(len(crawlers)), 0.9, "of %d agents", len(crawlers))
	for _, a := range peopleAgents {
		require.Empty(t, rules.judge(map[string]any{"context.userAgent": a}, new(interned[bool])), a)
	}
}

// BenchmarkBots judges agents and reports precision and recall on the shared
// list of crawlers and on agents of browsers, in equal parts.
func BenchmarkBots(b *testing.B) {
	crawlers := crawlerAgents(b)
	rules := (&BotRules{}).withDefaults()
	hits, alarms, n := 0, 0, 0
	start := time.Now()
	for b.Loop() {
		hits, alarms = 0, 0
		for i, a := range crawlers {
			if rules.judge(map[string]any{"context.userAgent": a}, new(interned[bool])) != "" {
				hits++
			}
			if rules.judge(map[string]any{"context.userAgent": peopleAgents[i%len(peopleAgents)]}, new(interned[bool])) != "" {
				alarms++
			}
		}
		n += 2 * len(crawlers)
	}
	b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(n), "ns/op")
	b.ReportMetric(float64(hits)/float64(len(crawlers)), "recall")
	b.ReportMetric(float64(hits)/float64(hits+alarms), "precision")
}

func TestBehaviour(t *testing.T) {
	t.Parallel()
	s := newTest(t, Options{Bots: BotRules{Rate: 5, Speed: 1000, QuickPages: 3, People: []string{"patient"}}})
	n := 0
	apply := func(kind Type, after time.Duration, fields map[string]any, keys ...Key) string {
		n++
		_, err := s.Apply(Event{ID: fmt.Sprint(n), Name: "e", Type: kind, Time: epoch.Add(after), Keys: keys, Fields: fields})
		if err == nil {
			return ""
		}
		require.ErrorIs(t, err, ErrBot)
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
		why, _, _ := strings.Cut(refused.Value, ":")
		return why
	}
	device := func(i int) Key { return Key{AnonymousID, fmt.Sprint("d", i)} }

	// The device is watched, whichever account it names; a redelivery does
	// not count, and a new minute begins anew.
	for i := range 5 {
		require.Empty(t, apply(Track, time.Duration(i), nil, device(1), Key{UserID, fmt.Sprint(i)}))
		n--
		_, err := s.Apply(Event{ID: fmt.Sprint(n + 1), Name: "e", Time: epoch, Keys: []Key{device(1)}})
		require.NoError(t, err)
		n++
	}
	require.Equal(t, "rate", apply(Track, 6, nil, device(1)))
	require.Equal(t, "", apply(Track, 7, map[string]any{"context.userAgent": "patient/1"}, device(1)))
	require.Equal(t, "", apply(Track, 7, nil, ann))
	require.Equal(t, "", apply(Track, time.Minute, nil, device(1)))

	berlin := map[string]any{"context.location.latitude": 52.5, "context.location.longitude": 13.4}
	sydney := map[string]any{"context.location.latitude": -33.9, "context.location.longitude": 151.2}
	require.InDelta(t, 16_100, distance(52.5, 13.4, -33.9, 151.2), 50)
	require.Empty(t, apply(Track, 0, berlin, device(2)))
	require.Equal(t, "speed", apply(Track, 2*time.Hour, sydney, device(2)))
	require.Empty(t, apply(Track, 2*time.Hour, sydney, device(3)))
	require.Empty(t, apply(Track, 24*time.Hour, sydney, device(2)))

	require.Empty(t, apply(Page, 0, nil, device(4)))
	require.Empty(t, apply(Page, 300*time.Millisecond, nil, device(4)))
	require.Empty(t, apply(Page, 600*time.Millisecond, nil, device(4)))
	require.Equal(t, "dwell", apply(Page, 900*time.Millisecond, nil, device(4)))
	require.Empty(t, apply(Page, 5*time.Second, nil, device(4)))

	require.Equal(t, BotCounts{Rate: 1, Speed: 1, Dwell: 1}, s.Stats().Bots)
	// Nothing is remembered of who was erased.
	u, _ := s.Resolve(AnonymousID, "d4")
	_, err := s.Erase(u)
	require.NoError(t, err)
	require.NotContains(t, s.watched.young, motionOf(device(4)))
	for i := range 3 * maxMotions {
		c := cleaned{at: instantOf(epoch)}
		s.watched.watch(&s.opts.Bots, device(i), &c, nil)
	}
	require.LessOrEqual(t, len(s.watched.young)+len(s.watched.old), 2*maxMotions)
	for _, bad := range []BotRules{{Rate: -1}, {Speed: math.NaN()}, {Dwell: -1}} {
		_, err := New(&Options{Bots: bad})
		require.ErrorIs(t, err, ErrOptions)
	}
}
