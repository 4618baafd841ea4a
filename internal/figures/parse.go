package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// figure is one benchmark that carries a goal, the median over its runs.
type figure struct {
	pkg, name string
	own       float64 // ns/op
	rival     float64 // ns/op of the rival
	ratio     float64 // median of own/rival over the runs
	goal      float64 // wanted ratio
	guide     float64 // ns/op the rival should take, 0 if not said
	suspect   bool    // the rival is slower than its guide beyond the run's usual factor
}

func (f figure) met() bool { return f.ratio <= f.goal }

type report struct {
	cpu     string
	figures []figure
	// slowdown is the median of rival/guide: how far this machine, now, is
	// from the one the guides were written for.
	slowdown float64
}

// procs is the GOMAXPROCS suffix that the testing package adds to names.
var procs = regexp.MustCompile(`-\d+$`)

// parse reads the output of go test -bench. Benchmarks without a goal are
// left out.
func parse(r io.Reader) (report, error) {
	var rep report
	type run struct{ own, rival, goal, guide float64 }
	runs := map[string][]run{}
	var order []string
	pkg := ""
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if p, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = p
			continue
		}
		if c, ok := strings.CutPrefix(line, "cpu: "); ok {
			rep.cpu = c
			continue
		}
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		if _, err := strconv.Atoi(f[1]); err != nil {
			continue
		}
		metrics := map[string]float64{}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return rep, fmt.Errorf("%s: bad figure %q", f[0], f[i])
			}
			metrics[f[i+1]] = v
		}
		goal, ok := metrics["goal-ratio"]
		if !ok {
			continue
		}
		if metrics["rival-ns"] <= 0 {
			return rep, fmt.Errorf("%s declares a goal-ratio but no rival-ns", f[0])
		}
		key := pkg + "\x00" + procs.ReplaceAllString(f[0], "")
		if runs[key] == nil {
			order = append(order, key)
		}
		runs[key] = append(runs[key], run{metrics["ns/op"], metrics["rival-ns"], goal, metrics["rival-guide-ns"]})
	}
	if err := lines.Err(); err != nil {
		return rep, err
	}
	var slow []float64
	for _, key := range order {
		rs := runs[key]
		slices.SortFunc(rs, func(a, b run) int {
			if d := a.own*b.rival - b.own*a.rival; d < 0 {
				return -1
			} else if d > 0 {
				return 1
			}
			return 0
		})
		m := rs[len(rs)/2]
		p, name, _ := strings.Cut(key, "\x00")
		rep.figures = append(rep.figures, figure{
			pkg: p, name: strings.TrimPrefix(name, "Benchmark"),
			own: m.own, rival: m.rival, ratio: m.own / m.rival, goal: m.goal, guide: m.guide,
		})
		if m.guide > 0 {
			slow = append(slow, m.rival/m.guide)
		}
	}
	if len(slow) > 0 {
		slices.Sort(slow)
		rep.slowdown = slow[len(slow)/2]
		for i, f := range rep.figures {
			rep.figures[i].suspect = f.guide > 0 && f.rival/f.guide > 2*rep.slowdown
		}
	}
	return rep, nil
}
