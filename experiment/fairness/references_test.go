package fairness

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
)

type share [2]int64

func (s share) count() exact.Count { return exact.Count{Successes: s[0], Users: s[1]} }

// references are published or computed elsewhere: each names its source.
type references struct {
	Differences struct {
		Cases []struct {
			Group, Reference share
			Lo, Hi           float64
		}
	}
	Compas struct {
		Groups []struct {
			Name               string
			Positive, Negative share
			TPR, FPR, Accuracy float64
		}
	}
	Strata struct {
		Cases []struct {
			Name                    string
			Group, Reference        []share
			OR, ORSE, ORLo, ORHi    float64
			RD, RDSE, RDLo, RDHi, P float64
			TA, TAP                 float64
		}
	}
	Prices struct {
		Group, Reference                 [][]float64
		Difference, SE, Lo, Hi, P, Q, QP float64
	}
}

func load(t *testing.T) (r references) {
	t.Helper()
	data, err := os.ReadFile("testdata/references.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &r))
	require.Len(t, r.Differences.Cases, 8)
	require.Len(t, r.Strata.Cases, 4)
	return r
}

func near(t *testing.T, want, got, tolerance float64, what string) {
	t.Helper()
	require.LessOrEqual(t, math.Abs(got-want), tolerance*max(1, math.Abs(want)), "%s: want %v, got %v", what, want, got)
}

func TestDifferencesAgainstNewcombe(t *testing.T) {
	for _, c := range load(t).Differences.Cases {
		e := difference(c.Group.count(), c.Reference.count(), .05, .95, 1)
		near(t, c.Lo, e.Lo, 5.1e-5, "lo")
		near(t, c.Hi, e.Hi, 5.1e-5, "hi")
	}
}

func TestAuditAgainstCOMPAS(t *testing.T) {
	var groups []Group
	want := load(t).Compas.Groups
	for _, g := range want {
		p, n := g.Positive.count(), g.Negative.count()
		// The counts must give what was published of them, digit by digit.
		require.InDelta(t, g.TPR, rate(p), 5.1e-5, g.Name)
		require.InDelta(t, g.FPR, rate(n), 5.1e-5, g.Name)
		require.InDelta(t, g.Accuracy, float64(p.Successes+n.Users-n.Successes)/float64(p.Users+n.Users), 5.1e-4, g.Name)
		groups = append(groups, Group{g.Name, exact.Count{Successes: p.Successes + n.Successes, Users: p.Users + n.Users}, p, n})
	}
	r, err := Audit(groups, &Options{Reference: "white"})
	require.NoError(t, err)
	p := r.Pairs[0]
	near(t, want[0].TPR-want[1].TPR, p.Opportunity.Value, 1.5e-4, "opportunity")
	near(t, want[0].FPR-want[1].FPR, p.FalsePositive.Value, 1.5e-4, "false positive")
	near(t, p.FalsePositive.Value, p.Odds.Value, 0, "odds")
	require.Greater(t, p.Odds.Lo, .17)
}

// The example of the Questions and Answers on the Uniform Guidelines (EEOC and
// others, 1979): rates of 60, 45, 48 and 51 % are ratios of 75, 80 and 85 %, and
// of adverse impact for American Indians, not for Hispanics or Blacks.
func TestFourFifths(t *testing.T) {
	group := func(name string, x, n int64) Group {
		return Group{Name: name, All: exact.Count{Successes: x, Users: n}}
	}
	r, err := Audit([]Group{
		group("whites", 120, 200), group("American Indians", 45, 100), group("Hispanics", 72, 150), group("Blacks", 51, 100),
	}, nil)
	require.NoError(t, err)
	require.Equal(t, "whites", r.Reference)
	for i, ratio := range []float64{.75, .8, .85} {
		require.InDelta(t, ratio, r.Pairs[i].Impact.Value, 1e-15)
		require.Equal(t, i == 0, r.Pairs[i].FourFifths, r.Pairs[i].Group)
	}
	require.Equal(t, "American Indians", r.Worst.Group)

	// Exactly four fifths is not below it, however large the counts.
	for _, c := range []struct {
		x, n, y, m int64
		below      bool
	}{
		{48, 100, 60, 100, false},
		{47, 100, 60, 100, true},
		{4 << 48, 5 << 48, 5 << 48, 5 << 48, false},
		{4<<48 - 1, 5 << 48, 5 << 48, 5 << 48, true},
		{0, 50, 0, 50, false},
	} {
		r, err := Audit([]Group{group("a", c.x, c.n), group("b", c.y, c.m)}, &Options{Reference: "b"})
		require.NoError(t, err)
		require.Equal(t, c.below, r.Pairs[0].FourFifths, "%+v", c)
	}
}

func TestStrataAgainstMetafor(t *testing.T) {
	for _, c := range load(t).Strata.Cases {
		t.Run(c.Name, func(t *testing.T) {
			var strata []Offers
			for i := range c.Group {
				strata = append(strata, Offers{string(rune('A' + i)), c.Group[i].count(), c.Reference[i].count()})
			}
			got, err := ConditionalOffers(strata, &Options{MinGroup: 2})
			require.NoError(t, err)
			const tol = 1e-11
			near(t, c.OR, got.OddsRatio.Value, tol, "odds ratio")
			near(t, c.ORSE, got.OddsRatio.StdErr, tol, "se of its logarithm")
			near(t, c.ORLo, got.OddsRatio.Lo, tol, "lo")
			near(t, c.ORHi, got.OddsRatio.Hi, tol, "hi")
			near(t, c.RD, got.Difference.Value, tol, "difference")
			near(t, c.RDSE, got.Difference.StdErr, tol, "se")
			near(t, c.RDLo, got.Difference.Lo, tol, "lo")
			near(t, c.RDHi, got.Difference.Hi, tol, "hi")
			near(t, 1, got.P/c.P, 1e-9, "p")
			near(t, c.TA, got.Heterogeneity, 1e-9, "heterogeneity")
			near(t, 1, got.HeterogeneityP/c.TAP, 1e-8, "its p")
			if c.TAP < .05 {
				require.ErrorIs(t, got.Warnings[0], ErrHeterogeneous)
			} else {
				require.Empty(t, got.Warnings)
			}
		})
	}
}

func TestPricesAgainstR(t *testing.T) {
	c := load(t).Prices
	var strata []Prices
	for i := range c.Group {
		s := Prices{Stratum: string(rune('A' + i)), Group: new(experiment.Moments), Reference: new(experiment.Moments)}
		s.Group.AddAll(c.Group[i])
		s.Reference.AddAll(c.Reference[i])
		strata = append(strata, s)
	}
	got, err := ConditionalPrices(strata, &Options{MinGroup: 10})
	require.NoError(t, err)
	const tol = 1e-11
	near(t, c.Difference, got.Difference.Value, tol, "difference")
	near(t, c.SE, got.Difference.StdErr, tol, "se")
	near(t, c.Lo, got.Difference.Lo, tol, "lo")
	near(t, c.Hi, got.Difference.Hi, tol, "hi")
	near(t, c.P, got.P, tol, "p")
	near(t, c.Q, got.Heterogeneity, tol, "Q")
	near(t, c.QP, got.HeterogeneityP, tol, "its p")
}
