package main

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/internal/sim"
)

func init() {
	register.DoFn3x1[uint32, func(*Row) bool, func(*attribution.Paths), error](&personPaths{})
	register.Function3x0(personOutcome)
	register.Function1x2(byUser)
	register.Iter1[Row]()
	register.Emitter1[*attribution.Paths]()
	register.Emitter2[string, int64]()
}

// maxRows caps what is held of one person at a time: an engine hands a
// person's rows to one worker, and a crawler that got past the store must not
// fill its memory. The simulated shop's persons stay far below it.
const maxRows = 100_000

func take(rows func(*Row) bool) []Row {
	var all []Row
	for r := (Row{}); len(all) < maxRows && rows(&r); r = (Row{}) {
		all = append(all, r)
	}
	return all
}

// personPaths turns one person's rows into the paths that person went: a
// summary that says nothing of who it was, and adds up.
type personPaths struct {
	Now time.Time // journeys that are still open then are left out
}

// ProcessElement emits a person's paths.
func (f *personPaths) ProcessElement(user uint32, rows func(*Row) bool, emit func(*attribution.Paths)) error {
	p, err := pathsOf(user, take(rows), f.Now)
	if err == nil {
		emit(p)
	}
	return err
}

func pathsOf(user uint32, rows []Row, now time.Time) (*attribution.Paths, error) {
	j, err := newJourneys()
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if err := j.Observe(user, r.Event, r.Fields, r.At); err != nil {
			return nil, err
		}
	}
	return j.Paths(&attribution.PathOptions{AsOf: now})
}

// personOutcome emits the arm that a person saw and what they spent from then
// on, in cents, if they saw one arm only.
func personOutcome(_ uint32, rows func(*Row) bool, emit func(string, int64)) {
	if arm, cents, ok := outcomeOf(take(rows)); ok {
		emit(arm, cents)
	}
}

func outcomeOf(rows []Row) (arm string, cents int64, ok bool) {
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(a.At.Compare(b.At), -cmp.Compare(exposure(a), exposure(b)))
	})
	for _, r := range rows {
		switch e := exposure(r); {
		case e != "" && arm != "" && e != arm:
			return "", 0, false
		case e != "":
			arm = e
		case r.Event == "Order Completed" && arm != "":
			if v, ok := number(r.Fields["revenue"]); ok {
				cents += int64(math.Round(v * 100))
			}
		}
	}
	return arm, cents, arm != ""
}

// exposure returns the arm that a row exposes to, "" for other rows.
func exposure(r Row) string {
	if r.Event != "Experiment Viewed" || r.Fields["experiment_id"] != sim.ExperimentID {
		return ""
	}
	arm, _ := r.Fields["variation_id"].(string)
	return arm
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// byUser keys a row by its person.
func byUser(r Row) (uint32, Row) { return r.User, r }
