package fairness

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The rival is a map of counters, which neither orders nor merges nor has bytes.
func BenchmarkTallyAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	users := make([]user, 1<<14)
	for i := range users {
		users[i] = draw(r)
	}
	counts := map[[2]string]*[6]int64{}
	start := time.Now()
	for range 10 {
		for _, u := range users {
			key := [2]string{u.values[0], u.values[1]}
			c := counts[key]
			if c == nil {
				c = new([6]int64)
				counts[key] = c
			}
			c[place(u.selected, u.outcome)]++
		}
	}
	rival := float64(time.Since(start).Nanoseconds()) / float64(10*len(users))
	x, i := tally(b, "gender", "age"), 0
	for b.Loop() {
		u := &users[i&(1<<14-1)]
		if err := x.Add(u.values, u.selected, u.outcome); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(rival, "rival-guide-ns")
}

func BenchmarkAudit(b *testing.B) {
	groups := drawGroups(rand.New(rand.NewPCG(1, 1)), 12)
	for b.Loop() {
		_, err := Audit(groups, nil)
		require.NoError(b, err)
	}
}
