package attribution

import (
	"cmp"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// ledgerKey is a channel and a day in days since 1970, in UTC.
type ledgerKey struct {
	channel string
	day     int64
}

type ledgerRow struct {
	ledgerKey
	cost stats.Sum
}

const secondsPerDay = 24 * 60 * 60

// Spend adds cost to what a channel cost on a day (in UTC): impressions and
// offline spend never reach a known user, so they are kept in a ledger beside
// the users. Channels with rows in it that add up to anything but 0 take
// their spend from it, the others from the costs of their touches. A negative
// cost is a correction. It works
// on journeys that a store feeds, too, and is not erased with anyone; a store
// in a directory does not write it down before its next snapshot.
//
// A cost that is not finite, an empty channel or a day outside the years 1 to
// 9999 is an [*InputError].
func (j *Journeys) Spend(channel string, day time.Time, cost float64) error {
	const verb = "Spend"
	at, ok := instantOf(day)
	switch {
	case channel == "" || !utf8.ValidString(channel):
		return inputError(verb, 0, "channel", channel, "not a name in UTF-8")
	case !ok:
		return inputError(verb, 0, "day", day, "not within the years 1 to 9999")
	case !finite(cost):
		return inputError(verb, 0, "cost", cost, "not a number within ±1e100")
	}
	k := ledgerKey{channel, dayOf(at)}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ledger == nil {
		j.ledger = map[ledgerKey]stats.Sum{}
	}
	s := j.ledger[k]
	s.Add(cost)
	j.ledger[k] = s
	return nil
}

// dayOf returns the day of an instant, rounding down before 1970 too.
func dayOf(at instant) int64 {
	d := at.sec / secondsPerDay
	if at.sec%secondsPerDay < 0 {
		d--
	}
	return d
}

func compareLedger(a, b ledgerKey) int {
	if c := ids.Compare(a.channel, b.channel); c != 0 {
		return c
	}
	return cmp.Compare(a.day, b.day)
}

func sortedLedger(ledger map[ledgerKey]stats.Sum) []ledgerRow {
	rows := make([]ledgerRow, 0, len(ledger))
	for _, k := range slices.SortedFunc(maps.Keys(ledger), compareLedger) {
		rows = append(rows, ledgerRow{k, ledger[k]})
	}
	return rows
}
