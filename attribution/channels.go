package attribution

// DirectChannel is the name that the default table gives to a visit that came
// from nowhere: no campaign and no referrer.
const DirectChannel = "Direct"

// DefaultChannels returns the default table of channel rules, in the manner
// of the default channel groups of web analytics. The first rule that matches
// wins:
//
//	Direct          no source, medium or referrer; or source "direct" or "(direct)"
//	Offline         medium offline, print, tv, radio, store, direct mail, …; source offline
//	Email           medium e-mail or newsletter, or such a source with no medium to speak of; a web mail's host
//	SMS             medium sms, mms, whatsapp, or such a source with no medium to speak of
//	Push            medium ends in push; notification; source firebase
//	Affiliates      medium affiliate, affiliates, partner
//	Audio           medium audio, podcast; or a paid medium on an audio site
//	Paid Video      a video medium on a video site
//	Paid Search     medium paid_search or sem; a paid medium on a search engine
//	Paid Social     medium paid_social; a paid medium on a social network
//	Paid Video      medium paid_video; a paid medium on a video site
//	Display         medium display, banner, interstitial, expandable, cpm, programmatic, retargeting, native
//	Organic Social  medium social; a social network without a paid medium
//	Organic Video   any other video medium; a video site without a paid medium
//	Organic Search  medium organic; a search engine without a paid medium
//	Referral        medium referral, app, link; any other referrer with no medium to speak of
//	Other           anything else
//
// A paid medium is one that contains "cp" (cpc, cpm, cpv), ppc, retargeting,
// or begins with "paid". No medium to speak of is none, "(none)", "(not set)"
// or one that says nothing but that nobody paid, such as organic and web.
// A site that is both a social network and a video site, such as TikTok, counts
// as video when the medium says video ("tiktok", "video" is Paid Video, since
// clips there are placed for money), and as social otherwise.
//
// The slice is the caller's: change it, and give it to
// [JourneysOptions].Channels.
func DefaultChannels() []ChannelRule {
	none := []string{""}
	unpaid := []string{"", "(none)", "(not set)", "none", "referral", "organic", "web", "site", "app"}
	paid := []string{"*cp*", "ppc", "retargeting", "paid*"}
	search := []string{
		"google", "bing", "yahoo", "duckduckgo", "baidu", "yandex", "ecosia", "ask", "aol", "naver", "daum",
		"seznam", "qwant", "startpage", "search.brave.com", "brave", "sogou", "so.com", "swisscows", "lycos",
	}
	social := []string{
		"facebook", "fb", "instagram", "ig", "twitter", "x.com", "t.co", "linkedin", "lnkd.in", "pinterest", "reddit",
		"tiktok", "snapchat", "tumblr", "quora", "weibo", "wechat", "weixin", "xiaohongshu", "vk", "vkontakte",
		"threads", "threads.net", "mastodon", "bluesky", "bsky.app", "discord", "telegram", "t.me", "line.me",
		"nextdoor", "meetup", "xing", "medium.com", "kuaishou", "meta",
	}
	video := []string{
		"youtube", "youtu.be", "vimeo", "twitch", "dailymotion", "tiktok", "douyin", "bilibili", "kuaishou", "netflix",
		"hulu", "disneyplus", "wistia", "ted.com", "youku", "iqiyi", "rumble",
	}
	audio := []string{"spotify", "soundcloud", "pandora", "deezer", "audible", "iheart"}
	offline := []string{
		"offline", "print", "tv", "radio", "ooh", "dooh", "billboard", "flyer", "catalog", "catalogue", "store",
		"direct mail", "direct-mail", "direct_mail", "postal", "event",
	}
	email := []string{"email", "e-mail", "e_mail", "e mail", "newsletter"}
	sms := []string{"sms", "mms", "whatsapp"}

	return []ChannelRule{
		{Channel: DirectChannel, Source: none, Medium: []string{"", "(none)", "none", "(not set)"}, Referrer: none},
		{Channel: DirectChannel, Source: []string{"direct", "(direct)"}, Medium: []string{"", "(none)", "none", "(not set)", "direct"}},
		{Channel: "Offline", Medium: offline},
		{Channel: "Offline", Source: []string{"offline"}},
		{Channel: "Email", Medium: email},
		{Channel: "SMS", Medium: sms},
		{Channel: "Push", Medium: []string{"*push", "*notification*"}},
		{Channel: "Push", Source: []string{"firebase"}},
		{Channel: "Affiliates", Medium: []string{"affiliate*", "partner", "partners"}},
		{Channel: "Audio", Medium: []string{"audio", "podcast"}},
		{Channel: "Audio", Source: audio, Medium: paid},
		{Channel: "Paid Video", Source: video, Medium: []string{"*video*"}},
		{Channel: "Paid Search", Source: search, Medium: paid},
		{Channel: "Paid Search", Medium: []string{"paid_search", "paid-search", "paidsearch", "paid search", "sem"}},
		{Channel: "Paid Social", Medium: []string{"paid_social", "paid-social", "paidsocial", "paid social", "social_paid", "social-paid"}},
		{Channel: "Paid Social", Source: social, Medium: paid},
		{Channel: "Paid Video", Medium: []string{"paid_video", "paid-video", "paidvideo", "paid video"}},
		{Channel: "Paid Video", Source: video, Medium: paid},
		{Channel: "Display", Medium: []string{"display", "banner*", "interstitial", "expandable", "cpm", "programmatic", "retargeting", "native"}},
		{Channel: "Organic Social", Medium: []string{"social", "social-network", "social-media", "social_media", "sm", "social network", "social media", "organic_social", "organic-social"}},
		{Channel: "Organic Social", Source: social},
		{Channel: "Organic Video", Medium: []string{"*video*"}},
		{Channel: "Organic Video", Source: video},
		{Channel: "Organic Search", Medium: []string{"organic"}},
		{Channel: "Organic Search", Source: search},
		{Channel: "Email", Source: email, Medium: unpaid},
		{Channel: "SMS", Source: sms, Medium: unpaid},
		{Channel: "Email", Source: none, Medium: unpaid, Referrer: []string{
			"mail.google.com", "mail.yahoo.com", "outlook.live.com", "outlook.office.com", "mail.aol.com", "mail.yandex.ru", "mail.qq.com", "mail.163.com",
		}},
		{Channel: "Organic Social", Source: none, Medium: unpaid, Referrer: social},
		{Channel: "Organic Video", Source: none, Medium: unpaid, Referrer: video},
		{Channel: "Organic Search", Source: none, Medium: unpaid, Referrer: search},
		{Channel: "Referral", Medium: []string{"referral", "app", "link"}},
		{Channel: "Referral", Source: none, Medium: unpaid, Referrer: []string{"*.*"}},
		{Channel: "Referral", Medium: []string{"", "(none)", "none"}, Referrer: []string{"*.*"}},
	}
}
