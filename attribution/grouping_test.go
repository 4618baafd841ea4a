package attribution

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefaultChannels(t *testing.T) {
	g, err := NewGrouping(nil)
	require.NoError(t, err)
	for _, c := range []struct{ source, medium, campaign, referrer, want string }{
		{"", "", "", "", "Direct"},
		{"(direct)", "(none)", "", "", "Direct"},
		{"google", "cpc", "generic-search", "https://www.google.com/", "Paid Search"},
		{"bing", "ppc", "", "", "Paid Search"},
		{"google", "organic", "", "", "Organic Search"},
		{"", "", "", "https://www.google.co.nz/search?q=shoes", "Organic Search"},
		{"", "", "", "android-app://com.google.android.gm", "Organic Search"},
		{"", "", "", "https://mail.google.com/", "Email"},
		{"facebook", "paid_social", "community", "https://www.facebook.com/", "Paid Social"},
		{"Facebook", " CPC ", "", "", "Paid Social"},
		{"instagram", "social", "", "", "Organic Social"},
		{"facebook", "organic", "", "", "Organic Social"},
		{"facebook.com", "referral", "", "", "Organic Social"},
		{"facebook", "post", "", "", "Organic Social"},
		{"linkedin", "video", "", "", "Organic Social"},
		{"facebook", "email", "", "", "Email"},
		{"youtube", "organic", "", "", "Organic Video"},
		{"youtube", "description", "", "", "Organic Video"},
		{"bing", "listing", "", "", "Organic Search"},
		{"blog", "organic", "", "", "Organic Search"},
		{"acme", "sem", "", "", "Paid Search"},
		{"tv", "", "", "", "Other"},
		{"acme", "tv", "", "", "Offline"},
		{"", "", "", "https://t.co/abc", "Organic Social"},
		{"", "", "", "https://not-t.co/abc", "Referral"},
		{"tiktok", "video", "short-clips", "https://www.tiktok.com/", "Paid Video"},
		{"tiktok", "cpc", "", "", "Paid Social"},
		{"tiktok", "", "", "", "Organic Social"},
		{"youtube", "cpv", "", "", "Paid Video"},
		{"", "", "", "https://m.youtube.com/watch", "Organic Video"},
		{"blog", "video", "", "", "Organic Video"},
		{"adnetwork", "display", "prospecting", "https://adnetwork.example/", "Display"},
		{"dv360", "cpm", "", "", "Display"},
		{"newsletter", "email", "newsletter", "", "Email"},
		{"newsletter", "", "", "", "Email"},
		{"offline", "offline", "city-flyer", "", "Offline"},
		{"brand", "tv", "", "", "Offline"},
		{"crm", "sms", "", "", "SMS"},
		{"crm", "web-push", "", "", "Push"},
		{"partner-x", "affiliate", "", "", "Affiliates"},
		{"spotify", "cpm", "", "", "Audio"},
		{"blog.example", "referral", "", "", "Referral"},
		{"", "", "", "https://blog.example:8080/post", "Referral"},
		{"blog", "", "", "https://blog.example/", "Referral"},
		{"shelf", "sticker", "", "", "Other"},
	} {
		require.Equal(t, c.want, g.Channel(c.source, c.medium, c.campaign, c.referrer), "%+v", c)
	}
}

func TestHost(t *testing.T) {
	for address, want := range map[string]string{
		"https://www.Example.COM/a?b#c":        "example.com",
		"http://user:pw@shop.example:8080":     "shop.example",
		"//cdn.example/x":                      "cdn.example",
		"example.org?q=http://elsewhere.test/": "example.org",
		"https://[2001:db8::1]:443/":           "2001:db8::1",
		"android-app://com.example.app/":       "com.example.app",
		" \t":                                  "",
		"/only/a/path":                         "",
	} {
		require.Equal(t, want, host(address), address)
	}
}

func TestOwnChannels(t *testing.T) {
	g, err := NewGrouping([]ChannelRule{
		{Channel: "Brand", Source: []string{"google"}, Campaign: []string{"*brand*"}},
		{Channel: "Search", Source: []string{"google"}},
		{Channel: "Begins", Medium: []string{"pre*"}},
		{Channel: "Ends", Medium: []string{"*post"}},
		{Channel: "Empty", Medium: []string{""}},
	})
	require.NoError(t, err)
	require.Equal(t, "Brand", g.Channel("google", "cpc", "NZ Brand 2026", ""))
	require.Equal(t, "Search", g.Channel("google", "cpc", "shoes", ""))
	require.Equal(t, "Begins", g.Channel("x", "prefix", "", ""))
	require.Equal(t, "Ends", g.Channel("x", "blogpost", "", ""))
	require.Equal(t, "Empty", g.Channel("x", "", "", ""))
	require.Equal(t, OtherChannel, g.Channel("x", "y", "", ""))

	var bad *InputError
	_, err = NewGrouping([]ChannelRule{{Channel: "A", Medium: []string{"a*b"}}})
	require.True(t, errors.As(err, &bad))
	require.EqualError(t, err, `attribution: NewGrouping: Channels[0].Medium "a*b": "*" may stand only at the ends of a pattern`)
	_, err = NewGrouping([]ChannelRule{{}})
	require.ErrorIs(t, err, ErrInput)
}

// A host's label is a word of its own, never a part of one.
func FuzzGrouping(f *testing.F) {
	f.Add("google", "cpc", "spring", "https://www.google.com/")
	f.Add("", "", "", "::::")
	f.Add("a*", "*", "*.*", "//[::1]:80")
	f.Add("0 *", "*", "", "") // a word and what follows it: the word alone is another
	f.Fuzz(func(t *testing.T, source, medium, campaign, referrer string) {
		g, err := NewGrouping(nil)
		require.NoError(t, err)
		require.NotEmpty(t, g.Channel(source, medium, campaign, referrer))
		own, err := NewGrouping([]ChannelRule{{Channel: "own", Source: []string{source}, Medium: []string{medium}}})
		if err != nil || source != fold(source) || medium != fold(medium) {
			return
		}
		if source, medium := trimStars(source), trimStars(medium); source == fold(source) && medium == fold(medium) {
			require.Equal(t, "own", own.Channel(source, medium, campaign, referrer))
		}
	})
}

func trimStars(s string) string {
	p, _ := compilePattern(s, true)
	return p.text
}
