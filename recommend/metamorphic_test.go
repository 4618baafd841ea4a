package recommend

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deed is one interaction.
type deed struct {
	user   uint32
	item   int
	weight float64
	at     time.Time
}

func someDeeds(r *rand.Rand) (list []deed) {
	for range 150 + r.IntN(100) {
		list = append(list, deed{uint32(1 + r.IntN(40)), r.IntN(12), float64(1 + r.IntN(4)), extremeDay.Add(time.Duration(r.IntN(3000)) * time.Minute)})
	}
	return list
}

func historyOf(t testing.TB, list []deed, value Value, change func(d *deed), name func(item int) string) *History {
	h, err := NewHistory(&HistoryOptions{Value: value, Retain: -1})
	require.NoError(t, err)
	for _, d := range list {
		change(&d)
		require.NoError(t, h.Add(d.user, name(d.item), d.weight, d.at))
	}
	return h
}

func plainName(item int) string { return fmt.Sprintf("%02d", item) }

func same(*deed) {}

// fits are models without ties in what they keep: K and the candidates are more
// than the items.
var metamorphicFits = map[string]func(h *History, penalty float64) (*Model, error){
	"EASE": func(h *History, p float64) (*Model, error) {
		return FitEASE(context.Background(), h, &EASEOptions{Lambda: 10 * p})
	},
	"EDLAE": func(h *History, p float64) (*Model, error) {
		return FitEASE(context.Background(), h, &EASEOptions{Lambda: 10 * p, Dropout: .5})
	},
	"local ridge": func(h *History, p float64) (*Model, error) {
		return FitLocalRidge(context.Background(), h, &LocalRidgeOptions{Lambda: 10 * p})
	},
	"SLIM": func(h *History, p float64) (*Model, error) {
		return FitSLIM(context.Background(), h, &SLIMOptions{L1: p, L2: 10 * p})
	},
}

func allFits() map[string]func(h *History, penalty float64) (*Model, error) {
	all := map[string]func(h *History, penalty float64) (*Model, error){}
	for name, f := range metamorphicFits {
		all[name] = f
	}
	for _, s := range []Similarity{Cosine{}, AsymmetricCosine{.7, 0}, Jaccard{}, Tversky{.5, .2}, Lift{}, LLR{}, TFIDF{}, BM25{1.2, .75}, P3Alpha{.8}, RP3Beta{.8, .4}} {
		all[s.String()] = func(h *History, _ float64) (*Model, error) {
			return FitItemKNN(context.Background(), h, &ItemKNNOptions{Similarity: s})
		}
	}
	all[AdjustedCosine{}.String()] = func(h *History, _ float64) (*Model, error) {
		return FitItemKNN(context.Background(), h, &ItemKNNOptions{Similarity: AdjustedCosine{}})
	}
	return all
}

func requireSameWeights(t *testing.T, want, got *Model, from, to func(int) string, factor float64, msg string) {
	for i := range 12 {
		for j := range 12 {
			w, g := want.Weight(from(i), from(j)), got.Weight(to(i), to(j))
			require.InDelta(t, w*factor, g, 1e-8*(1e-3+math.Abs(w)), "%s: %d for %d", msg, i, j)
		}
	}
}

// What users and items are called, and when time began, is nothing to a model;
// nor is the unit of values to one that has no parameter in it, or whose penalty
// is in the square of it; nor how often everybody was cloned, to one that knows
// shares of users only.
func TestModelsDoNotDependOnNames(t *testing.T) {
	r := rand.New(rand.NewPCG(91, 1))
	zone := time.FixedZone("", 5*3600)
	for range 8 {
		deeds := someDeeds(r)
		users, items := r.Perm(50), r.Perm(12)
		shift := time.Duration(r.IntN(1e9)) * time.Second
		renamed := func(item int) string { return fmt.Sprintf("%d-new", items[item]*items[item]) }
		for _, value := range []Value{Binary(), Cap(1e12)} {
			plain := historyOf(t, deeds, value, same, plainName)
			moved := historyOf(t, deeds, value, func(d *deed) { d.user, d.at = uint32(1+users[d.user]), d.at.Add(shift).In(zone) }, renamed)
			scaled := historyOf(t, deeds, value, func(d *deed) { d.weight *= 1024 }, plainName)
			twice := historyOf(t, append(deeds[:len(deeds):len(deeds)], deeds...), value, same, plainName)
			cloned := historyOf(t, deeds, value, same, plainName)
			for _, d := range deeds {
				require.NoError(t, cloned.Add(d.user+100, plainName(d.item), d.weight, d.at))
			}
			for name, fit := range allFits() {
				want, err := fit(plain, 1)
				if name == (AdjustedCosine{}).String() && value == Binary() {
					require.ErrorIs(t, err, ErrOption)
					continue
				}
				require.NoError(t, err, name)
				got, err := fit(moved, 1)
				require.NoError(t, err)
				requireSameWeights(t, want, got, plainName, renamed, 1, name+", renamed")

				_, linear := metamorphicFits[name]
				graded := value != Binary()
				if name != (BM25{1.2, .75}).String() { // whose frequencies have a unit
					penalty, unit := 1.0, 1.0
					if graded {
						penalty = 1 << 20
					}
					if graded && name == (RP3Beta{.8, .4}).String() {
						unit = math.Pow(1024, -.4) // how much there is of the target
					}
					got, err = fit(scaled, penalty)
					require.NoError(t, err)
					requireSameWeights(t, want, got, plainName, plainName, unit, name+", values in another unit")
					if !graded {
						got, err = fit(twice, 1)
						require.NoError(t, err)
						requireSameWeights(t, want, got, plainName, plainName, 1, name+", everything twice")
					}
				}
				factor := 1.0
				switch name {
				case (LLR{}).String():
					factor = 2
				case (P3Alpha{.8}).String():
					factor = math.Pow(2, 1-.8)
				case (RP3Beta{.8, .4}).String():
					factor = math.Pow(2, 1-.8-.4)
				case (BM25{1.2, .75}).String():
					factor = 2
				}
				penalty := 1.0
				if linear {
					penalty = 2
				}
				got, err = fit(cloned, penalty)
				require.NoError(t, err)
				requireSameWeights(t, want, got, plainName, plainName, factor, name+", users cloned")
			}
		}
	}
}

// A decayed history depends on ages alone.
func TestDecayElsewhere(t *testing.T) {
	r := rand.New(rand.NewPCG(92, 1))
	for range 20 {
		deeds := someDeeds(r)
		shift := time.Duration(r.IntN(1e9)) * time.Second
		now := extremeDay.Add(72 * time.Hour)
		a, err := Decay(historyOf(t, deeds, Log1p(), same, plainName), 5*time.Hour, now)
		require.NoError(t, err)
		b, err := Decay(historyOf(t, deeds, Log1p(), func(d *deed) { d.at = d.at.Add(shift) }, plainName), 5*time.Hour, now.Add(shift).Local())
		require.NoError(t, err)
		for user := range uint32(41) {
			x, y := a.Of(user), b.Of(user)
			require.Len(t, y, len(x))
			for i := range x {
				require.Equal(t, x[i].Item, y[i].Item)
				require.InEpsilon(t, x[i].Weight, y[i].Weight, 1e-12)
			}
		}
	}
}
