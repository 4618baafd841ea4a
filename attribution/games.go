package attribution

import (
	"errors"
	"fmt"
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// Game names a cooperative game: what a set S of channels is worth. C(T),
// Z(T) and V(T) are the conversions, nulls and value of the paths whose set of
// distinct channels is exactly T; 0 ÷ 0 counts as 0. What came without any
// channel, users never exposed among it, enters Cohort and PersonTime only.
type Game uint8

const (
	// SumSubset is worth Σ_{T⊆S} C(T): the conversions of all paths that need
	// no channel outside the set. It is the simplified Shapley value of Zhao,
	// Mahboobi and Bagheri, "Shapley Value Methods for Attribution Modeling in
	// Online Advertising" (2018): each distinct channel of a path gets the same
	// share. The default; exact for any number of channels.
	SumSubset Game = iota
	// TouchAny is worth the conversions of all paths with some channel of the
	// set, the dual of SumSubset; its Shapley value is the same.
	TouchAny
	// RateSubset is worth Σ_{T⊆S} C(T) ÷ Σ_{T⊆S} (C(T)+Z(T)).
	RateSubset
	// RateExact is worth C(S) ÷ (C(S)+Z(S)).
	RateExact
	// SumExact is worth C(S).
	SumExact
	// MarkovChain is worth the conversion probability of the order-1 Markov
	// chain in which all other channels lead to nothing.
	MarkovChain
	// PerPath credits each set T that converted by itself: the Shapley value
	// of RateExact among its own channels, scaled to C(T). It is the one of
	// the DP6 package. Exact for any number of channels, as long as no single
	// path has more than [MaxExact].
	PerPath
	// Cohort is worth Σ_T N(T)·p(T∩S), where N(T) is the number of journeys
	// with the set T, those of unexposed users among them, and p the rate of
	// conversion of exactly such a set, for sets never seen that of the
	// unexposed: what would be left if only S had been switched on. Credits can
	// be negative; what the unexposed rate gives belongs to nobody. It is for
	// designs in which a person's channels are fixed before the outcome is
	// observed. In journeys that end at their conversion, converters have fewer
	// channels because they converted, and the game is wrong for every channel.
	// Exact for any number of channels, as long as no single path has more
	// than [MaxExact].
	Cohort
	// PersonTime compares rates per time: a user's observation is cut into
	// stretches by the set T of channels touched so far (within their lookback,
	// and since the last conversion), and λ(T) is the conversions while the set
	// is T ÷ the time spent in T, for sets never seen that of the empty set. A
	// conversion in T credits each channel with its Shapley value in λ among
	// the subsets of T ÷ λ(T), and nobody with λ(∅) ÷ λ(T). It is the one to
	// use for journeys, needs their times ([ErrNoTimes]) and users who were
	// not exposed. Credits can be negative. Exact for any number of channels,
	// as long as no user has more than [MaxExact] at once.
	PersonTime

	gameCount
)

var gameNames = [gameCount]string{
	SumSubset: "sum over subsets", TouchAny: "any touch", RateSubset: "rate over subsets", RateExact: "exact rate",
	SumExact: "exact sum", MarkovChain: "Markov chain", PerPath: "per path", Cohort: "cohort", PersonTime: "person-time",
}

func (g Game) String() string {
	if g < gameCount {
		return gameNames[g]
	}
	return fmt.Sprintf("Game(%d)", uint8(g))
}

// ErrDesign is wrapped by a warning of a causal game whose assumptions the
// paths do not meet, as far as they show.
var ErrDesign = errors.New("outside its design")

// ErrChannels is returned when a game has more channels than can be solved
// exactly.
var ErrChannels = errors.New("too many channels")

// ShapleyOptions choose the game. Nil means the defaults.
type ShapleyOptions struct {
	Game Game // default SumSubset
	// Sample lets a game that has too many channels for all their sets be
	// estimated from permutations, up to 64 channels: see [SolveOptions], whose
	// HalfWidth is in the worth of the game. The standard error is told in a
	// warning that wraps [ErrSampled]. Nil answers [ErrChannels].
	Sample *SolveOptions
}

// ErrSampled is wrapped by a warning of a result that was estimated from a
// sample of permutations.
var ErrSampled = errors.New("sampled")

// Shapley gives each channel its Shapley value in a game over the channels,
// its mean marginal worth over all orders in which they could be switched on.
//
// SumSubset, TouchAny, PerPath, Cohort and PersonTime give away conversions;
// credits and the unattributed line, which for the last two is the baseline of
// what would have happened anyway, add up to the total. The worth of the other
// games is something else than conversions: their Shapley value is in
// [Credit].Effect, and credits are scaled to add up. These games list all sets
// up to [MaxExact] channels, MarkovChain up to 20; for more see
// [ShapleyOptions].Sample.
//
// For a game of one's own see [Solve].
func Shapley(p *Paths, opts *ShapleyOptions) (Credits, error) {
	var o ShapleyOptions
	if opts != nil {
		o = *opts
	}
	return p.play(o, false)
}

// Banzhaf is [Shapley] with the Banzhaf value, the mean marginal worth over
// all sets of the other channels (Banzhaf, "Weighted voting doesn't work",
// 1965), which does not add up to anything: it is in [Credit].Effect, and
// credits are scaled to add up. PerPath, Cohort and
// PersonTime, which are sums of many small games, have no Banzhaf value here:
// an [*InputError].
func Banzhaf(p *Paths, opts *ShapleyOptions) (Credits, error) {
	var o ShapleyOptions
	if opts != nil {
		o = *opts
	}
	return p.play(o, true)
}

func (p *Paths) play(o ShapleyOptions, swing bool) (Credits, error) {
	g := o.Game
	verb, model := "Shapley", "Shapley"
	if swing {
		verb, model = "Banzhaf", "Banzhaf"
	}
	if g >= gameCount {
		return Credits{}, inputError(verb, 0, "Game", g, "unknown")
	}
	if g != SumSubset {
		model += ", " + g.String()
	}
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	switch {
	case !swing && (g == SumSubset || g == TouchAny):
		return p.answer(p.credits(model, p.bySize(), descriptive(model)), p.bySizeLens)
	case swing && (g == PerPath || g == Cohort || g == PersonTime):
		return Credits{}, inputError(verb, 0, "Game", g, "has no Banzhaf value")
	case g == PerPath:
		return p.perPath(model)
	case g == Cohort:
		return p.cohort(model)
	case g == PersonTime:
		return p.personTime(model)
	}
	return p.general(model, o, swing)
}

// general solves a game from the table of all its sets.
func (p *Paths) general(model string, o ShapleyOptions, swing bool) (Credits, error) {
	g, players := o.Game, p.players()
	n, most := len(players), MaxExact
	if g == MarkovChain {
		most = 20
	}
	if o.Sample != nil && !swing && n <= 64 && (n > most || o.Sample.Sample) {
		return p.sampled(model, o, players)
	}
	if n > most {
		return Credits{}, fmt.Errorf("attribution: %s: %w: %d, at most %d", model, ErrChannels, n, most)
	}
	effect := make([]share, p.channels.Len())
	var c *chain
	if g == MarkovChain {
		c = p.chain(1)
	}
	values := shapley
	if swing {
		values = banzhaf
	}
	var room tables // used twice, for it is large
	for _, value := range [2]bool{false, true} {
		var table []float64
		switch {
		case g != MarkovChain:
			table = p.table(&room, g, players, value)
		case value:
			table = c.table(players, c.value)
		default:
			table = c.table(players, c.conv)
		}
		for i, v := range values(table, n) {
			e := &effect[players[i]]
			if value {
				e.value.Add(v)
			} else {
				e.conv.Add(v)
			}
		}
	}
	return p.answer(p.scaled(model, effect, false), func(l *lens) error { return p.gameLens(l, g, swing, players, effect) })
}

// players returns the channels of paths that count something, by name.
func (p *Paths) players() []uint32 {
	var list []uint32
	played := make([]bool, p.channels.Len())
	for id := range p.bySet {
		if !p.bySet[id].zero() {
			for _, c := range p.sets.seq(uint32(id)) {
				played[c] = true
			}
		}
	}
	for _, c := range p.inUse() {
		if played[c] {
			list = append(list, c)
		}
	}
	return list
}

// tables are room for the worth and the number of journeys of all sets.
type tables struct{ worth, size []float64 }

func (*tables) clear(table *[]float64, n int) []float64 {
	if len(*table) != n {
		*table = make([]float64, n)
	} else {
		clear(*table)
	}
	return *table
}

// table lists the worth of all sets of players, in conversions or value; the
// empty set is worth nothing, whatever the unexposed did.
func (p *Paths) table(room *tables, g Game, players []uint32, value bool) []float64 {
	n := len(players)
	bit := make([]int, p.channels.Len())
	for i, c := range players {
		bit[c] = i
	}
	rate := g == RateSubset || g == RateExact
	table := room.clear(&room.worth, 1<<n)
	var size []float64
	if rate {
		size = room.clear(&room.size, 1<<n)
	}
	for id := range p.bySet {
		t := &p.bySet[id]
		if t.zero() {
			continue
		}
		m := 0
		for _, c := range p.sets.seq(uint32(id)) {
			m |= 1 << bit[c]
		}
		if m == 0 {
			continue
		}
		table[m] = t.conv.Value()
		if value {
			table[m] = t.value.Value()
		}
		if rate {
			size[m] = t.conv.Value() + t.null.Value()
		}
	}
	switch g {
	case SumSubset, RateSubset:
		zeta(table, n)
	case TouchAny:
		// What has a channel in S is all but what has none of them.
		zeta(table, n)
		all := table[len(table)-1]
		for m, k := 0, len(table)-1; m <= k; m, k = m+1, k-1 {
			table[m], table[k] = all-table[k], all-table[m]
		}
	}
	if g == RateSubset {
		zeta(size, n)
	}
	if rate {
		for m, s := range size {
			if s != 0 {
				table[m] /= s
			} else {
				table[m] = 0
			}
		}
	}
	return table
}

// scaled makes credits of effects that do not add up to conversions. Effects
// whose sum is negative are scaled only if asked for, for it turns their
// signs.
func (p *Paths) scaled(model string, effect []share, negative bool) Credits {
	total, empty := p.total(), p.empty()
	total.conv.Merge(empty.conv.Neg())
	total.value.Merge(empty.value.Neg())
	shares := make([]share, len(effect))
	fill := func(attributed stats.Sum, of func(s *share) *stats.Sum) bool {
		var sum stats.Sum
		size := 0.0
		for i := range effect {
			sum.Merge(*of(&effect[i]))
			size += math.Abs(of(&effect[i]).Value())
		}
		v := sum.Value()
		// A sum that is only rounding is none.
		if math.Abs(v) <= 1e-9*size || v < 0 && !negative {
			return attributed.Value() == 0
		}
		for i := range effect {
			*of(&shares[i]) = of(&effect[i]).Mul(attributed).Div(v)
		}
		return true
	}
	conv := fill(total.conv, func(s *share) *stats.Sum { return &s.conv })
	value := fill(total.value, func(s *share) *stats.Sum { return &s.value })
	warnings := []error{descriptive(model)}
	if !conv || !value {
		warnings = append(warnings, fmt.Errorf("%s: %w: the effects add up to nothing that could be scaled", model, ErrDesign))
	}
	c := p.credits(model, shares, warnings...)
	for i, ch := range p.inUse() {
		c.Channels[i].Effect = effect[ch].conv.Value()
	}
	if !conv {
		c.Unattributed.Conversions = c.Total.Conversions
	}
	if !value {
		c.Unattributed.Value = c.Total.Value
	}
	return c
}
