package sim

import (
	"math"
	"strconv"
	"time"
)

// customer is one latent person. Nothing in it depends on which channels are on.
type customer struct {
	k        key
	id       int
	kind     Type
	rate     float64 // orders per day at the mean of everything else
	activity float64 // factor on spontaneous visits and clicks
	arrive   int32   // first day; the shop is unknown to the customer before
	leave    int32   // first day on which the customer is lost to the shop
	account  int32   // first day with an account, or never
	old      bool    // was a customer before the record begins
	mails    bool    // takes the newsletter once there is an account
	phone    bool
	loyalty  bool
	devices  uint8
	shares   bool // uses the first device of customer id−1 as well
	city     uint8
	taste    taste
}

const never = math.MaxInt32

// Buying is a Poisson process whose rate differs between people: log-normal, with
// rateSpread on the log scale, where the usual negative binomial mixes over a gamma.
// Targets, for 90 days:
//
//	                         gaps between days with orders  orders per buyer
//	                         q10 q25 q50 q75 q90            mean  =1   =2   =3   =4   ≥5
//	Online Retail, Q1 2011    3   8  17  31  48             1.85  .64  .19  .08  .04  .05
//	Online Retail, Q3 2011    4   8  17  32  48             2.00  .59  .21  .09  .05  .06
//	CDNOW, first 90 days      3   7  17  35  58             1.60  .70  .17  .06  .03  .03
//
// Share of the known customers who buy within 90 days in Online Retail: .82 .67 .58 (the base grows while many leave).
const (
	rateMedian = 0.0070
	rateSpread = 0.60
	needSpread = 0.40 // of the weekly wave of the wish to buy
	oldShare   = 0.70 // of customers known to the shop before the first day
	leaveRate  = 1. / 500
	wave       = 7 // days between two knots of the wave
)

var cities = [...]struct{ city, country string }{
	{"Berlin", "DE"},
	{"Hamburg", "DE"},
	{"München", "DE"},
	{"Köln", "DE"},
	{"Leipzig", "DE"},
	{"Wien", "AT"},
	{"Graz", "AT"},
	{"Zürich", "CH"},
	{"Paris", "FR"},
	{"Lyon", "FR"},
	{"Milano", "IT"},
	{"Amsterdam", "NL"},
	{"Warszawa", "PL"},
	{"Madrid", "ES"},
}

var firstNames = [...]string{
	"Anna", "Ben", "Clara", "David", "Elif", "Felix", "Greta", "Hannah", "Ivan", "Jana", "Karim", "Lea",
	"Max", "Nora", "Omar", "Paula", "Quentin", "Rosa", "Stefan", "Tereza", "Ute", "Viktor", "Wanda", "Yusuf",
}

var lastNames = [...]string{
	"Schmidt", "Novak", "Rossi", "Dubois", "Weber", "Kowalska", "Garcia", "Becker", "Visser", "Meyer", "Huber", "Fischer",
	"Koch", "Moreau", "Ferrari", "Lange", "Bauer", "Jansen", "Wolf", "Yilmaz", "Schulz", "Keller", "Marin", "Vogel",
}

func (w *World) newCustomer(id int) customer {
	k := keyOf(w.opts.Seed, purposeType, id)
	c := customer{k: k, id: id, kind: typeAt(k.uniform(timeless, purposeType, 0))}
	z := k.normal(timeless, purposeRate, 0)
	c.rate = rateMedian * math.Exp(rateSpread*z) * typeTable[c.kind].rate
	c.activity = math.Exp(0.4 * (z + k.normal(timeless, purposeRate, 1)))
	if u := k.uniform(timeless, purposeArrival, 0); u < oldShare {
		c.old = true
	} else {
		c.arrive = int32((u - oldShare) / (1 - oldShare) * float64(w.opts.Days))
	}
	c.leave = c.arrive + 1 + int32(min(k.exponential(timeless, purposeLeave, 0)/leaveRate, 1<<20))
	c.account = never
	switch u := k.uniform(timeless, purposeAccount, 0); {
	case c.old && u < 0.75:
		c.account = 0
	case u < 0.85:
		c.account = c.arrive + int32(k.exponential(timeless, purposeAccount, 1)*12)
	}
	c.mails = k.chance(timeless, purposeAccount, 2, 0.65)
	// who never opens an account rarely gives more than an address
	holds := 1.0
	if c.account == never {
		holds = 0.3
	}
	c.phone = k.chance(timeless, purposeContact, 0, 0.33*holds)
	c.loyalty = k.chance(timeless, purposeContact, 1, 0.40*holds)
	c.devices = 1
	if u := k.uniform(timeless, purposeDevices, 0); u > 0.90 {
		c.devices = 3
	} else if u > 0.55 {
		c.devices = 2
	}
	c.shares = id%2 == 1 && keyOf(w.opts.Seed, purposeShared, id/2).chance(timeless, purposeShared, 0, w.opts.Shared)
	c.city = uint8(k.pick(timeless, purposePlace, 0, len(cities)))
	c.taste = w.shop.newTaste(k, c.kind)
	return c
}

