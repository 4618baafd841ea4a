package design

import (
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// Level returns the level of the confidence interval that ends at the null
// effect where the look rejects: with it as TestOptions.Level of package
// experiment a comparison at this look rejects when its p-value is below
// 1 − Level, and its interval is the repeated confidence interval, which holds
// at all looks together (C. Jennison and B. W. Turnbull, "Interim analyses: the
// repeated confidence interval approach", JRSS B 51 (1989)).
func (l Look) Level(oneSided bool) float64 {
	tails := 2.0
	if oneSided {
		tails = 1
	}
	return min(1-tails*stats.NormalSF(l.Boundary), math.Nextafter(1, 0))
}

// Spending returns how much of the chance alpha of a false positive in one
// direction is used up when a share t, 0 < t ≤ 1, of the planned users is in. It
// must not fall with t, and be alpha at 1. What it says of other numbers is of no
// account.
type Spending func(alpha, t float64) float64

// OBrienFlemingSpending spends little at first, 2·(1 − Φ(z_(1−α/2)/√t)), and
// leaves the last look nearly what a fixed test has: like O'Brien and Fleming's
// boundaries, at looks that need not be equally spaced (K. K. G. Lan and D. L.
// DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70
// (1983)).
func OBrienFlemingSpending(alpha, t float64) float64 {
	return 2 * stats.NormalSF(-stats.NormalQuantile(alpha/2)/math.Sqrt(t))
}

// PocockSpending spends α·ln(1 + (e − 1)·t), for boundaries that are nearly the
// same at all looks (Lan and DeMets, 1983).
func PocockSpending(alpha, t float64) float64 { return alpha * math.Log1p((math.E-1)*t) }

// PowerSpending spends α·t^power, power > 0: the later the higher (K. Kim and D.
// L. DeMets, Biometrika 74 (1987)).
func PowerSpending(power float64) Spending {
	return func(alpha, t float64) float64 { return alpha * math.Pow(t, power) }
}

// HwangShihDeCaniSpending spends α·(1 − e^(−γt))/(1 − e^(−γ)): late where γ is
// negative, evenly at 0 (I. K. Hwang, W. J. Shih and J. S. DeCani, Statistics in
// Medicine 9 (1990)).
func HwangShihDeCaniSpending(gamma float64) Spending {
	return func(alpha, t float64) float64 {
		if gamma == 0 {
			return alpha * t
		}
		return alpha * math.Expm1(-gamma*t) / math.Expm1(-gamma)
	}
}

// GroupSequential returns the boundaries of looks at a running test that spends
// Options.Alpha over them, by default as [OBrienFlemingSpending]: narrower than
// [AlwaysValid], for a few looks that are made at their time or not at all.
// Two-sided designs spend half of Alpha in either direction. Users are of both
// arms; those of looks to come may be changed on the way, as long as it is not
// for what was seen, because a look's boundary depends on the looks before it
// alone. At or beyond planned users all is spent; a look that may spend nothing
// yet has an infinite boundary. Of the options Alpha, OneSided and Tests count; in
// one direction Alpha is at least 1e-15 and below ½. At most 1,000 looks, each with
// at least 1/10,000 more users than the one before.
//
// See [Look.Level] for how to read a comparison, [Monitor] for the power. Errors
// are about a spending that falls, or that is not alpha at the end.
func GroupSequential(users []float64, planned float64, spend Spending, opts *Options) ([]Look, error) {
	const fn = "GroupSequential"
	o, err := sequence(fn, users, opts)
	if err == nil {
		err = positive(fn, "planned", planned)
	}
	if err != nil {
		return nil, err
	}
	if spend == nil {
		spend = OBrienFlemingSpending
	}
	alpha := o.tail()
	if end := spend(alpha, 1); !(math.Abs(end-alpha) <= 1e-9*alpha) {
		return nil, &Error{fn, "spending at the end", end, "want Alpha, of one direction"}
	}
	w := walk{twoSided: !o.OneSided}
	looks := make([]Look, len(users))
	spent := 0.0
	for i, n := range users {
		now := spend(alpha, min(1, n/planned))
		if n >= planned {
			now = alpha
		}
		if !(now >= spent && now <= alpha*(1+1e-9)) {
			return nil, &Error{fn, "spending", now, "want from what was spent before to Alpha"}
		}
		looks[i] = Look{n, w.boundary(n, now-spent)}
		spent = now
		w.step(n, looks[i].Boundary, following(users, i))
	}
	return looks, nil
}

// WangTsiatis returns boundaries c·t^(shape − ½), t being the share of the last
// look's users: with shape ½ those of S. J. Pocock (Biometrika 64 (1977)), the
// same at all looks, with 0 those of P. C. O'Brien and T. R. Fleming (Biometrics
// 35 (1979)), at equally spaced looks (S. K. Wang and A. A. Tsiatis, Biometrics
// 43 (1987)). All looks must be made as planned: see [GroupSequential] for
// others, and for the options. The shape is from −1 to 1.
func WangTsiatis(users []float64, shape float64, opts *Options) ([]Look, error) {
	const fn = "WangTsiatis"
	o, err := sequence(fn, users, opts)
	if err != nil {
		return nil, err
	}
	if !(shape >= -1 && shape <= 1) {
		return nil, &Error{fn, "shape", shape, "want −1 to 1"}
	}
	looks := make([]Look, len(users))
	last := users[len(users)-1]
	rejects := func(c float64) float64 {
		w := walk{twoSided: !o.OneSided}
		all := 0.0
		for i, n := range users {
			looks[i] = Look{n, c * math.Pow(n/last, shape-.5)}
			up, down := w.step(n, looks[i].Boundary, following(users, i))
			all += up + down
		}
		return all
	}
	// Between the boundary of one look and that of as many tests by Bonferroni.
	lo, hi := o.z(), -stats.NormalQuantile(o.tail()/float64(len(users)))
	if shape > .5 {
		hi /= math.Pow(users[0]/last, shape-.5)
	}
	rejects(crosses(lo, max(lo, hi), func(c float64) float64 { return math.Log(rejects(c) / o.Alpha) }))
	return looks, nil
}

// sequence checks looks that have no boundaries yet.
func sequence(fn string, users []float64, opts *Options) (Options, error) {
	o, err := opts.resolve(fn)
	switch {
	case err != nil:
		return o, err
	case len(users) < 1 || len(users) > 1000:
		return o, &Error{fn, "looks", float64(len(users)), "want 1 to 1000"}
	case o.tail() < 1e-15:
		return o, &Error{fn, "Alpha", o.Alpha, "want at least 1e-15 in one direction"} // less is lost beyond far
	case o.tail() >= .5:
		return o, &Error{fn, "Alpha", o.Alpha, "want less than 0.5 in one direction"}
	}
	for i, n := range users {
		before := 0.0
		if i > 0 {
			before = users[i-1]
		}
		if err := apart(fn, before, n); err != nil {
			return o, err
		}
	}
	return o, nil
}

func following(users []float64, i int) float64 {
	if i+1 < len(users) {
		return users[i+1]
	}
	return math.Inf(1)
}

// boundary returns where a look would end as many paths upwards as are wanted.
func (w *walk) boundary(information, wanted float64) float64 {
	if !(wanted > 1e-300) {
		return math.Inf(1)
	}
	if w.x == nil {
		return -stats.NormalQuantile(wanted)
	}
	sd, root := math.Sqrt(information-w.at), math.Sqrt(information)
	above := func(z float64) (p float64) {
		for j, x := range w.x {
			p += w.mass[j] * stats.NormalSF((z*root-x)/sd)
		}
		return p
	}
	return crosses(-10, 40, func(z float64) float64 { return math.Log(above(z) / wanted) })
}

// crosses returns where a falling function is 0, to 1e-11 of its value, by the
// secant with the Illinois rule; an end where it is not between them.
func crosses(lo, hi float64, f func(x float64) float64) float64 {
	a, b := f(lo), f(hi)
	if a <= 0 {
		return lo
	}
	if b >= 0 {
		return hi
	}
	side := 0
	for range 200 {
		x := lo + (hi-lo)*a/(a-b)
		if math.IsInf(b, -1) || !(x > lo && x < hi) {
			x = lo + (hi-lo)/2
		}
		if hi-lo <= 1e-13*(1+math.Abs(x)) || x == lo || x == hi {
			return x
		}
		switch y := f(x); {
		case math.Abs(y) < 1e-11:
			return x
		case y > 0:
			if lo, a = x, y; side == 1 {
				b /= 2
			}
			side = 1
		case y < 0:
			if hi, b = x, y; side == 2 {
				a /= 2
			}
			side = 2
		}
	}
	return lo + (hi-lo)/2
}
