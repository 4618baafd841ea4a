package design

import (
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// MeanPower returns the power of a t-test for a difference of means with n
// users in control, n·Ratio in treatment, and one standard deviation, by the
// noncentral t distribution, as R's power.t.test does.
func MeanPower(n, delta, sd float64, opts *Options) (float64, error) {
	const fn = "MeanPower"
	o, err := opts.resolve(fn)
	if err == nil {
		err = meanArgs(fn, delta, sd, o)
	}
	if err == nil && !(n*(1+o.Ratio) > 2 && sized(n)) {
		err = &Error{fn, "n", n, "want more than two users in all"}
	}
	if err != nil {
		return 0, err
	}
	return meanPower(n, delta, sd, o), nil
}

func meanArgs(fn string, delta, sd float64, o Options) error {
	if !sized(delta) || math.Abs(delta)+o.Margin == 0 {
		return &Error{fn, "delta", delta, "want a number other than 0"}
	}
	return positive(fn, "sd", sd)
}

func meanPower(n, delta, sd float64, o Options) float64 {
	df := n*(1+o.Ratio) - 2
	if !(df > 0) {
		return 0
	}
	sd *= math.Sqrt(1 - o.Correlation*o.Correlation)
	delta = math.Abs(delta) + o.Margin
	shift := delta / sd * math.Sqrt(n*o.Ratio/(1+o.Ratio))
	q := stats.StudentISF(o.tail(), df)
	p := stats.NoncentralStudentSF(q, df, shift)
	if o.Strict && !o.OneSided {
		p += stats.NoncentralStudentSF(q, df, -shift)
	}
	return p
}

// MeanSize returns the users in control that a difference of means needs.
func MeanSize(delta, sd float64, opts *Options) (float64, error) {
	const fn = "MeanSize"
	o, err := opts.resolve(fn)
	if err == nil {
		err = meanArgs(fn, delta, sd, o)
	}
	if err != nil {
		return 0, err
	}
	least := 2 / (1 + o.Ratio)
	n := least + solve(o.Power, func(x float64) float64 { return meanPower(least+x, delta, sd, o) })
	if math.IsNaN(n) {
		return 0, &Error{fn, "delta", delta, "too small for any number of users"}
	}
	return n, nil
}

// MeanEffect returns the smallest difference of means that n users in control,
// and n·Ratio in treatment, find with the power wanted.
func MeanEffect(n, sd float64, opts *Options) (float64, error) {
	const fn = "MeanEffect"
	o, err := opts.resolve(fn)
	if err == nil {
		err = positive(fn, "sd", sd)
	}
	if err == nil && !(n*(1+o.Ratio) > 2 && sized(n)) {
		err = &Error{fn, "n", n, "want more than two users in all"}
	}
	if err != nil {
		return 0, err
	}
	d := sd * solve(o.Power, func(x float64) float64 { return meanPower(n, x*sd, sd, o) })
	if math.IsNaN(d) {
		return 0, &Error{fn, "n", n, "too few for any effect"}
	}
	return d, nil
}

// Effect returns the smallest effect that a test of known standard error
// finds, whatever the metric: (z_α + z_power)·SE.
func Effect(stderr float64, opts *Options) (float64, error) {
	o, err := opts.resolve("Effect")
	if err == nil {
		err = positive("Effect", "stderr", stderr)
	}
	if err != nil {
		return 0, err
	}
	return (o.z()+stats.NormalQuantile(o.Power))*stderr*math.Sqrt(1-o.Correlation*o.Correlation) - o.Margin, nil
}

// NormalPower returns the power of a z-test for an effect with a standard
// error.
func NormalPower(effect, stderr float64, opts *Options) (float64, error) {
	o, err := opts.resolve("NormalPower")
	if err == nil {
		err = positive("NormalPower", "stderr", stderr)
	}
	if err == nil && !sized(effect) {
		err = &Error{"NormalPower", "effect", effect, "want a finite number"}
	}
	if err != nil {
		return 0, err
	}
	return normalPower(effect, stderr, o), nil
}

func normalPower(effect, stderr float64, o Options) float64 {
	x := (math.Abs(effect) + o.Margin) / (stderr * math.Sqrt(1-o.Correlation*o.Correlation))
	p := stats.NormalSF(o.z() - x)
	if o.Strict && !o.OneSided {
		p += stats.NormalSF(o.z() + x)
	}
	return p
}

// NormalSize returns the users in control that an effect needs by a z-test,
// where sd is the standard deviation of one user in either arm.
func NormalSize(effect, sd float64, opts *Options) (float64, error) {
	const fn = "NormalSize"
	o, err := opts.resolve(fn)
	if err == nil {
		err = meanArgs(fn, effect, sd, o)
	}
	if err != nil {
		return 0, err
	}
	n := solve(o.Power, func(n float64) float64 {
		return normalPower(effect, sd*math.Sqrt((1+1/o.Ratio)/n), o)
	})
	if math.IsNaN(n) {
		return 0, &Error{fn, "effect", effect, "too small for any number of users"}
	}
	return n, nil
}

// Duration returns the days that n users per arm take at a number of new users
// a day who take part, spread over arms.
func Duration(n float64, arms int, perDay float64) (float64, error) {
	if err := positive("Duration", "n", n); err != nil {
		return 0, err
	}
	if arms < 1 {
		return 0, &Error{"Duration", "arms", float64(arms), "want at least 1"}
	}
	if err := positive("Duration", "perDay", perDay); err != nil {
		return 0, err
	}
	return n * float64(arms) / perDay, nil
}
