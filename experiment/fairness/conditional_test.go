package fairness

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment"
)

// What is expected at an odds ratio has that odds ratio, within the margins.
func TestExpected(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 20_000 {
		n1, n0 := float64(1+r.IntN(1000)), float64(1+r.IntN(1000))
		m := float64(1 + r.IntN(int(n1+n0)-1))
		odds := math.Exp(6 * r.NormFloat64())
		a := expected(n1, n0, m, odds)
		require.True(t, a >= max(0, m-n0)-1e-9 && a <= min(n1, m)+1e-9, "n1 %v, n0 %v, m %v, odds %v: %v", n1, n0, m, odds, a)
		left, right := a*(n0-m+a), odds*(n1-a)*(m-a)
		require.InDelta(t, 1, (left+1)/(right+1), 1e-5, "n1 %v, n0 %v, m %v, odds %v: %v", n1, n0, m, odds, a)
	}
}

// Strata explain what the whole does not: each department of 1973's Berkeley
// takes women at about the rate of men, all together at two thirds of it.
func TestStrataExplain(t *testing.T) {
	var strata []Offers
	var all [2]Group
	for _, c := range load(t).Strata.Cases[0].Group {
		strata = append(strata, Offers{Group: c.count()})
		all[0].All.Successes += c[0]
		all[0].All.Users += c[1]
	}
	for i, c := range load(t).Strata.Cases[0].Reference {
		strata[i].Reference = c.count()
		all[1].All.Successes += c[0]
		all[1].All.Users += c[1]
	}
	all[0].Name, all[1].Name = "women", "men"
	whole, err := Audit(all[:], nil)
	require.NoError(t, err)
	require.True(t, whole.Worst.FourFifths)
	require.Equal(t, "women", whole.Worst.Group)
	require.Less(t, whole.Worst.P, 1e-20)
	within, err := ConditionalOffers(strata, nil)
	require.NoError(t, err)
	require.Positive(t, within.Difference.Value)
	require.Greater(t, within.P, .2)
}

func TestConditionalOffersEdges(t *testing.T) {
	strata := []Offers{
		{"both", of(30, 60), of(20, 60)},
		{"nobody", of(0, 40), of(0, 40)},
		{"only the group", of(5, 10), of(0, 0)},
	}
	c, err := ConditionalOffers(strata, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"only the group"}, c.LeftOut)
	require.Equal(t, 2, c.Strata)
	require.Equal(t, int64(100), c.Group)
	require.ErrorIs(t, c.Warnings[0], ErrStratum)
	require.InDelta(t, .1, c.Difference.Value, 1e-12)
	require.InDelta(t, 2, c.OddsRatio.Value, 1e-12, "strata of nobody do not count")
	require.Zero(t, c.DF, "one stratum has nothing to differ from")
	require.Contains(t, c.String(), "warning: stratum left out")

	c, err = ConditionalOffers([]Offers{{"all", of(60, 60), of(60, 60)}, {"none", of(0, 40), of(0, 40)}}, nil)
	require.NoError(t, err)
	require.ErrorIs(t, c.Warnings[0], experiment.ErrNoVariance)
	require.Equal(t, 1.0, c.P)
	require.Zero(t, c.Difference.Value)
	require.True(t, math.IsInf(c.Difference.Hi, 1))
	require.True(t, math.IsNaN(c.OddsRatio.Value))

	_, err = ConditionalOffers(strata[2:], nil)
	require.ErrorIs(t, err, experiment.ErrTooFew)
	_, err = ConditionalOffers(nil, nil)
	require.ErrorIs(t, err, experiment.ErrTooFew)
	_, err = ConditionalOffers([]Offers{{"small", of(10, 49), of(10, 60)}}, nil)
	require.ErrorIs(t, err, experiment.ErrTooFew)
	_, err = ConditionalOffers([]Offers{{"bad", of(61, 60), of(10, 60)}}, nil)
	require.ErrorIs(t, err, experiment.ErrInvalid)
}

func TestConditionalPricesEdges(t *testing.T) {
	of := func(values ...float64) *experiment.Moments {
		m := new(experiment.Moments)
		m.AddAll(values)
		return m
	}
	o := &Options{MinGroup: 4}
	_, err := ConditionalPrices([]Prices{{"a", nil, of(1, 2)}}, o)
	require.ErrorIs(t, err, experiment.ErrInvalid)
	_, err = ConditionalPrices([]Prices{{"a", of(1, math.NaN()), of(1, 2)}}, o)
	require.ErrorIs(t, err, experiment.ErrNotFinite)
	_, err = ConditionalPrices([]Prices{{"a", of(1, 2, 3), of(1, 2, 3)}}, o)
	require.ErrorIs(t, err, experiment.ErrTooFew)

	c, err := ConditionalPrices([]Prices{{"a", of(5, 5, 5, 5), of(4, 4, 4, 4)}, {"b", of(1), of(1, 2, 3)}}, o)
	require.NoError(t, err)
	require.Equal(t, 1.0, c.Difference.Value)
	require.True(t, math.IsInf(c.Difference.Lo, -1))
	require.Equal(t, []string{"b"}, c.LeftOut)
	require.ErrorIs(t, c.Warnings[1], experiment.ErrNoVariance)
	require.Equal(t, 1.0, c.P)

	// Fixed prices in one stratum say nothing of the spread there, and the other
	// one says it of both.
	c, err = ConditionalPrices([]Prices{{"a", of(5, 5, 5, 5), of(4, 4, 4, 4)}, {"b", of(5, 6, 7, 8), of(4, 5, 6, 7)}}, o)
	require.NoError(t, err)
	require.Equal(t, 1.0, c.Difference.Value)
	require.Positive(t, c.Difference.StdErr)
	require.Zero(t, c.DF)

	// Strata that differ are named, wherever they stand.
	for i := range 3 {
		strata := slices.Insert([]Prices{
			{"alike", of(5, 6, 7, 8), of(5, 6, 7, 8)},
			{"alike too", of(5, 6, 7, 8), of(5, 6, 7, 8)},
		}, i, Prices{"apart", of(15, 16, 17, 18), of(5, 6, 7, 8)})
		c, err = ConditionalPrices(strata, o)
		require.NoError(t, err)
		require.Len(t, c.Warnings, 1)
		require.ErrorIs(t, c.Warnings[0], ErrHeterogeneous)
		require.Contains(t, c.String(), `"apart" most of all`)
	}
}
