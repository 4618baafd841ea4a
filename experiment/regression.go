package experiment

import (
	"fmt"
	"math"
)

// regress compares by Lin's regression within each stratum, with arms' own
// coefficients, and weights the strata by their users.
func (c *Comparison) regress(used []*stratum, total int, clustered bool, o TestOptions) (units int, err error) {
	var a, b armEstimate
	var fits []linFit
	var weights []float64
	plain := 0.0
	for _, s := range used {
		w := float64(s.n()) / float64(total)
		f, n, err := s.fit(clustered, o.StdErr)
		if err != nil {
			return 0, err
		}
		units += n
		fits, weights = append(fits, f), append(weights, w)
		a.mean += w * f.control
		b.mean += w * (f.control + f.effect)
		b.v += w * w * f.v11
		b.satter = math.Hypot(b.satter, w*w*f.v11/math.Sqrt(float64(f.df)))
		for i, arm := range []*armEstimate{&a, &b} {
			arm.n += int64(len(s.arms[i].values))
			e, err := s.arms[i].estimate("Compare", "arm", Mean, clustered)
			if err != nil {
				return 0, err
			}
			plain += w * w * e.v
		}
	}
	a.unadjusted = a.mean
	relative, ea, eb := 0.0, 0.0, 0.0
	for i, f := range fits {
		w := weights[i] * weights[i]
		x, y := f.armErrors()
		relative += w * f.relative((b.mean-a.mean)/a.mean)
		ea, eb = ea+w*x*x, eb+w*y*y
	}
	c.Method = "Lin's regression, " + fits[0].errors
	c.Adjustments = append(c.Adjustments, fmt.Sprintf("%d covariates by regression, coefficients of each arm its own, standard errors %s: variance less %.1f %%",
		fits[0].coefficients/2-1, fits[0].errors, 100*(1-b.v/plain)))
	if err := c.finishRelative(a, b, relative, o); err != nil {
		return 0, err
	}
	c.Control.StdErr, c.Treatment.StdErr = math.Sqrt(ea), math.Sqrt(eb)
	return units, nil
}

// informative returns the covariates that add something to those before them,
// in both arms.
func (s *stratum) informative() (keep []int, err error) {
	k := len(s.arms[0].covariates)
	if k == 0 {
		return nil, nil
	}
	var arms [2]*Joint
	for i := range arms {
		arms[i] = newJoint(make([]Kind, k))
		arms[i].AddAll(s.arms[i].covariates...)
		if arms[i].err != nil {
			return nil, arms[i].err
		}
	}
	for l := range k {
		adds := true
		for _, j := range arms {
			adds = adds && j.residual(l, keep) > 1e-9*math.Abs(j.covariance(l, l))
		}
		if adds {
			keep = append(keep, l)
		}
	}
	return keep, nil
}

// fit regresses the values of a stratum.
func (s *stratum) fit(clustered bool, se StdErr) (linFit, int, error) {
	var d Observations
	keep, err := s.informative()
	if err != nil {
		return linFit{}, 0, err
	}
	place := map[uint32]int{}
	units := 0
	for i := range s.arms {
		k := &s.arms[i]
		for u, y := range k.values {
			d.Y = append(d.Y, y)
			d.Treated = append(d.Treated, i == 1)
			row := make([]float64, len(keep))
			for at, l := range keep {
				row[at] = k.covariates[l][u]
			}
			d.X = append(d.X, row)
			if !clustered {
				continue
			}
			at, ok := place[k.units[u]]
			if !ok || !k.grouped[u] {
				at = units
				units++
				if k.grouped[u] {
					place[k.units[u]] = at
				}
			}
			d.Cluster = append(d.Cluster, at)
		}
	}
	if len(d.X) > 0 && len(d.X[0]) == 0 {
		d.X = nil
	}
	f, err := d.fit("Compare", se)
	return f, units, err
}
