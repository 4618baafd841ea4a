package recommend

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/ids"
)

// slowModel is the definition of an item neighbourhood model written down
// without regard to speed: X as maps, every pair of items, full sorts.
type slowModel struct {
	items []string
	x     map[string]map[uint32]float64 // item, user
	w     map[string]map[string]float64 // source, target
}

func slowMatrix(h *History) *slowModel {
	m := &slowModel{x: map[string]map[uint32]float64{}}
	for _, u := range h.Users() {
		sums := map[string]float64{}
		for _, i := range h.Of(u) {
			sums[i.Item] += i.Weight
		}
		for item, s := range sums {
			if v := h.set.value.of(s); v > 0 {
				if m.x[item] == nil {
					m.x[item] = map[uint32]float64{}
					m.items = append(m.items, item)
				}
				m.x[item][u] = v
			}
		}
	}
	slices.SortFunc(m.items, ids.Compare)
	return m
}

func (m *slowModel) allOnes() bool {
	for _, users := range m.x {
		for _, x := range users {
			if x != 1 {
				return false
			}
		}
	}
	return true
}

func (m *slowModel) users() map[uint32][]string {
	out := map[uint32][]string{}
	for _, i := range m.items {
		for u := range m.x[i] {
			out[u] = append(out[u], i)
		}
	}
	return out
}

// fit computes every weight by its formula.
func (m *slowModel) fit(s Similarity) {
	users := m.users()
	n := func(i string) float64 { return float64(len(m.x[i])) }
	dot := func(i, j string, f func(u uint32, x, y float64) float64) (sum float64) {
		for u, x := range m.x[i] {
			if y, ok := m.x[j][u]; ok {
				sum += f(u, x, y)
			}
		}
		return sum
	}
	product := func(_ uint32, x, y float64) float64 { return x * y }
	both := func(uint32, float64, float64) float64 { return 1 }
	idf := func(u uint32) float64 { return math.Log(float64(len(m.items))) - math.Log(float64(1+len(users[u]))) }
	total := func(i string) (sum float64) {
		for _, x := range m.x[i] {
			sum += x
		}
		return sum
	}
	ofUser := func(u uint32) (sum float64) {
		for _, i := range users[u] {
			sum += m.x[i][u]
		}
		return sum
	}
	mean := 0.0
	for _, i := range m.items {
		mean += total(i) / float64(len(m.items))
	}
	bm25 := func(p BM25, i string, u uint32, x float64) float64 {
		return (p.K1 + 1) * x / (p.K1*((1-p.B)+p.B*total(i)/mean) + x) * idf(u)
	}
	weight := func(i, j string) float64 {
		switch s := s.(type) {
		case Cosine:
			return dot(i, j, product) / (math.Sqrt(dot(i, i, product)*dot(j, j, product)) + s.Shrink)
		case AdjustedCosine:
			mean := func(u uint32) float64 { return ofUser(u) / float64(len(users[u])) }
			f := func(u uint32, x, y float64) float64 { return (x - mean(u)) * (y - mean(u)) }
			d := math.Sqrt(dot(i, i, f)*dot(j, j, f)) + s.Shrink
			if w := dot(i, j, f) / d; d > 1e-12 && w >= 1e-9 {
				return w
			}
			return 0
		case AsymmetricCosine:
			return dot(i, j, product) / (math.Pow(dot(i, i, product), s.Exponent)*math.Pow(dot(j, j, product), 1-s.Exponent) + s.Shrink)
		case Jaccard:
			g := dot(i, j, both)
			return g / (n(i) + n(j) - g)
		case Tversky:
			g := dot(i, j, both)
			if g == 0 {
				return 0
			}
			return g / (g + s.Source*(n(i)-g) + s.Target*(n(j)-g))
		case Lift:
			return dot(i, j, both) * float64(len(users)) / (n(i) * n(j))
		case LLR:
			k11 := dot(i, j, both)
			k12, k21 := n(i)-k11, n(j)-k11
			k22 := float64(len(users)) - k11 - k12 - k21
			if k11*k22 <= k12*k21 {
				return 0
			}
			// Dunning's entropies, another way of writing the same.
			h := func(k ...float64) (sum float64) {
				all := 0.0
				for _, x := range k {
					all += x
				}
				for _, x := range k {
					if x > 0 {
						sum += x * math.Log(x/all)
					}
				}
				return sum
			}
			return 2 * (h(k11, k12, k21, k22) - h(k11+k12, k21+k22) - h(k11+k21, k12+k22))
		case TFIDF:
			f := func(u uint32, x, y float64) float64 { return x * y * idf(u) * idf(u) }
			if d := math.Sqrt(dot(i, i, f) * dot(j, j, f)); d > 0 {
				return dot(i, j, f) / d
			}
			return 0
		case BM25:
			return dot(i, j, func(u uint32, x, y float64) float64 { return bm25(s, i, u, x) * bm25(s, j, u, y) })
		case P3Alpha:
			return dot(i, j, func(u uint32, x, y float64) float64 {
				return math.Pow(x/total(i), s.Alpha) * math.Pow(y/ofUser(u), s.Alpha)
			})
		case RP3Beta:
			return dot(i, j, func(u uint32, x, y float64) float64 {
				return math.Pow(x/total(i), s.Alpha) * math.Pow(y/ofUser(u), s.Alpha)
			}) / math.Pow(total(j), s.Beta)
		}
		panic("no such similarity")
	}
	m.w = map[string]map[string]float64{}
	for _, i := range m.items {
		m.w[i] = map[string]float64{}
		for _, j := range m.items {
			if w := weight(i, j); i != j && w > 0 {
				m.w[i][j] = w
			}
		}
	}
}

