package sim

import (
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

// A plain item-to-item cosine on what people looked at and bought in the first 60 days must
// find clearly more of the new products bought in the last 30 days than the most popular
// products do.
func TestTastesCanBeLearned(t *testing.T) {
	w := newWorld(t, &Options{Customers: 2000})
	const split = 60
	seen := map[int]map[string]bool{} // looked at or bought before
	bought := map[int]map[string]bool{}
	later := map[int]map[string]bool{}
	put := func(m map[int]map[string]bool, c int, id string) {
		if m[c] == nil {
			m[c] = map[string]bool{}
		}
		m[c][id] = true
	}
	popular := map[string]float64{}
	for e := range w.Events() {
		if e.Hidden.Bot || e.Hidden.Duplicate {
			continue
		}
		before := w.dayOf(e.Hidden.Time.UnixNano()) < split
		for _, l := range e.Products {
			switch {
			case e.Name == "Order Completed" && !before:
				put(later, e.Customer(), l.Product.ID)
			case e.Name == "Order Completed":
				put(bought, e.Customer(), l.Product.ID)
				popular[l.Product.ID]++
			}
			if before && (e.Name == "Order Completed" || e.Name == "Product Viewed") {
				put(seen, e.Customer(), l.Product.ID)
			}
		}
	}
	norm := map[string]float64{}
	both := map[[2]string]float64{}
	for c := range w.opts.Customers {
		for a := range seen[c] {
			norm[a]++
			for b := range seen[c] {
				if a != b {
					both[[2]string{a, b}]++
				}
			}
		}
	}
	var byTaste, byPopularity, cases float64
	for c := range w.opts.Customers {
		if len(bought[c]) == 0 {
			continue
		}
		wanted := 0
		for id := range later[c] {
			if !bought[c][id] {
				wanted++
			}
		}
		if wanted == 0 {
			continue
		}
		cases++
		recall := func(score func(id string) float64) float64 {
			var ids []string
			scores := map[string]float64{}
			for _, p := range w.shop.products {
				if !bought[c][p.ID] {
					ids = append(ids, p.ID)
					scores[p.ID] = score(p.ID)
				}
			}
			sort.SliceStable(ids, func(i, j int) bool { return scores[ids[i]] > scores[ids[j]] })
			hits := 0
			for _, id := range ids[:20] {
				if later[c][id] {
					hits++
				}
			}
			return float64(hits) / float64(min(wanted, 20))
		}
		history := make([]string, 0, len(seen[c]))
		for id := range seen[c] {
			history = append(history, id)
		}
		slices.Sort(history)
		byTaste += recall(func(id string) (s float64) {
			for _, h := range history {
				if n := both[[2]string{h, id}]; n > 0 {
					s += n / math.Sqrt(norm[h]*norm[id])
				}
			}
			return s
		})
		byPopularity += recall(func(id string) float64 { return popular[id] })
	}
	t.Logf("recall@20 over %v customers: cosine %.3f, popularity %.3f", cases, byTaste/cases, byPopularity/cases)
	require.Greater(t, cases, 150.0)
	require.Greater(t, byTaste, 1.5*byPopularity)
}

// Complements stand together in baskets far more often than by chance.
func TestComplementsAreBoughtTogether(t *testing.T) {
	w := newWorld(t, &Options{Customers: 2000})
	complement := map[string]string{}
	for _, c := range w.Truth().Complements {
		complement[c[0]] = c[1]
	}
	var pairs, together float64
	for e := range w.Events() {
		if e.Name != "Order Completed" || e.Hidden.Duplicate {
			continue
		}
		for i := range e.Products[:len(e.Products)-1] {
			pairs++
			if complement[e.Products[i].Product.ID] == e.Products[i+1].Product.ID {
				together++
			}
		}
	}
	require.InDelta(t, complementShare, together/pairs, 0.06)
}

func TestCatalogue(t *testing.T) {
	c := newCatalogue(1)
	require.Len(t, c.products, 400)
	ids := map[string]bool{}
	for i, p := range c.products {
		require.False(t, ids[p.ID] || ids[p.SKU])
		ids[p.ID], ids[p.SKU] = true, true
		require.NotEqual(t, i, p.Complement)
		require.NotEqual(t, p.Category, c.products[p.Complement].Category)
		require.Positive(t, p.Price)
	}
	require.NotEqual(t, c.products, newCatalogue(2).products)
	require.Equal(t, []float64{0.25, 0.5, 1}, cumulative([]float64{1, 1, 2}))
	for u, want := range map[float64]int{0: 0, 0.2499: 0, 0.25: 1, 0.5: 2, 0.9999: 2} {
		require.Equal(t, want, draw([]float64{0.25, 0.5, 1}, u))
	}
}

// Position rules pay the null player: banners stand before orders more often than on other
// days, and are the last touch before some. That is what the truth is there to show.
func TestDisplayChasesBuyers(t *testing.T) {
	w := newWorld(t, nil)
	var orders, met, days, all float64
	for id := range w.opts.Customers {
		p := w.newPerson(id)
		for d := range w.days {
			x := w.live(&p, d, w.on)
			if x.slot.base == 0 {
				continue
			}
			seen := b2f(x.touch[display] != none)
			days++
			all += seen
			if x.bought {
				orders++
				met += seen
			}
		}
	}
	t.Logf("banners on %.3f of the days with orders, on %.3f of all", met/orders, all/days)
	require.Greater(t, met/orders, 1.5*all/days)
}
