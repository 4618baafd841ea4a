package recommend

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// synthetic draws about the given number of distinct pairs: item popularity
// follows Zipf's law with exponent 1, user activity is log-normal with sigma 1,
// and item ids are shuffled so that they tell nothing of popularity.
func synthetic(t testing.TB, users, items, pairs int) *History {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(users)))
	cumulative := make([]float64, items)
	sum := 0.0
	for i := range cumulative {
		sum += 1 / float64(i+1)
		cumulative[i] = sum
	}
	names := r.Perm(items)
	activity := make([]float64, users)
	all := 0.0
	for u := range activity {
		activity[u] = math.Exp(r.NormFloat64())
		all += activity[u]
	}
	h, err := NewHistory(nil)
	require.NoError(t, err)
	for u, a := range activity {
		n := int(math.Ceil(a / all * float64(pairs)))
		seen := map[int]bool{}
		// A user who wants more than half of the catalogue gets that half.
		for n = min(n, items/2); len(seen) < n; {
			k, _ := slices.BinarySearch(cumulative, r.Float64()*sum)
			if !seen[k] {
				seen[k] = true
				require.NoError(t, h.Add(uint32(u+1), strconv.Itoa(names[k]+1), 1, day0.Add(time.Duration(len(seen))*time.Second)))
			}
		}
	}
	return h
}

// sizes of the two synthetic sets of the benchmarks.
var sizes = []struct {
	name                string
	users, items, pairs int
}{
	{"sparse", 40_000, 35_000, 800_000},
	{"dense", 6_000, 3_700, 600_000},
}

// fixture is synthetic, drawn once for all benchmarks that share a set; they
// only read it.
func fixture(b *testing.B, users, items, pairs int) *History {
	fixtures.Lock()
	defer fixtures.Unlock()
	key := [3]int{users, items, pairs}
	if fixtures.drawn[key] == nil {
		if fixtures.drawn == nil {
			fixtures.drawn = map[[3]int]*History{}
		}
		fixtures.drawn[key] = synthetic(b, users, items, pairs)
	}
	return fixtures.drawn[key]
}

var fixtures struct {
	sync.Mutex
	drawn map[[3]int]*History
}
