package recommend

import (
	"context"
	"sync"
	"sync/atomic"
)

// inRuns divides 0…n−1 into one run for each worker and calls f with each,
// from goroutines of their own. Run w comes before run w+1, so that what runs
// count can be put behind one another in order.
func inRuns(workers, n int, f func(w, lo, hi int)) {
	if workers == 1 {
		f(0, 0, n)
		return
	}
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() { f(w, w*n/workers, (w+1)*n/workers) })
	}
	wait.Wait()
}

// inEqualRuns is inRuns with about the same work in each run: part i is worth
// ends[i+1] − ends[i].
func inEqualRuns(workers int, ends []int, f func(w, lo, hi int)) {
	n := len(ends) - 1
	cuts := make([]int, workers+1)
	cuts[workers] = n
	i := 0
	for w := 1; w < workers; w++ {
		for i < n && ends[i] < ends[n]/workers*w {
			i++
		}
		cuts[w] = i
	}
	inRuns(workers, workers, func(w, _, _ int) { f(w, cuts[w], cuts[w+1]) })
}

// counting returns how many workers can count so much into so many places each
// before their counters take more memory and time than what they count.
func counting(workers, work, places int) int {
	return max(1, min(workers, work/max(1, places)))
}

// turn is how many places inTurn hands out at once, and between looks at the
// context.
const turn = 16

// inTurn calls, from several goroutines, a function made for each of them with
// every place of 0…n−1, whoever is free taking the next ones. It ends early
// with the context's error.
func inTurn(ctx context.Context, workers, n int, worker func() func(at int)) error {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range max(1, min(workers, n)) {
		wait.Go(func() {
			f := worker()
			for ctx.Err() == nil {
				hi := int(next.Add(turn))
				if hi-turn >= n {
					return
				}
				for at := hi - turn; at < min(hi, n); at++ {
					f(at)
				}
			}
		})
	}
	wait.Wait()
	return ctx.Err()
}

// runningSum turns counts by run and place into where each run's part of a
// place starts when places follow one another, and within a place the runs. It
// returns where places start, and the end.
func runningSum(counts [][]int, places int) []int {
	start := make([]int, places+1)
	at := 0
	for i := range places {
		start[i] = at
		for w := range counts {
			at, counts[w][i] = at+counts[w][i], at
		}
	}
	start[places] = at
	return start
}
