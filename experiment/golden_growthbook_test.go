package experiment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// gbArm is an arm in the form of GrowthBook's statistics.
type gbArm struct {
	Type       string
	N          int64
	Sum, Sumsq float64

	Num, Den, Post, Pre *gbArm
	SumNumDen           float64 `json:"sum_num_den"`
	SumPostPre          float64 `json:"sum_post_pre"`
	NumPost             *gbArm  `json:"num_post"`
	DenPost             *gbArm  `json:"den_post"`
	NumPre              *gbArm  `json:"num_pre"`
	DenPre              *gbArm  `json:"den_pre"`
	MpostMpre           float64 `json:"s_mpost_mpre"`
	DpostDpre           float64 `json:"s_dpost_dpre"`
	MpreDpre            float64 `json:"s_mpre_dpre"`
	MpostDpost          float64 `json:"s_mpost_dpost"`
	MpostDpre           float64 `json:"s_mpost_dpre"`
	MpreDpost           float64 `json:"s_mpre_dpost"`
	NStar               int64   `json:"n_star"`
	NClusters           int64   `json:"n_clusters"`
	Nu, Q, Lo, Hi       float64
	MainSum             float64 `json:"main_sum"`
	MainSumsq           float64 `json:"main_sumsq"`
	DenSum              float64 `json:"den_sum"`
	DenSumsq            float64 `json:"den_sumsq"`
	SumMainDen          float64 `json:"sum_main_den"`
}

func (a gbArm) kind() Kind {
	if a.Type == "proportion" {
		return Proportion
	}
	return Mean
}

func (a gbArm) square() float64 {
	if a.Type == "proportion" {
		return a.Sum
	}
	return a.Sumsq
}

func (a gbArm) moments(t require.TestingT) *Moments {
	m, err := MomentsOf(a.kind(), a.N, a.Sum, a.Sumsq)
	require.NoError(t, err)
	return m
}

func joint2(t require.TestingT, n int64, a, b *gbArm, ab float64) *Joint {
	j, err := JointOf([]Kind{a.kind(), b.kind()}, n, []float64{a.Sum, b.Sum}, [][]float64{{a.square(), ab}, {0, b.square()}})
	require.NoError(t, err)
	return j
}

func (a gbArm) joint(t require.TestingT) *Joint {
	switch a.Type {
	case "ratio":
		return joint2(t, a.N, a.Num, a.Den, a.SumNumDen)
	case "cuped":
		return joint2(t, a.N, a.Post, a.Pre, a.SumPostPre)
	}
	j, err := JointOf([]Kind{0, 0, 0, 0}, a.N, []float64{a.NumPost.Sum, a.DenPost.Sum, a.NumPre.Sum, a.DenPre.Sum}, [][]float64{
		{a.NumPost.Sumsq, a.MpostDpost, a.MpostMpre, a.MpostDpre},
		{0, a.DenPost.Sumsq, a.MpreDpost, a.DpostDpre},
		{0, 0, a.NumPre.Sumsq, a.MpreDpre},
		{0, 0, 0, a.DenPre.Sumsq},
	})
	require.NoError(t, err)
	return j
}

func (a gbArm) quantile(t require.TestingT) Quantile {
	q := Quantile{N: a.N, Sampled: a.NStar, Level: a.Nu, Value: a.Q, Lo: a.Lo, Hi: a.Hi}
	if a.Type == "quantile_clustered" {
		main, den := &gbArm{Sum: a.MainSum, Sumsq: a.MainSumsq}, &gbArm{Sum: a.DenSum, Sumsq: a.DenSumsq}
		q.Clusters = joint2(t, a.NClusters, main, den, a.SumMainDen)
	}
	return q
}

func goldenGrowthBook(t *testing.T, g golden) {
	var in struct {
		Control, Treatment gbArm
		Diff, Alternative  string
		Alpha              float64
		Tuning             int
		Proper, Inverse    bool
		PriorMean          float64 `json:"prior_mean"`
		PriorVar           float64 `json:"prior_var"`
	}
	g.input(t, &in)
	opts := &TestOptions{Level: 1 - in.Alpha, Sequential: in.Tuning}
	if g.Family == "sequential_greater" {
		in.Alternative = "greater"
	}
	if in.Diff == "relative" {
		opts.Scale = Relative
	}
	switch in.Alternative {
	case "greater":
		opts.Alternative = Greater
	case "less":
		opts.Alternative = Less
	}
	var c Comparison
	var err error
	switch in.Control.Type {
	case "mean", "proportion":
		c, err = Welch(in.Control.moments(t), in.Treatment.moments(t), opts)
	case "ratio":
		c, err = Ratio(in.Control.joint(t), in.Treatment.joint(t), opts)
	case "cuped":
		c, err = CUPED(in.Control.joint(t), in.Treatment.joint(t), opts)
	case "cuped_ratio":
		c, err = CUPEDRatio(in.Control.joint(t), in.Treatment.joint(t), opts)
	default:
		c, err = Quantiles(in.Control.quantile(t), in.Treatment.quantile(t), opts)
	}
	if _, refused := g.Want["error"]; refused {
		// A constant arm: that tool gives up, here a doubt goes along.
		require.True(t, err != nil || len(c.Warnings) > 0, g.ID)
		return
	}
	require.NoError(t, err, g.ID)
	if g.Family == "bayes_normal" {
		prior := Prior{LowerIsBetter: in.Inverse}
		if in.Proper {
			prior.Mean, prior.StdDev = in.PriorMean, math.Sqrt(in.PriorVar)
		}
		p, err := c.Posterior(prior)
		require.NoError(t, err, g.ID)
		for name, got := range map[string]float64{
			"estimate": p.Effect.Value, "sd": p.Effect.StdErr, "ci_lo": p.Effect.Lo, "ci_hi": p.Effect.Hi,
			"chance_to_win": p.ChanceToWin, "risk_control": p.LossOfControl, "risk_treatment": p.LossOfTreatment,
		} {
			g.check(t, name, got)
		}
		return
	}
	e := c.Effect()
	for name, got := range map[string]float64{"estimate": e.Value, "se": e.StdErr, "ci_lo": e.Lo, "ci_hi": e.Hi, "p": c.P, "dof": c.DF} {
		g.check(t, name, got)
	}
	if len(c.Theta) == 1 {
		g.check(t, "theta", c.Theta[0])
	}
}