// dropChance leaves out the pairs with a log-likelihood ratio below a limit.
// Those at the limit may be either in the fit; the caller's limits are none.
func (m *slowModel) dropChance(limit float64) {
	if limit == 0 {
		return
	}
	ratios := &slowModel{items: m.items, x: m.x}
	ratios.fit(LLR{})
	for i := range m.w {
		for j := range m.w[i] {
			if ratios.w[i][j] < limit {
				delete(m.w[i], j)
			}
		}
	}
}

// keep cuts to the k largest per target or per source. Weights that differ by
// less than rounding are one value: of those all are kept, and returned as the
// second map of what may also be missing.
func (m *slowModel) keep(k int, perSource bool) (w, border map[string]map[string]bool) {
	w, border = map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, own := range m.items {
		w[own], border[own] = map[string]bool{}, map[string]bool{}
		type cand struct {
			other string
			v     float64
		}
		var list []cand
		for _, other := range m.items {
			v := m.w[other][own]
			if perSource {
				v = m.w[own][other]
			}
			if v > 0 {
				list = append(list, cand{other, v})
			}
		}
		slices.SortStableFunc(list, func(a, b cand) int { return cmp.Compare(b.v, a.v) })
		for r, c := range list {
			last := list[min(k, len(list))-1].v
			near := len(list) > k && math.Abs(c.v-last) <= 1e-9*last
			if near {
				border[own][c.other] = true
			} else if r < k {
				w[own][c.other] = true
			}
		}
	}
	return w, border
}

func similarities() *rapid.Generator[Similarity] {
	f := func(lo, hi float64) *rapid.Generator[float64] { return rapid.Float64Range(lo, hi) }
	return rapid.OneOf(
		rapid.Just[Similarity](Cosine{}), rapid.Just[Similarity](Jaccard{}), rapid.Just[Similarity](Lift{}),
		rapid.Just[Similarity](LLR{}), rapid.Just[Similarity](TFIDF{}),
		rapid.Just[Similarity](AdjustedCosine{}),
		rapid.Custom(func(t *rapid.T) Similarity { return AdjustedCosine{f(0, 3).Draw(t, "shrink")} }),
		rapid.Custom(func(t *rapid.T) Similarity { return Cosine{f(0, 50).Draw(t, "shrink")} }),
		rapid.Custom(func(t *rapid.T) Similarity {
			return AsymmetricCosine{f(0, 1).Draw(t, "exp"), f(0, 9).Draw(t, "shrink")}
		}),
		rapid.Custom(func(t *rapid.T) Similarity { return Tversky{f(0, 2).Draw(t, "src"), f(0, 2).Draw(t, "tgt")} }),
		rapid.Custom(func(t *rapid.T) Similarity { return BM25{f(0, 3).Draw(t, "k1"), f(0, 1).Draw(t, "b")} }),
		rapid.Custom(func(t *rapid.T) Similarity { return P3Alpha{f(0, 2).Draw(t, "alpha")} }),
		rapid.Custom(func(t *rapid.T) Similarity { return RP3Beta{f(0, 2).Draw(t, "alpha"), f(0, 1).Draw(t, "beta")} }),
	)
}

