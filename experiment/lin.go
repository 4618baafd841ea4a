package experiment

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Observations are users as a regression sees them: parallel lists.
type Observations struct {
	Y       []float64
	Treated []bool
	X       [][]float64 // a row of covariates for each user, from before the exposure; nil is none
	Cluster []int       // which users belong together; nil is nobody
}

// StdErr is how the standard errors of a regression are made (J. G. MacKinnon
// and H. White, "Some heteroskedasticity-consistent covariance matrix estimators
// with improved finite sample properties", Journal of Econometrics 29 (1985)).
type StdErr uint8

const (
	// HC2 is unbiased when variances are equal and consistent when they are
	// not; without covariates it is Welch's.
	HC2 StdErr = iota
	// HC3 is conservative in small samples.
	HC3
	// HC1 is HC0 times n/(n − k).
	HC1
	// HC0 is White's.
	HC0
	// Classical takes variances to be equal.
	Classical
)

func (s StdErr) String() string {
	if names := [...]string{"HC2", "HC3", "HC1", "HC0", "classical"}; int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("StdErr(%d)", uint8(s))
}

// Lin estimates the effect by least squares of the outcome on the treatment,
// the centred covariates, and their products with the treatment: never worse
// than the difference of means in large samples, whatever the truth (W. Lin,
// "Agnostic notes on regression adjustments to experimental data", Annals of
// Applied Statistics 7 (2013)). With clusters the standard error is CR1,
// whatever is asked for, and the degrees of freedom are clusters less one; else
// users less coefficients.
//
// Covariates that the others explain are [ErrVariance], lists of different
// lengths are [ErrInvalid]; an arm with fewer than two users more than there are
// covariates is [ErrTooFew], and so is a single cluster.
func Lin(data Observations, se StdErr, opts *TestOptions) (Comparison, error) {
	const fn = "Lin"
	o, err := opts.resolve(fn)
	if err != nil {
		return Comparison{}, err
	}
	if se > Classical {
		return Comparison{}, &OptionError{fn, "se", se, "want one of the constants"}
	}
	f, err := data.fit(fn, se)
	if err != nil {
		return Comparison{}, err
	}
	c := Comparison{Method: "Lin's regression, " + f.errors}
	a := armEstimate{mean: f.control, unadjusted: f.control}
	b := armEstimate{mean: f.control + f.effect, v: f.v11, satter: f.v11 / math.Sqrt(float64(f.df))}
	for _, t := range data.Treated {
		if t {
			b.n++
		} else {
			a.n++
		}
	}
	c.Adjustments = append(c.Adjustments, fmt.Sprintf("%d coefficients, standard errors %s", f.coefficients, f.errors))
	if err := c.finishRelative(a, b, f.relative(f.effect/f.control), o); err != nil {
		return Comparison{}, err
	}
	c.Control.StdErr, c.Treatment.StdErr = f.armErrors()
	return c, nil
}

// linFit is what a regression says of the control's mean and of the effect:
// their values, and the variances and the covariance of their errors.
type linFit struct {
	control, effect float64
	v00, v01, v11   float64
	df              int
	coefficients    int
	errors          string
}

// relative is the variance of effect/|control| by the delta method, times the
// square of the control's mean, where r is the relative effect.
func (f linFit) relative(r float64) float64 { return f.v11 + r*r*f.v00 - 2*r*f.v01 }

func (f linFit) armErrors() (control, treatment float64) {
	return math.Sqrt(max(0, f.v00)), math.Sqrt(max(0, f.v00+2*f.v01+f.v11))
}

func (d Observations) fit(fn string, se StdErr) (linFit, error) {
	design, err := d.design(fn)
	if err != nil {
		return linFit{}, err
	}
	n, k := design.Dims()
	singular := &ValueError{fn, "covariates that explain each other, of them", k/2 - 1, ErrVariance}
	var inverse mat.SymDense
	var chol mat.Cholesky
	var gram mat.SymDense
	gram.SymOuterK(1, design.T())
	if !chol.Factorize(&gram) || chol.Cond() > 1e13 || chol.InverseTo(&inverse) != nil {
		return linFit{}, singular
	}
	var xy, beta mat.VecDense
	y := mat.NewVecDense(n, slices.Clone(d.Y))
	xy.MulVec(design.T(), y)
	if err := chol.SolveVecTo(&beta, &xy); err != nil {
		return linFit{}, singular
	}
	var fitted mat.VecDense
	fitted.MulVec(design, &beta)
	residuals := make([]float64, n)
	for i := range residuals {
		residuals[i] = d.Y[i] - fitted.AtVec(i)
	}
	v, df, name := d.sandwich(design, &inverse, residuals, se)
	if df < 1 {
		return linFit{}, &ValueError{fn, "clusters", df + 1, ErrTooFew}
	}
	return linFit{
		control: beta.AtVec(0), effect: beta.AtVec(1), v00: v.At(0, 0), v01: v.At(0, 1), v11: v.At(1, 1),
		df: df, coefficients: k, errors: name,
	}, nil
}

