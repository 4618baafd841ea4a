package segment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// thresholds are numbers of which some are next to each other.
var thresholds = []float64{
	-1e300, -7, -1, math.Nextafter(-1, 0), -5e-324, 0, 5e-324, 1e-300, .1, 1, math.Nextafter(1, 2), 2, 2.5, 3, 4, 5, 1 << 53, 1e300, math.MaxFloat64,
}

// nearThreshold returns a threshold, the number before or after it, or any.
func nearThreshold(r *rand.Rand) float64 {
	v := pick(r, thresholds...)
	switch r.IntN(4) {
	case 0:
		return max(-math.MaxFloat64, math.Nextafter(v, math.Inf(-1)))
	case 1:
		return min(math.MaxFloat64, math.Nextafter(v, math.Inf(1)))
	case 2:
		return 10 * r.NormFloat64()
	}
	return v
}

func compares(v float64, op string, with float64) bool {
	switch op {
	case "<":
		return v < with
	case "<=":
		return v <= with
	case ">":
		return v > with
	}
	return v >= with
}

// TestCuts finds places among thresholds that come and go, by counting those
// that lie left.
func TestCuts(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 1))
	for range 60 {
		var c cuts
		type comparison struct {
			p  *predicate
			op string
			v  float64
		}
		held := map[string]comparison{}
		for range 60 {
			op, v := pick(r, "<", "<=", ">", ">="), pick(r, thresholds...)
			key := fmt.Sprint(op, v)
			if one, ok := held[key]; ok {
				c.drop(one.p)
				delete(held, key)
			} else {
				one := comparison{new(predicate), op, v}
				one.p.key = key
				c.add(one.p, op, v)
				held[key] = one
			}
			require.Len(t, c.keys, len(c.list))
			n := 0
			for i := range c.list {
				for _, p := range []*predicate{c.list[i].above, c.list[i].below} {
					if p != nil {
						require.Same(t, held[p.key].p, p)
						n++
					}
				}
			}
			require.Equal(t, len(held), n)
			for range 10 {
				v := nearThreshold(r)
				at := c.place(v)
				left := 0
				for _, one := range c.list {
					if one.value < v || one.value == v && !one.after {
						left++
					}
				}
				require.Equal(t, left, at, "%v in %v", v, c.list)
				for from := nowhere; from <= len(c.list); from++ {
					require.Equal(t, at, c.near(v, from), "%v from %d", v, from)
				}
				for i, one := range c.list {
					if one.above != nil {
						require.Equal(t, i < at, compares(v, held[one.above.key].op, one.value))
					}
					if one.below != nil {
						require.Equal(t, i >= at, compares(v, held[one.below.key].op, one.value))
					}
				}
			}
			require.Equal(t, nowhere, c.place(math.NaN()))
		}
	}
}

// TestThresholds keeps audiences of one attribute and many thresholds, which
// come and go, while its numbers change a little, a lot, come and go.
func TestThresholds(t *testing.T) {
	r := rand.New(rand.NewPCG(32, 1))
	for round := range 12 {
		x, err := NewIndex(Schema{"n": Number}, nil)
		require.NoError(t, err)
		type rule struct {
			op   string
			with float64
		}
		rules := map[string]rule{}
		values := map[uint32]float64{}
		now := modelEpoch
		for range 120 {
			if name := fmt.Sprint("r", r.IntN(40)); r.IntN(3) == 0 {
				if _, ok := rules[name]; ok && r.IntN(2) == 0 {
					require.NoError(t, x.Remove(name))
					delete(rules, name)
				} else {
					one := rule{pick(r, "<", "<=", ">", ">="), pick(r, thresholds...)}
					_, err := x.Define(name, "n "+one.op+" "+strconv.FormatFloat(one.with, 'g', -1, 64)+pick(r, "", " and true"))
					require.NoError(t, err)
					rules[name] = one
				}
			}
			batch := make([]Observation, 1+r.IntN(30))
			for i := range batch {
				now = now.Add(time.Second)
				user := 1 + r.Uint32N(9)
				o := Observation{User: user, At: now, Attributes: map[string]any{"n": nearThreshold(r)}}
				if r.IntN(8) == 0 {
					o.Attributes["n"] = nil
				}
				v, some := o.Attributes["n"].(float64)
				switch _, written := values[user]; {
				case written && r.IntN(6) == 0:
					o.At = modelEpoch // too late to count
				case some:
					values[user] = v
				default:
					values[user] = math.NaN()
				}
				batch[i] = o
			}
			if round%2 == 0 {
				require.NoError(t, x.ObserveAll(batch))
			} else {
				oneByOne(t, x, batch)
			}
			for user, v := range values {
				for name, one := range rules {
					require.Equal(t, compares(v, one.op, one.with), x.Contains(name, user), "%v %s %v", v, one.op, one.with)
				}
			}
		}
	}
}
