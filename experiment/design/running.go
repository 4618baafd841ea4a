package design

import (
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// RunningPower returns the power that a running test will have for an effect
// when more users are in: its standard error is stderr with the n users of both
// arms that are in now, and shrinks with the root of their number. More is
// relative: 1 doubles the users, 0 asks for now. The test is read once at that
// point, or, with planned users of a sequential test, is the look at it.
// Rejections in the wrong direction count when two-sided.
//
// It says whether to go on, not whether there is an effect: put in the effect
// that would matter, never the one that is seen.
func RunningPower(effect, stderr, n, more float64, planned int, opts *Options) (float64, error) {
	const fn = "RunningPower"
	o, err := opts.resolve(fn)
	if err == nil {
		err = positive(fn, "stderr", stderr)
	}
	if err == nil {
		err = positive(fn, "n", n)
	}
	switch {
	case err != nil:
		return 0, err
	case !sized(effect):
		return 0, &Error{fn, "effect", effect, "want a finite number"}
	case !(more >= 0) || !sized(more):
		return 0, &Error{fn, "more", more, "want a finite number, not negative"}
	case planned < 0:
		return 0, &Error{fn, "planned", float64(planned), "want a number of users, or 0"}
	}
	q := o.z()
	if planned > 0 {
		q, _ = stats.SequenceWidth(n*(1+more), float64(planned), o.Alpha, o.OneSided)
	}
	x := (math.Abs(effect) + o.Margin) / (stderr / math.Sqrt(1+more))
	p := stats.NormalSF(q - x)
	if !o.OneSided {
		p += stats.NormalSF(q + x)
	}
	return p, nil
}
