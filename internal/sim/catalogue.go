package sim

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// Product is one article of the shop.
type Product struct {
	ID, SKU, Name, Category string
	Price                   int64 // in cents, without promotion
	Style                   int   // the hidden taste within the category that it serves
	Quality                 float64
	Complement              int // index of the product that it is often bought with
}

const (
	styles          = 4
	perStyle        = 10
	perCategory     = styles * perStyle
	complementShare = 0.35 // chance that a further line is the complement of the one before
	stapleShare     = 0.22 // chance that a line is one of the customer's staples
	favouriteShare  = 0.85 // chance that a line is from one of the three favourite categories
	styleShare      = 0.80 // chance that a line is in the customer's style of its category

	// Prices are log-normal. Online Retail: the median price of its 3,502 products has
	// quantiles .10 .25 .50 .75 .90 = 0.42 0.85 1.95 3.75 7.50 and standard deviation 1.04
	// of the logarithm (0.92 weighted by lines). The spread is taken from there. The level
	// is CDNOW's: 35.32 per order at 2.38 units, where Online Retail sells to the trade.
	priceMedian = 10.4
	priceSpread = 0.92
)

var categories = [...]struct {
	name    string
	nouns   [styles]string
	popular float64
}{
	{"kitchen", [styles]string{"Saucepan", "Cake Tin", "Teapot", "Chopping Board"}, 1.6},
	{"garden", [styles]string{"Watering Can", "Bird Feeder", "Lantern", "Herb Planter"}, 1.1},
	{"toys", [styles]string{"Wooden Train", "Puzzle", "Rag Doll", "Spinning Top"}, 1.3},
	{"stationery", [styles]string{"Notebook", "Fountain Pen", "Gift Wrap", "Desk Tidy"}, 1.0},
	{"lighting", [styles]string{"Night Light", "Candle Holder", "Table Lamp", "Light Garland"}, 0.8},
	{"textiles", [styles]string{"Cushion", "Blanket", "Tea Towel", "Table Runner"}, 1.0},
	{"bags", [styles]string{"Lunch Bag", "Shopper", "Rucksack", "Wash Bag"}, 1.4},
	{"baby", [styles]string{"Bib", "Mobile", "Sleeping Bag", "Rattle"}, 0.6},
	{"sports", [styles]string{"Bottle", "Yoga Mat", "Skipping Rope", "Towel"}, 0.7},
	{"music", [styles]string{"Ukulele", "Songbook", "Music Box", "Harmonica"}, 0.5},
}

var adjectives = [perStyle]string{"Red", "Vintage", "Blue", "Retro", "Striped", "Classic", "Spotty", "Oak", "Jumbo", "Paper"}

// styleWeight is the popularity of the styles of a category.
var styleWeight = [styles]float64{0.40, 0.27, 0.19, 0.14}

// catalogue is the shop's range and the tables from which products are drawn. Popularity
// within a style falls like rank^(−1.15); over the whole range that puts .23 .59 .88 of all
// lines on the first 5, 20, 50 % of the products. Online Retail: .31 .67 .92.
type catalogue struct {
	products []Product
	category []float64 // cumulative popularity of the categories
	style    []float64
	rank     []float64
}

func newCatalogue(seed uint64) *catalogue {
	root := keyOf(seed, purposeProduct, 0)
	c := &catalogue{}
	weights := make([]float64, len(categories))
	for i, x := range categories {
		weights[i] = x.popular
	}
	c.category = cumulative(weights)
	c.style = cumulative(styleWeight[:])
	ranks := make([]float64, perStyle)
	for r := range ranks {
		ranks[r] = math.Pow(float64(r+1), -1.15)
	}
	c.rank = cumulative(ranks)
	for cat, x := range categories {
		for s := range styles {
			levels := priceLevels(root, cat*styles+s)
			for r := range perStyle {
				n := len(c.products)
				z := levels[r]
				cents := math.Round(100 * priceMedian * math.Exp(priceSpread*z))
				other := c.index((cat+1+root.pick(n, purposeProduct, 1, 3))%len(categories),
					root.pick(n, purposeProduct, 2, styles), root.pick(n, purposeProduct, 3, 4))
				c.products = append(c.products, Product{
					ID:         fmt.Sprintf("p%03d", n+1),
					SKU:        fmt.Sprintf("%c%c-%05d", x.name[0]-32, x.name[1]-32, 10007+37*n),
					Name:       adjectives[r] + " " + x.nouns[s],
					Category:   x.name,
					Price:      max(int64(cents), 35),
					Style:      s,
					Quality:    z*0.25 + 0.5*root.normal(n, purposeProduct, 4),
					Complement: other,
				})
			}
		}
	}
	return c
}

