package attribution

import (
	"fmt"
	"time"

	"github.com/zhun-go/zhun/internal/stats"
)

// TimeLag sums up the conversions that came within one range of time after
// the first touch of their path.
type TimeLag struct {
	From, To           time.Duration // From ≤ lag < To; To is 0 for the last, which has no end
	Conversions, Value float64
}

// TimeLags returns how long after the first touch of their path conversions
// came, in the ranges between ascending bounds; by default an hour, and 1, 3,
// 7, 14 and 30 days. Conversions without any touch are not among them. It
// needs times: for paths with aggregated rows it answers [ErrNoTimes].
func TimeLags(p *Paths, bounds ...time.Duration) ([]TimeLag, error) {
	const verb = "time lags"
	if err := p.check(verb); err != nil {
		return nil, err
	}
	if err := p.checkTimes(verb); err != nil {
		return nil, err
	}
	if len(bounds) == 0 {
		const day = 24 * time.Hour
		bounds = []time.Duration{time.Hour, day, 3 * day, 7 * day, 14 * day, 30 * day}
	}
	list := make([]TimeLag, len(bounds)+1)
	last := time.Duration(0)
	for i, b := range bounds {
		if b <= last {
			return nil, inputError("TimeLags", 0, fmt.Sprintf("bounds[%d]", i), b, fmt.Sprintf("not after %v", last))
		}
		list[i].To, list[i+1].From, last = b, b, b
	}
	values := make([]stats.Sum, len(list))
	for _, j := range p.journeys {
		i := 0
		for i < len(bounds) && p.ages[j.first] >= bounds[i] {
			i++
		}
		list[i].Conversions++
		values[i].Add(j.value)
	}
	for i := range list {
		list[i].Value = values[i].Value()
	}
	return list, nil
}
