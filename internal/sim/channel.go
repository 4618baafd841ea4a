package sim

// The marketing channels. Switch them off with [Options.Off].
const (
	ChannelSearch  = "search"
	ChannelSocial  = "social"
	ChannelDisplay = "display"
	ChannelEmail   = "email"
	ChannelVideo   = "video"
	ChannelOffline = "offline"
	ChannelDirect  = "direct"
)

type channel uint8

const (
	search channel = iota
	social
	display
	email
	video
	offline
	direct
	channels
)

// Channels lists the names of all channels in the order of the truth's tables.
func Channels() []string {
	names := make([]string, channels)
	for c := range channels {
		names[c] = channelTable[c].key
	}
	return names
}

func channelOf(name string) (channel, bool) {
	for c := range channels {
		if channelTable[c].key == name {
			return c, true
		}
	}
	return 0, false
}

// kind says how a customer met a channel on one day.
type kind uint8

const (
	none  kind = iota
	view       // an impression, an e-mail opened
	click      // a visit to the shop, a flyer redeemed in the store
)

// weight of a meeting in the channel's stock.
var weights = [...]float64{none: 0, view: 0.5, click: 1}

// channelSpec describes one channel: how it is seen from outside, whom it reaches, and what
// it does to buying.
type channelSpec struct {
	key, group     string
	source, medium string
	campaign       string
	referrer       string
	view, click    float64        // cost of one touch, in units of the currency
	reach          [types]float64 // chance of a touch per day, by type
	clicks         float64        // share of touches that are clicks
	decay          float64        // what is left of the stock after a day
	effect         [types]float64 // β: log hazard at a saturated stock, by type
}

// synergy is the extra log hazard of search and video together: a product seen in a video
// and then searched for.
const synergy = 1.2

// channelTable holds the marketing side of the model. The order of the columns is
// price-sensitive, quality-seeking, socially driven, rest. Display is the null player:
// banners that nobody clicks, shown to people who are about to buy or have just left a
// cart. A direct visit has no effect of its own either, it is a symptom of the wish to buy;
// but it may leave a cart behind, and then the reminder by e-mail works.
var channelTable = [channels]channelSpec{
	search: {
		key: ChannelSearch, group: "Paid Search", source: "google", medium: "cpc",
		campaign: "generic-search", referrer: "https://www.google.com/", click: 0.60,
		reach: [types]float64{0.018, 0.018, 0.014, 0.018}, clicks: 1, decay: 0.55,
		effect: [types]float64{0.9, 0.9, 0.7, 0.8},
	},
	social: {
		key: ChannelSocial, group: "Paid Social", source: "facebook", medium: "paid_social",
		campaign: "community", referrer: "https://www.facebook.com/", view: 0.012, click: 0.45,
		reach: [types]float64{0.040, 0.035, 0.110, 0.045}, clicks: 0.25, decay: 0.80,
		effect: [types]float64{0.4, 0.5, 2.0, 0.7},
	},
	display: {
		key: ChannelDisplay, group: "Display", source: "adnetwork", medium: "display",
		campaign: "prospecting", referrer: "https://adnetwork.example/", view: 0.004,
		reach: [types]float64{0.012, 0.012, 0.012, 0.012}, decay: 0.80,
	},
	email: {
		key: ChannelEmail, group: "Email", source: "newsletter", medium: "email",
		campaign: "newsletter", view: 0.002, click: 0.010,
		reach: [types]float64{0.45, 0.30, 0.25, 0.32}, clicks: 0.22, decay: 0.70,
		effect: [types]float64{1.7, 0.8, 0.6, 0.9},
	},
	video: {
		key: ChannelVideo, group: "Paid Video", source: "tiktok", medium: "video",
		campaign: "short-clips", referrer: "https://www.tiktok.com/", view: 0.015, click: 0.30,
		reach: [types]float64{0.030, 0.025, 0.100, 0.035}, clicks: 0.12, decay: 0.85,
		effect: [types]float64{0.1, 0.2, 1.3, 0.4},
	},
	offline: {
		key: ChannelOffline, group: "Offline", source: "offline", medium: "offline",
		campaign: "city-flyer", click: 0.35,
		reach: [types]float64{0.030, 0.020, 0.020, 0.022}, clicks: 1, decay: 0.90,
		effect: [types]float64{0.9, 0.8, 0.8, 0.9},
	},
	direct: {
		key: ChannelDirect, group: "Direct",
		reach: [types]float64{0.040, 0.040, 0.040, 0.040}, clicks: 1, decay: 0.50,
	},
}

// mask is a set of channels, bit c for channel c.
type mask uint8

const allChannels mask = 1<<channels - 1

func (m mask) has(c channel) bool { return m>>c&1 != 0 }

// saturate turns a stock into the share of the channel's effect that it gives.
func saturate(stock float64) float64 { return stock / (1 + stock) }
