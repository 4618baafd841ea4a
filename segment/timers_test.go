package segment

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// What comes out of a calendar is what a sorted list gives, whatever is added
// meanwhile: to the next second, to opened buckets, years ahead, before 1970.
func TestCalendar(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		var c calendar
		var model []timer
		now := int64(r.IntN(100_000)) - 50_000
		spread := []int64{100, 5000, 100_000, 5_000_000, 50_000_000}[seed%5]
		add := func() {
			x := timer{now + 1 + r.Int64N(spread), uint32(r.IntN(5)), uint32(r.IntN(3))}
			if r.IntN(4) == 0 {
				x.sec = now + 1
			}
			c.add(x)
			i, _ := slices.BinarySearchFunc(model, x, timer.compare)
			model = slices.Insert(model, i, x)
		}
		for range 200 {
			for range r.IntN(60) {
				add()
			}
			if sec := now + 1 + r.Int64N(spread); !c.isOpen(sec) {
				c.expect(sec)
			}
			end := now + r.Int64N(spread/2+1)
			for len(model) > 0 && model[0].sec <= end {
				got, ok := c.next(end)
				require.True(t, ok)
				require.Equal(t, model[0], got, "seed %d", seed)
				now, model = got.sec, model[1:]
				if r.IntN(3) == 0 {
					add()
				}
			}
			_, ok := c.next(end)
			require.False(t, ok)
			require.Equal(t, len(model), c.len())
			now = end
		}
	}
}

// A burst a day, and little in between, leaves no room behind that nobody
// uses: not every bucket becomes as large as those of the bursts.
func TestCalendarRoom(t *testing.T) {
	const window, burst = 30 * day, 5000
	var c calendar
	for sec := int64(0); sec < 900*day; sec += 128 {
		for ok := true; ok; {
			_, ok = c.next(sec)
		}
		c.add(timer{sec + window, 1, 0})
		if sec%day < 128 {
			for user := range uint32(burst) {
				c.add(timer{sec + window, user, 0})
			}
		}
	}
	room := cap(c.due)
	for i := range c.near {
		room += cap(c.near[i].list)
	}
	for _, d := range c.far {
		room += cap(d.list)
	}
	for _, list := range c.spare {
		room += cap(list)
	}
	require.Less(t, room, 4*c.len())
}
