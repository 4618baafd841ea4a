package attribution

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The reference values of testdata, see the README there.

type goldenRow struct {
	Path              []string
	Conv, Value, Null float64
}

type goldenGame struct {
	VGrand  float64 `json:"v_grand"`
	Shapley map[string]float64
	Banzhaf map[string]float64
}

type goldenRule struct{ Conv, Value map[string]float64 }

type goldenMarkov struct {
	Base          float64
	RemovalEffect map[string]float64 `json:"removal_effect"`
	Attributed    map[string]float64
}

type goldenSet struct {
	Channels      []string
	Rows          []goldenRow
	Shapley       map[string]goldenGame
	OrderedConv   map[string][]float64 `json:"ordered_shapley_conv"`
	OrderedValue  map[string][]float64 `json:"ordered_shapley_value"`
	PerPath       map[string]float64   `json:"shapley_per_path_rate_exact"`
	LeaveOneOut   map[string]float64   `json:"loo_counterfactual"`
	ShaoLi        map[string]float64   `json:"shao_li_per_path"`
	Rules         map[string]goldenRule
	Markov        map[string]goldenMarkov
	MarkovShapley goldenGame `json:"markov_shapley"`
}

func golden[T any](t testing.TB, name string) T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	var v T
	require.NoError(t, json.Unmarshal(data, &v))
	return v
}

func (s goldenSet) paths(t testing.TB) *Paths {
	t.Helper()
	p := new(Paths)
	for _, r := range s.Rows {
		require.NoError(t, p.Add(r.Path, r.Conv, r.Value, r.Null))
	}
	return p
}

// pathData reads the public PathData set from the folder "shared" beside the
// repository.
func pathData(t testing.TB) *Paths {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		name := filepath.Join(dir, "..", "shared", "data", "channelattribution", "path_data.csv.gz")
		if f, err := os.Open(name); err == nil {
			defer f.Close()
			z, err := gzip.NewReader(f)
			require.NoError(t, err)
			p, err := ReadCSV(z, nil)
			require.NoError(t, err)
			return p
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip("no folder shared/data/channelattribution beside the repository")
		}
		dir = parent
	}
}

func near(t testing.TB, want, got float64, what ...any) {
	t.Helper()
	require.InDelta(t, want, got, 1e-9*max(1, math.Abs(want)), what...)
}

// nearCredits compares credits with wanted figures by channel.
func nearCredits(t testing.TB, want map[string]float64, c Credits, of func(Credit) float64, what string) {
	t.Helper()
	require.Len(t, c.Channels, len(want), what)
	for ch, w := range want {
		k, ok := c.Of(ch)
		require.True(t, ok, "%s: no credit of %s", what, ch)
		near(t, w, of(k), "%s: %s", what, ch)
	}
}

func conversionsOf(c Credit) float64 { return c.Conversions }
func valueOf(c Credit) float64       { return c.Value }

var goldenRules = map[string]func(*Paths) (Credits, error){
	"first":       FirstTouch,
	"last":        LastTouch,
	"linear":      Linear,
	"last_non_A":  func(p *Paths) (Credits, error) { return LastNon(p, "A") },
	"first_non_A": func(p *Paths) (Credits, error) { return FirstNon(p, "A") },
	"position_40_20_40": func(p *Paths) (Credits, error) {
		return Position(p, nil)
	},
	"position_renorm_30_70": func(p *Paths) (Credits, error) {
		return Position(p, &PositionOptions{First: 30, Last: 70, Renormalize: true})
	},
	"position_decay": PositionDecay,
	"geo_decay_0.5":  func(p *Paths) (Credits, error) { return GeometricDecay(p, 0.5) },
	"linear_unique":  LinearUnique,
	"linear_collapsed": func(p *Paths) (Credits, error) {
		q, err := p.Transform(Collapse)
		if err != nil {
			return Credits{}, err
		}
		return Linear(q)
	},
	"last_non_alpha": func(p *Paths) (Credits, error) { return LastNon(p, "alpha") },
}

func TestGoldenRules(t *testing.T) {
	for name, set := range golden[map[string]goldenSet](t, "small.json") {
		p := set.paths(t)
		for rule, want := range set.Rules {
			f, ok := goldenRules[rule]
			require.True(t, ok, "rule %s", rule)
			c, err := f(p)
			require.NoError(t, err)
			nearCredits(t, want.Conv, c, conversionsOf, name+" "+rule)
			nearCredits(t, want.Value, c, valueOf, name+" "+rule)
			requireWhole(t, c)
		}
	}
}

// requireWhole holds credits to the law that they add up to the total.
func requireWhole(t testing.TB, c Credits) {
	t.Helper()
	conv, value, size := c.Unattributed.Conversions, c.Unattributed.Value, 0.0
	for _, k := range c.Channels {
		conv += k.Conversions
		value += k.Value
		size += math.Abs(k.Value)
	}
	require.InDelta(t, c.Total.Conversions, conv, 1e-12*max(1, c.Total.Conversions), "%s: conversions", c.Model)
	require.InDelta(t, c.Total.Value, value, 1e-12*max(1, size), "%s: value", c.Model)
}

func TestGoldenClosedShapley(t *testing.T) {
	for name, set := range golden[map[string]goldenSet](t, "small.json") {
		for _, game := range []Game{SumSubset, TouchAny} {
			c, err := Shapley(set.paths(t), &ShapleyOptions{Game: game})
			require.NoError(t, err)
			nearCredits(t, set.Shapley["sum_subset"].Shapley, c, conversionsOf, name)
			nearCredits(t, set.Shapley["touch_any"].Shapley, c, conversionsOf, name)
			nearCredits(t, set.Shapley["value_subset"].Shapley, c, valueOf, name)
			requireWhole(t, c)
		}
	}
}

