package design

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/zhun-go/zhun/internal/stats"
)

// Look is one look at a running test.
type Look struct {
	// Users of both arms that are in by then.
	Users float64
	// Boundary, in standard errors, from which on the test rejects and ends; the
	// look of an infinite one never does.
	Boundary float64
}

// Monitored is what becomes of a test that is looked at, see [Monitor].
type Monitored struct {
	// Power is the chance of rejecting in the direction of the effect, at any
	// look; Wrong that of rejecting in the other one. Without an effect both
	// together are the chance of a false positive.
	Power, Wrong float64
	// Expected is the average number of users of both arms at the end (ASN):
	// at the look that rejects, else at the last.
	Expected float64
	// Stop is the chance of rejecting first at each look.
	Stop []float64
}

// AlwaysValid returns looks with the boundaries of the confidence sequence that
// TestOptions.Sequential of package experiment uses, planned for a number of
// users of both arms.
func AlwaysValid(users []float64, planned int, opts *Options) ([]Look, error) {
	const fn = "AlwaysValid"
	o, err := opts.resolve(fn)
	if err != nil {
		return nil, err
	}
	if planned < 1 {
		return nil, &Error{fn, "planned", float64(planned), "want a number of users"}
	}
	looks := make([]Look, len(users))
	for i, n := range users {
		if err := positive(fn, "users", n); err != nil {
			return nil, err
		}
		width, _ := stats.SequenceWidth(n, float64(planned), o.Alpha, o.OneSided)
		looks[i] = Look{n, width}
	}
	return looks, nil
}

// Monitor returns the power and the expected number of users of a test of means
// that is looked at several times and ends at the first look beyond its
// boundary: of the always valid test, of a group-sequential design, or of one
// that is read too often (a boundary of 1.96 at each look shows what peeking
// does). Sd is the standard deviation of one user in either arm, as in
// [NormalSize]; Alpha and Power of the options are not looked at. The effect may
// be 0. At most 1,000 looks, each with at least 1/10,000 more users than the one
// before.
//
// It integrates the distribution of the test over the looks step by step (P.
// Armitage, C. K. McPherson and B. C. Rowe, "Repeated significance tests on
// accumulating data", JRSS A 132 (1969)), to about 1e-8.
func Monitor(effect, sd float64, looks []Look, opts *Options) (Monitored, error) {
	const fn = "Monitor"
	o, err := opts.resolve(fn)
	if err == nil {
		err = positive(fn, "sd", sd)
	}
	switch {
	case err != nil:
		return Monitored{}, err
	case !sized(effect):
		return Monitored{}, &Error{fn, "effect", effect, "want a finite number"}
	case len(looks) < 1 || len(looks) > 1000:
		return Monitored{}, &Error{fn, "looks", float64(len(looks)), "want 1 to 1000"}
	}
	for i, l := range looks {
		before := 0.0
		if i > 0 {
			before = looks[i-1].Users
		}
		if err := apart(fn, before, l.Users); err != nil {
			return Monitored{}, err
		}
		if !(l.Boundary >= 0) {
			return Monitored{}, &Error{fn, "boundary of a look", l.Boundary, "want at least 0"}
		}
	}
	variance := sd * sd * (1 - o.Correlation*o.Correlation) * (1 + o.Ratio) * (1 + o.Ratio) / o.Ratio // of the effect at one user
	w := walk{drift: (math.Abs(effect) + o.Margin), twoSided: !o.OneSided}
	out := Monitored{}
	left := 1.0
	for i, l := range looks {
		next := math.Inf(1)
		if i+1 < len(looks) {
			next = looks[i+1].Users / variance
		}
		up, down := w.step(l.Users/variance, l.Boundary, next)
		out.Power += up
		out.Wrong += down
		out.Stop = append(out.Stop, up+down)
		out.Expected += (up + down) * l.Users
		left -= up + down
	}
	out.Expected += max(0, left) * looks[len(looks)-1].Users
	return out, nil
}

// nearest is the share of the users so far that must come in before another
// look. The closer two looks are, the finer the density must be kept between
// them, in time that goes with one over the distance.
const nearest = 1e-4

// apart checks the users of a look against those of the one before.
func apart(fn string, before, users float64) error {
	if !(users > 0) || !sized(users) || !(users-before >= nearest*before*(1-1e-9)) {
		return &Error{fn, "users of a look", users, fmt.Sprintf("want at least 1/10,000 more than the %v of the look before, and finite", before)}
	}
	return nil
}

// walk is the score of a test, a random walk with drift whose time is
// information, on the paths that have not ended: its density at nodes with
// their weights.
type walk struct {
	drift    float64
	twoSided bool
	at       float64 // information
	x, mass  []float64
}

const far = 9 // standard deviations, beyond which nothing is left

// step moves to the next look and returns the chances of ending there. The
// density is kept fine enough for the look after it.
func (w *walk) step(information, boundary, next float64) (up, down float64) {
	dt := information - w.at
	sd, root := math.Sqrt(dt), math.Sqrt(information)
	edge := boundary * root
	if w.x == nil { // everything starts at 0
		w.x, w.mass = []float64{0}, []float64{1}
	}
	for j, x := range w.x {
		from := x + w.drift*dt
		up += w.mass[j] * stats.NormalSF((edge-from)/sd)
		if w.twoSided {
			down += w.mass[j] * stats.NormalSF((edge+from)/sd)
		}
	}
	if math.IsInf(next, 1) {
		return up, down
	}
	lo, hi := w.drift*information-far*root, min(edge, w.drift*information+far*root)
	if w.twoSided {
		lo = max(lo, -edge)
	}
	if !(hi > lo) {
		w.at, w.x, w.mass = information, []float64{}, nil
		return up, down
	}
	// A panel is a few times as wide as what it must show, before and after.
	width := 3 * min(sd, math.Sqrt(next-information))
	panels := int(min(2000, max(16, math.Ceil((hi-lo)/width))))
	const order = 12
	x, mass := make([]float64, panels*order), make([]float64, panels*order)
	for p := range panels {
		a := lo + (hi-lo)*float64(p)/float64(panels)
		b := lo + (hi-lo)*float64(p+1)/float64(panels)
		quad.Legendre{}.FixedLocations(x[p*order:(p+1)*order], mass[p*order:(p+1)*order], a, b)
	}
	first := 0
	for i, to := range x {
		for first < len(w.x) && w.x[first]+w.drift*dt < to-far*sd {
			first++
		}
		density := 0.0
		for j := first; j < len(w.x) && w.x[j]+w.drift*dt <= to+far*sd; j++ {
			density += w.mass[j] * stats.NormalPDF((to-w.x[j]-w.drift*dt)/sd)
		}
		mass[i] *= density / sd
	}
	w.at, w.x, w.mass = information, x, mass
	return up, down
}