// design returns the matrix of 1, treatment, standardized covariates, and
// products.
func (d Observations) design(fn string) (*mat.Dense, error) {
	n := len(d.Y)
	if len(d.Treated) != n || d.X != nil && len(d.X) != n || d.Cluster != nil && len(d.Cluster) != n {
		return nil, &OptionError{fn, "lists", []int{n, len(d.Treated), len(d.X), len(d.Cluster)}, "want the same length of all that are given"}
	}
	p := 0
	if n > 0 && d.X != nil {
		p = len(d.X[0])
	}
	k := 2 + 2*p
	treated := 0
	mean := make([]float64, p)
	for i, y := range d.Y {
		if math.IsNaN(y - y) {
			return nil, &ValueError{fn, fmt.Sprintf("Y[%d]", i), y, ErrNotFinite}
		}
		if d.Treated[i] {
			treated++
		}
		if p > 0 && len(d.X[i]) != p {
			return nil, &OptionError{fn, fmt.Sprintf("X[%d]", i), d.X[i], fmt.Sprintf("want %d covariates", p)}
		}
		for l := range p {
			if x := d.X[i][l]; math.IsNaN(x - x) {
				return nil, &ValueError{fn, fmt.Sprintf("X[%d][%d]", i, l), x, ErrNotFinite}
			}
			mean[l] += d.X[i][l] / float64(n)
		}
	}
	if min(treated, n-treated) < 2+p {
		return nil, &ValueError{fn, "users of the smaller arm", min(treated, n-treated), ErrTooFew}
	}
	// Units of measurement must not decide what is singular.
	scale := make([]float64, p)
	for l := range p {
		for i := range n {
			scale[l] = math.Hypot(scale[l], d.X[i][l]-mean[l])
		}
		if scale[l] /= math.Sqrt(float64(n)); !(scale[l] > 0) || math.IsInf(scale[l], 1) {
			return nil, &ValueError{fn, fmt.Sprintf("covariate %d with standard deviation", l), scale[l], ErrVariance}
		}
	}
	m := mat.NewDense(n, k, nil)
	for i := range n {
		row := m.RawRowView(i)
		row[0] = 1
		if d.Treated[i] {
			row[1] = 1
		}
		for l := range p {
			row[2+l] = (d.X[i][l] - mean[l]) / scale[l]
			row[2+p+l] = row[1] * row[2+l]
		}
	}
	return m, nil
}

// sandwich returns the covariance of the coefficients and its degrees of
// freedom.
func (d Observations) sandwich(design *mat.Dense, inverse *mat.SymDense, e []float64, se StdErr) (*mat.SymDense, int, string) {
	n, k := design.Dims()
	scale := 1.0
	meat := mat.NewSymDense(k, nil)
	df, name := n-k, se.String()
	switch {
	case d.Cluster != nil:
		sums := map[int]*mat.VecDense{}
		var order []int
		for i, g := range d.Cluster {
			if sums[g] == nil {
				sums[g] = mat.NewVecDense(k, nil)
				order = append(order, g)
			}
			sums[g].AddScaledVec(sums[g], e[i], design.RowView(i))
		}
		for _, g := range order {
			meat.SymRankOne(meat, 1, sums[g])
		}
		f := float64(len(order))
		scale = f / (f - 1) * float64(n-1) / float64(n-k)
		df, name = len(order)-1, "CR1"
	case se == Classical:
		rss := 0.0
		for _, r := range e {
			rss += r * r
		}
		v := mat.NewSymDense(k, nil)
		v.ScaleSym(rss/float64(n-k), inverse)
		return v, df, name
	default:
		for i, r := range e {
			w := r * r
			if se == HC2 || se == HC3 {
				x := design.RowView(i)
				left := max(1e-12, 1-mat.Inner(x, inverse, x))
				if w /= left; se == HC3 {
					w /= left
				}
			}
			meat.SymRankOne(meat, w, design.RowView(i))
		}
		if se == HC1 {
			scale = float64(n) / float64(n-k)
		}
	}
	var half, full mat.Dense
	half.Mul(inverse, meat)
	full.Mul(&half, inverse)
	v := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			v.SetSym(i, j, scale*full.At(i, j))
		}
	}
	return v, df, name
}
