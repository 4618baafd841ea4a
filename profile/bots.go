package profile

import "strings"

// botMarks are substrings of the user agents of programs, in lower case: our
// own short list of what crawlers, monitors, previewers, command-line tools
// and HTTP libraries call themselves.
var botMarks = [...]string{
	"bot", "crawl", "spider", "slurp", "headless", "phantomjs", "lighthouse", "pagespeed", "pingdom", "uptime",
	"monitor", "preview", "scrap", "fetch", "archiver", "curl/", "wget/", "libwww", "python", "httpclient",
	"http-client", "http_request", "okhttp", "axios/", "node-fetch", "go-http", "java/", "perl/", "ruby", "php/",
	"scanner", "validator", "checker", "feed", "facebookexternalhit", "mediapartners", "google-", "adsbot",
	"bingpreview", "yandex.com/bots", "baiduspider", "duckduckgo-favicons", "embedly", "selenium", "puppeteer",
	"playwright", "http://", "https://", "www.", "@",
}

// botInnocents are marks within the names of devices and browsers of people.
var botInnocents = [...]string{"cubot", "rubyflux"}

// isBot reports whether a user agent is a program's.
func isBot(agent string) bool {
	a := strings.ToLower(agent)
	for _, i := range botInnocents {
		a = strings.ReplaceAll(a, i, "")
	}
	for _, m := range botMarks {
		if strings.Contains(a, m) {
			return true
		}
	}
	return false
}