// present says whether the customer knows the shop on a day and is not lost to it.
func (c *customer) present(day int) bool { return int32(day) >= c.arrive && int32(day) < c.leave }

// need is the wave of the wish to buy, with mean 1 over customers: a log-linear path
// through a normal draw per week. It raises buying, searching and visiting alike and is
// what the naive credit of search and display comes from.
func (c *customer) need(day int) float64 {
	week, f := day/wave, float64(day%wave)/wave
	a, b := c.k.normal(week, purposeNeed, 0), c.k.normal(week+1, purposeNeed, 0)
	z := a*(1-f) + b*f
	v := (1-f)*(1-f) + f*f
	return math.Exp(needSpread*z - needSpread*needSpread*v/2)
}

// Identifiers. Those of a customer are functions of the seed and the customer's number.

func (w *World) accountID(c int) string {
	return "u" + pad36(scramble(w.opts.Seed, uint32(c)))
}

func (w *World) emailOf(c *customer) string {
	first, last := w.nameOf(c)
	b := make([]byte, 0, 40)
	b = append(b, lower(first)...)
	b = append(b, '.')
	b = append(b, lower(last)...)
	b = append(b, '.')
	b = append(b, pad36(scramble(w.opts.Seed+1, uint32(c.id)))...)
	return string(append(b, "@mail.example"...))
}

func (w *World) nameOf(c *customer) (first, last string) {
	return firstNames[c.k.pick(timeless, purposeName, 0, len(firstNames))], lastNames[c.k.pick(timeless, purposeName, 1, len(lastNames))]
}

func (w *World) phoneOf(c *customer) string {
	n := strconv.FormatUint(uint64(scramble(w.opts.Seed+2, uint32(c.id))), 10)
	return "+49150" + "0000000000"[len(n):] + n
}

func (w *World) loyaltyOf(c *customer) string {
	n := strconv.FormatUint(uint64(scramble(w.opts.Seed+3, uint32(c.id))), 10)
	return "L" + "0000000000"[len(n):] + n
}

func (c *customer) birthday() string {
	d := time.Date(1950+c.k.pick(timeless, purposeBirthday, 0, 56), 1, 1+c.k.pick(timeless, purposeBirthday, 1, 365), 0, 0, 0, 0, time.UTC)
	return d.Format(time.DateOnly)
}

// device is one browser or telephone with its cookie.
type device struct {
	cookie string
	agent  string
	skew   int64 // nanoseconds that its clock is ahead
}

// cookieOf names the first-party cookie of a customer's n-th device.
func (w *World) cookieOf(c *customer, n int) string {
	return "c" + hex16(c.k.bits(timeless, purposeDevice, n))
}

// deviceOf gives a customer's n-th device; the one after the own devices is the shared one.
func (w *World) deviceOf(c *customer, n int) device {
	k := c.k
	if n >= int(c.devices) {
		k, n = keyOf(w.opts.Seed, purposeType, c.id-1), 0
	}
	d := device{
		cookie: "c" + hex16(k.bits(timeless, purposeDevice, n)),
		agent:  browsers[k.pick(timeless, purposeDevice, 16+n, len(browsers))],
	}
	if k.chance(timeless, purposeSkew, n, w.opts.Skew) {
		// mostly behind, sometimes ahead: between two days slow and four hours fast
		d.skew = int64((k.uniform(timeless, purposeSkew, 16+n)*52 - 48) * float64(time.Hour))
	}
	return d
}

// deviceCount includes a shared device. Before there is an account, only the first device
// is used: people first look around in one place.
func (c *customer) deviceCount(d int) int {
	n := 1
	if int32(d) >= c.account {
		n = int(c.devices)
	}
	if c.shares {
		n = int(c.devices) + 1
	}
	return n
}

var browsers = [...]string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
	"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 Safari/604.1",
}

func hex16(x uint64) string {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range b {
		b[15-i] = digits[x>>(4*i)&15]
	}
	return string(b[:])
}

// pad36 writes a number with seven digits of base 36.
func pad36(x uint32) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	var b [7]byte
	for i := range b {
		b[6-i] = digits[x%36]
		x /= 36
	}
	return string(b[:])
}

func lower(s string) string { return string(s[0]|0x20) + s[1:] }