type goldenPathData struct {
	Rows             int
	Channels         []string
	TotalConversions float64 `json:"total_conversions"`
	TotalValue       float64 `json:"total_value"`
	TotalNull        float64 `json:"total_null"`
	MaxPathLength    int     `json:"max_path_length"`
	Touches          int
	DistinctSets     int `json:"distinct_sets"`
	Rules            map[string]goldenRule
	Closed           goldenRule           `json:"shapley_closed"`
	Order1           goldenMarkovPathData `json:"markov_order1"`
	Order2           goldenMarkovPathData `json:"markov_order2"`
}

type goldenMarkovPathData struct {
	States, Transitions int
	P                   float64            `json:"p_conv"`
	E                   float64            `json:"e_value"`
	EffectConv          map[string]float64 `json:"removal_effect_conv"`
	EffectValue         map[string]float64 `json:"removal_effect_value"`
	Conv                map[string]float64 `json:"attributed_conv"`
	Value               map[string]float64 `json:"attributed_value"`
}

func TestGoldenPathData(t *testing.T) {
	p := pathData(t)
	want := golden[goldenPathData](t, "pathdata.json")
	s := p.Summary()
	require.Equal(t, want.TotalConversions, s.Conversions)
	near(t, want.TotalValue, s.Value)
	require.Equal(t, want.TotalNull, s.Nulls)
	require.Equal(t, len(want.Channels), s.Channels)
	require.Equal(t, want.DistinctSets, p.sets.len())
	for rule, w := range want.Rules {
		f, ok := goldenRules[rule]
		require.True(t, ok, "rule %s", rule)
		c, err := f(p)
		require.NoError(t, err)
		nearCredits(t, w.Conv, c, conversionsOf, rule)
		nearCredits(t, w.Value, c, valueOf, rule)
		requireWhole(t, c)
	}
	c, err := Shapley(p, nil)
	require.NoError(t, err)
	nearCredits(t, want.Closed.Conv, c, conversionsOf, "closed")
	nearCredits(t, want.Closed.Value, c, valueOf, "closed")
	requireWhole(t, c)
}

type goldenTimed struct {
	Touches  [][3]any
	HalfLife float64 `json:"half_life_s"`
	Click    float64 `json:"window_click_s"`
	View     float64 `json:"window_view_s"`
	Conv     float64
	Out      struct {
		Kept         []string
		Unattributed float64
		TimeDecay    map[string]float64 `json:"time_decay"`
		LastClick    map[string]float64 `json:"last_click_over_view"`
		LastNon      map[string]float64 `json:"last_non_direct"`
		U            map[string]float64 `json:"u_40_20_40"`
		J            map[string]float64 `json:"j_20_20_60"`
		InverseJ     map[string]float64 `json:"inverse_j_60_20_20"`
		Linear       map[string]float64
	}
}

// Each timed journey becomes a user whose one conversion is worth the number
// of conversions of the reference.
func TestGoldenTimed(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for i, g := range golden[[]goldenTimed](t, "time.json") {
		j, err := NewJourneys(&JourneysOptions{Direct: "none of them"})
		require.NoError(t, err)
		for _, touch := range g.Touches {
			kind := Click
			if touch[1] == "view" {
				kind = View
			}
			require.NoError(t, j.Touch(1, Touch{
				Channel: touch[0].(string), Kind: kind,
				Time: at.Add(-time.Duration(touch[2].(float64)) * time.Second),
			}))
		}
		require.NoError(t, j.Convert(1, Conversion{ID: "x", Time: at, Value: g.Conv}))
		p, err := j.Paths(&PathOptions{
			Click: time.Duration(g.Click) * time.Second, View: time.Duration(g.View) * time.Second, SessionGap: -1,
		})
		require.NoError(t, err)
		kept := []string{}
		for id := range p.rows {
			if p.rows[id].conv.Value() > 0 {
				for _, c := range p.seqs.seq(uint32(id)) {
					kept = append(kept, p.channels.Name(c))
				}
			}
		}
		require.Equal(t, g.Out.Kept, kept, "journey %d", i)
		if g.Out.Unattributed != 0 {
			c, err := Linear(p)
			require.NoError(t, err)
			require.Equal(t, g.Out.Unattributed, c.Unattributed.Value, "journey %d", i)
			requireWhole(t, c)
		}
		for name, rule := range map[string]struct {
			want map[string]float64
			run  func() (Credits, error)
		}{
			"time decay": {g.Out.TimeDecay, func() (Credits, error) {
				return TimeDecay(p, time.Duration(g.HalfLife)*time.Second)
			}},
			"last click": {g.Out.LastClick, func() (Credits, error) { return LastClick(p) }},
			"last non":   {g.Out.LastNon, func() (Credits, error) { return LastNon(p, "direct") }},
			"u":          {g.Out.U, func() (Credits, error) { return Position(p, nil) }},
			"j": {g.Out.J, func() (Credits, error) {
				return Position(p, &PositionOptions{First: 20, Middle: 20, Last: 60})
			}},
			"inverse j": {g.Out.InverseJ, func() (Credits, error) {
				return Position(p, &PositionOptions{First: 60, Middle: 20, Last: 20})
			}},
			"linear": {g.Out.Linear, func() (Credits, error) { return Linear(p) }},
		} {
			c, err := rule.run()
			require.NoError(t, err)
			requireWhole(t, c)
			for ch, w := range rule.want {
				k, _ := c.Of(ch)
				near(t, w, k.Value, "journey %d: %s: %s", i, name, ch)
			}
		}
	}
}

// channelsOf is the path of names, one letter each.
func channelsOf(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, "")
}