// histories draws small histories with repeated, removed and tied rows.
func histories() *rapid.Generator[*History] {
	return rapid.Custom(func(t *rapid.T) *History {
		value := rapid.SampledFrom([]Value{Binary(), Binary(), Log1p(), Cap(2)}).Draw(t, "value")
		h, err := NewHistory(&HistoryOptions{Value: value})
		require.NoError(t, err)
		items := rapid.IntRange(1, 14).Draw(t, "items")
		users := rapid.IntRange(1, 12).Draw(t, "users")
		for range rapid.IntRange(1, 80).Draw(t, "rows") {
			user := uint32(rapid.IntRange(1, users).Draw(t, "user"))
			item := strconv.Itoa(rapid.IntRange(1, items).Draw(t, "item"))
			weight := float64(rapid.IntRange(1, 4).Draw(t, "weight"))
			if rapid.IntRange(0, 9).Draw(t, "remove") == 0 {
				require.NoError(t, h.Remove(user, item, weight, day0))
			} else {
				require.NoError(t, h.Add(user, item, weight, day0))
			}
		}
		return h
	})
}

// Every similarity and pruning against its formula, on random data.
func TestItemKNNAgainstFormulas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		s := similarities().Draw(t, "similarity")
		k := rapid.IntRange(1, 6).Draw(t, "k")
		perSource := rapid.Bool().Draw(t, "per source")
		slow := slowMatrix(h)
		limit := rapid.SampledFrom([]float64{0, 0, 0.0123, 0.777, 2.0101}).Draw(t, "llr")
		m, err := FitItemKNN(t.Context(), h, &ItemKNNOptions{Similarity: s, K: k, PerSource: perSource, MinLLR: limit})
		if len(slow.items) == 0 {
			require.ErrorIs(t, err, ErrEmpty)
			return
		}
		if _, ok := s.(AdjustedCosine); ok && slow.allOnes() {
			require.ErrorIs(t, err, ErrOption)
			return
		}
		require.NoError(t, err)
		require.Equal(t, slow.items, m.cat.names)
		slow.fit(s)
		slow.dropChance(limit)
		sure, border := slow.keep(k, perSource)
		for _, own := range slow.items {
			n := 0
			for _, other := range slow.items {
				source, target := other, own
				if perSource {
					source, target = own, other
				}
				got, want := m.Weight(source, target), slow.w[source][target]
				if got != 0 {
					n++
				}
				switch {
				case sure[own][other]:
					require.InEpsilon(t, want, got, 1e-9, "%v: weight of %s for %s", s, source, target)
				case border[own][other]:
					require.True(t, got == 0 || math.Abs(got-want) <= 1e-9*want, "%v: weight of %s for %s is %v, want 0 or %v", s, source, target, got, want)
				default:
					// LLR near independence is positive or zero by rounding.
					require.InDelta(t, 0, got, 1e-9, "%v: weight of %s for %s", s, source, target)
				}
			}
			require.LessOrEqual(t, n, k)
		}
	})
}

// Binary cosine compares G²/n as exact fractions; ties go to the smaller id.
func TestCosineOrderIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		k := rapid.IntRange(1, 4).Draw(t, "k")
		slow := slowMatrix(h)
		if h.set.value != Binary() || len(slow.items) == 0 {
			t.Skip("binary, not empty")
		}
		m, err := FitItemKNN(t.Context(), h, &ItemKNNOptions{K: k})
		require.NoError(t, err)
		count := func(i, j string) (g int) {
			for u := range slow.x[i] {
				if _, ok := slow.x[j][u]; ok {
					g++
				}
			}
			return g
		}
		for _, target := range slow.items {
			sources := slices.Clone(slow.items)
			slices.SortStableFunc(sources, func(a, b string) int {
				ga, gb := count(a, target), count(b, target)
				return cmp.Compare(gb*gb*len(slow.x[a]), ga*ga*len(slow.x[b]))
			})
			sources = slices.DeleteFunc(sources, func(s string) bool { return s == target || count(s, target) == 0 })
			for r, s := range sources {
				require.Equal(t, r < k, m.Weight(s, target) > 0, "source %d of %v for %s", r, sources, target)
			}
		}
	})
}

