package sim

import (
	"math"
	"sort"
	"time"
)

// Promotion is a sale in the whole shop. Days count from 0, the last one is excluded.
type Promotion struct {
	First, End int
	Discount   float64 // 0.2 is a fifth off every price
}

// day is what the calendar says about one slot, in the shop's time zone.
type day struct {
	hours    [25]int64 // Unix seconds at each full hour; [24] is the next midnight
	weekday  time.Weekday
	month    int // months since the first day's month
	season   float64
	discount float64
}

// weekdayFactor scales the wish to buy. Online Retail's orders by weekday, Monday first:
// 1,944 2,216 2,443 2,933 2,021 0 1,524 (closed on Saturdays); here the shape of the open
// days is kept, flattened by half, and Saturday is open.
var weekdayFactor = [7]float64{
	time.Sunday: 0.85, time.Monday: 0.95, time.Tuesday: 1.01, time.Wednesday: 1.06,
	time.Thursday: 1.17, time.Friday: 0.96, time.Saturday: 1.00,
}

// hourWeight is the daily rhythm: Online Retail's midday hump (orders by hour from 7 to 20:
// 23 350 995 1,651 1,647 2,202 1,839 1,579 1,454 721 359 134 113 13, a trade shop) beside
// the evening hump of a shop for consumers.
var hourWeight = [24]float64{0, 0, 0, 0, 0, 0, 1, 3, 5, 7, 9, 9, 11, 9, 8, 8, 6, 6, 7, 9, 11, 9, 5, 0}

// hourCumulative[h] is the share of the day's weight before hour h.
var hourCumulative = func() (c [25]float64) {
	for h, w := range hourWeight {
		c[h+1] = c[h] + w
	}
	total := c[24]
	for h := range c {
		c[h] /= total
	}
	return c
}()

// season is the yearly wave with the rise before Christmas.
func season(t time.Time) float64 {
	doy := float64(t.YearDay())
	return 1 + 0.08*math.Cos(2*math.Pi*(doy-350)/365) + 0.35*math.Exp(-(doy-342)*(doy-342)/(2*14*14))
}

func newCalendar(o *Options, root key) ([]day, []Promotion) {
	const block, length = 30, 3
	var promotions []Promotion
	for b := 0; b*block < o.Days; b++ {
		first := b*block + 5 + root.pick(b, purposePromotion, 0, block-5-length)
		if first >= o.Days {
			break
		}
		promotions = append(promotions, Promotion{
			First: first, End: min(first+length, o.Days),
			Discount: 0.10 + 0.05*float64(root.pick(b, purposePromotion, 1, 4)),
		})
	}
	y, m, d := o.Start.Date()
	days := make([]day, o.Days)
	for i := range days {
		x := &days[i]
		noon := time.Date(y, m, d+i, 12, 0, 0, 0, o.Zone)
		for h := range x.hours {
			x.hours[h] = time.Date(y, m, d+i, h, 0, 0, 0, o.Zone).Unix()
			if h > 0 {
				x.hours[h] = max(x.hours[h], x.hours[h-1]) // an hour that the clocks skip
			}
		}
		x.weekday = noon.Weekday()
		x.month = (noon.Year()-y)*12 + int(noon.Month()-m)
		x.season = season(noon)
	}
	for _, p := range promotions {
		for i := p.First; i < p.End; i++ {
			days[i].discount = p.Discount
		}
	}
	return days, promotions
}

// at turns a uniform draw into an instant of the day (Unix nanoseconds) by the rhythm of the hours.
func (d *day) at(u float64) int64 {
	h := sort.SearchFloat64s(hourCumulative[1:], u)
	for hourWeight[h] == 0 {
		h++
	}
	f := (u - hourCumulative[h]) / (hourCumulative[h+1] - hourCumulative[h])
	return d.hours[h]*1e9 + int64(min(max(f, 0), 0.999999)*3600e3)*1e6
}

func (d *day) start() int64 { return d.hours[0] * 1e9 }
func (d *day) end() int64   { return d.hours[24] * 1e9 }