// priceLevels deals normal draws to the ranks of one style, one from each tenth of the
// distribution: so few products carry most of the sales that free draws would make the
// level of prices a matter of the seed.
func priceLevels(root key, style int) (z [perStyle]float64) {
	var order [perStyle]int
	for i := range order {
		j := root.pick(style, purposeProduct, 16+i, i+1)
		order[i], order[j] = order[j], i
	}
	for r, tenth := range order {
		z[r] = normalQuantile((float64(tenth) + root.uniform(style, purposeProduct, 32+r)) / perStyle)
	}
	return z
}

func (c *catalogue) index(category, style, rank int) int {
	return category*perCategory + style*perStyle + rank
}

func cumulative(weights []float64) []float64 {
	c := slices.Clone(weights)
	for i := 1; i < len(c); i++ {
		c[i] += c[i-1]
	}
	for i := range c {
		c[i] /= c[len(c)-1]
	}
	c[len(c)-1] = 1
	return c
}

// draw finds u in a cumulative table.
func draw(table []float64, u float64) int {
	return sort.Search(len(table)-1, func(i int) bool { return u < table[i] })
}

// staples are the products that a customer buys again and again.
const staples = 3

// taste is what a customer likes, for life.
type taste struct {
	favourites [3]uint8
	styles     [len(categories)]uint8
	staples    [staples]uint16
}

func (c *catalogue) newTaste(k key, t Type) taste {
	var x taste
	for i := range x.favourites {
		for try := 0; ; try++ {
			f := uint8(draw(c.category, k.uniform(timeless, purposeTaste, i*32+try)))
			if !slices.Contains(x.favourites[:i], f) || try == 31 {
				x.favourites[i] = f
				break
			}
		}
	}
	for i := range x.styles {
		x.styles[i] = uint8(draw(c.style, k.uniform(timeless, purposeStyle, i)))
	}
	for i := range x.staples {
		x.staples[i] = uint16(c.fresh(k, &x, t, timeless, i))
	}
	return x
}

// choose draws a product for a customer; index separates the choices of one slot.
func (c *catalogue) choose(k key, x *taste, t Type, slot, index int) int {
	if u := k.uniform(slot, purposePick, index*8+7); u < stapleShare {
		return int(x.staples[int(u/stapleShare*staples)])
	}
	return c.fresh(k, x, t, slot, index)
}

// fresh draws by taste: favourite category, style, then popularity; and where the type
// minds prices, the better of two candidates.
func (c *catalogue) fresh(k key, x *taste, t Type, slot, index int) int {
	var category int
	switch u := k.uniform(slot, purposePick, index*8); {
	case u < favouriteShare*0.5:
		category = int(x.favourites[0])
	case u < favouriteShare*0.8:
		category = int(x.favourites[1])
	case u < favouriteShare:
		category = int(x.favourites[2])
	default:
		category = draw(c.category, (u-favouriteShare)/(1-favouriteShare))
	}
	style := int(x.styles[category])
	if u := k.uniform(slot, purposePick, index*8+1); u >= styleShare {
		style = draw(c.style, (u-styleShare)/(1-styleShare))
	}
	a := c.index(category, style, draw(c.rank, k.uniform(slot, purposePick, index*8+2)))
	spec := &typeTable[t]
	u := k.uniform(slot, purposePick, index*8+3)
	if u >= spec.cheap+spec.dear {
		return a
	}
	b := c.index(category, style, draw(c.rank, k.uniform(slot, purposePick, index*8+4)))
	if cheaper := c.products[b].Price < c.products[a].Price; cheaper == (u < spec.cheap) {
		return b
	}
	return a
}