// Neither the number of workers nor the order of arrival shows in one bit of
// any model.
func TestFitIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		s := similarities().Draw(t, "similarity")
		limit := rapid.SampledFrom([]float64{0, 0, 0.5}).Draw(t, "llr")
		ctx := t.Context()
		for name, fit := range map[string]func(h *History, workers int) (*Model, error){
			"knn": func(h *History, workers int) (*Model, error) {
				return FitItemKNN(ctx, h, &ItemKNNOptions{Similarity: s, K: 3, MinLLR: limit, Workers: workers})
			},
			"per source": func(h *History, workers int) (*Model, error) {
				return FitItemKNN(ctx, h, &ItemKNNOptions{K: 2, PerSource: true, RowLimit: 1, Workers: workers})
			},
			"ease": func(h *History, workers int) (*Model, error) {
				return FitEASE(ctx, h, &EASEOptions{Lambda: 3, Workers: workers})
			},
			"edlae": func(h *History, workers int) (*Model, error) {
				return FitEASE(ctx, h, &EASEOptions{Lambda: 3, Dropout: 0.4, Keep: 2, Workers: workers})
			},
			"local ridge": func(h *History, workers int) (*Model, error) {
				return FitLocalRidge(ctx, h, &LocalRidgeOptions{Candidates: 4, Lambda: 2, Workers: workers})
			},
			"slim": func(h *History, workers int) (*Model, error) {
				return FitSLIM(ctx, h, &SLIMOptions{Candidates: 4, L1: 0.1, L2: 2, Workers: workers})
			},
		} {
			bytes := func(h *History, workers int) []byte {
				m, err := fit(h, workers)
				if _, adjusted := s.(AdjustedCosine); adjusted && errors.Is(err, ErrOption) {
					return nil // every value is 1
				}
				if err != nil {
					require.ErrorIs(t, err, ErrEmpty)
					return nil
				}
				b, err := m.AppendBinary(nil)
				require.NoError(t, err)
				return b
			}
			want := bytes(h, 1)
			for _, workers := range []int{2, 3, 64} {
				require.Equal(t, want, bytes(h, workers), "%s, %d workers", name, workers)
			}
			require.Equal(t, want, bytes(shuffled(t, h), 2), name)
		}
	})
}

// shuffled is a history of the same rows that came in another order.
func shuffled(t *rapid.T, h *History) *History {
	type step struct {
		user uint32
		Interaction
	}
	var log []step
	for _, u := range h.Users() {
		for _, i := range h.Of(u) {
			log = append(log, step{u, i})
		}
	}
	other := newHistory(h.set)
	for _, x := range rapid.Permutation(log).Draw(t, "log") {
		if x.Weight > 0 {
			require.NoError(t, other.Add(x.user, x.Item, x.Weight, x.Time))
		} else {
			require.NoError(t, other.Remove(x.user, x.Item, -x.Weight, x.Time))
		}
	}
	return other
}

func TestSelector(t *testing.T) {
	var s selector
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(0x1p-1000, 1e300), rapid.SampledFrom([]float64{1, 2, 3, 0.25})), 1, 300).Draw(t, "keys")
		k := rapid.IntRange(1, 60).Draw(t, "k")
		bits := make([]uint64, len(keys))
		items := rapid.Permutation(sequenceOf(len(keys))).Draw(t, "items")
		want := make([]candidate, len(keys))
		for i, x := range keys {
			bits[i] = math.Float64bits(x)
			want[i] = candidate{key: bits[i], item: items[i], at: uint32(i)}
		}
		slices.SortFunc(want, func(a, b candidate) int {
			if a.better(b) {
				return -1
			}
			return 1
		})
		var got, top []uint32
		for _, c := range s.best(bits, k, func(at uint32) uint32 { return items[at] }) {
			got = append(got, c.at)
		}
		for _, c := range want[:min(k, len(want))] {
			top = append(top, c.at)
		}
		require.ElementsMatch(t, top, got)
	})
}
