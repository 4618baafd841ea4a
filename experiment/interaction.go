package experiment

import "math"

// Interaction tests whether two experiments that ran on the same users change
// each other's effect: cells[i][k] holds users in arm i of the one and arm k of
// the other, 0 being control. Control and Treatment of the result are the
// effects of the first experiment under the second's control and treatment, and
// the effect is their difference,
//
//	(m11 − m01) − (m10 − m00)
//
// with the variances of the four cells added up and Welch–Satterthwaite degrees
// of freedom. Most pairs do not interact; of many, correct the p-values with
// [Adjust].
func Interaction(cells [2][2]*Moments, opts *TestOptions) (Comparison, error) {
	const fn = "Interaction"
	o, err := opts.resolve(fn)
	if err != nil {
		return Comparison{}, err
	}
	var effect [2]armEstimate // by the arm of the second experiment
	for k := range effect {
		var arm [2]armEstimate
		for i := range arm {
			name := "cell " + string(rune('0'+i)) + string(rune('0'+k))
			if arm[i], err = cells[i][k].estimate(fn, name); err != nil {
				return Comparison{}, err
			}
		}
		d := arm[1].mean - arm[0].mean
		effect[k] = armEstimate{
			n: arm[0].n + arm[1].n, mean: d, unadjusted: d,
			v: arm[0].v + arm[1].v, satter: math.Hypot(arm[0].satter, arm[1].satter),
		}
	}
	c := Comparison{Method: "Welch's t on an interaction"}
	if err := c.finish(effect[0], effect[1], o); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

// Interaction is [Interaction] for the users of this readout who are in the
// other one too: arms are control and treatment of this experiment, others of
// the other. Outcomes are this readout's, from its exposures on; users seen in
// several arms of either experiment are left out. Epochs are pooled; covariates
// and strata of the options are not looked at.
func (r *Readout) Interaction(other *Readout, metric string, arms, others [2]string, opts *TestOptions) (Comparison, error) {
	o, err := opts.resolve("Interaction")
	if err != nil {
		return Comparison{}, err
	}
	m, err := r.metric(metric)
	if err != nil {
		return Comparison{}, err
	}
	if m.formed() {
		return Comparison{}, &OptionError{"Interaction", "metric", metric, "want one that is a plain value"}
	}
	if other == nil {
		return Comparison{}, &OptionError{"Interaction", "other", other, "want a readout"}
	}
	their := other.join(nil, nil, nil, o.AsOf)
	if err := other.known(their, others[0], others[1]); err != nil {
		return Comparison{}, err
	}
	in := map[uint32]int{}
	for _, s := range their.subjects {
		for k, arm := range others {
			if s.arm == arm && !s.crossed {
				in[s.user] = k
			}
		}
	}
	within := o
	within.Covariates, within.Stratum = nil, nil
	within.Within = func(user uint32) bool {
		_, ok := in[user]
		return ok && (o.Within == nil || o.Within(user))
	}
	base, _, all, err := r.strata(m, arms[0], arms[1], within)
	if err != nil {
		return Comparison{}, err
	}
	var cells [2][2]*Moments
	for i := range cells {
		for k := range cells[i] {
			cells[i][k] = &Moments{Kind: kindOf(all)}
		}
	}
	for _, s := range all {
		for i := range s.arms {
			for u, x := range s.arms[i].values {
				cells[i][in[s.arms[i].users[u]]].Add(x)
			}
		}
	}
	c, err := Interaction(cells, &o)
	if err != nil {
		return Comparison{}, err
	}
	c.Metric, c.Population = metric, base.Population
	c.Control.Arm, c.Treatment.Arm = r.set.experiment+" under "+others[0], r.set.experiment+" under "+others[1]
	c.Adjustments = append(base.Adjustments, c.Adjustments...)
	c.Warnings = append(base.Warnings, c.Warnings...)
	return c, nil
}
