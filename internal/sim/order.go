package sim

// Line is one line of an order or one product of an event.
type Line struct {
	Product  *Product
	Price    int64 // of one, in cents, after the promotion
	Quantity int
}

// basket is the content of the order that a customer makes on a day, if one is made.
type basket struct{ lines []Line }

// Lines per order. CDNOW's units per order, 1 2 3 4 5 6 7 ≥8: .446 .238 .144 .070 .036 .022
// .014 .030, mean 2.38, quantiles .50 .75 .90 .95 .99 = 2 3 5 6 11. Online Retail's lines
// (2 6 15 26 43 at .10 .25 .50 .75 .90) are those of a trade shop and are not imitated.
var lineShares = cumulative([]float64{.446, .238, .144, .070, .036, .022, .014, .010, .007, .005, .004, .002, .002})

const doubleShare = 0.08 // of lines with two of the product

// revenue is the sum of the lines in cents.
func (b basket) revenue() int64 {
	var sum int64
	for _, l := range b.lines {
		sum += l.Price * int64(l.Quantity)
	}
	return sum
}

// price of a product on a day.
func (w *World) price(p *Product, d int) int64 {
	return p.Price - int64(float64(p.Price)*w.days[d].discount)
}

func (w *World) basket(c *customer, d int) basket {
	n := 1 + draw(lineShares, c.k.uniform(d, purposeBasket, 0))
	b := basket{lines: make([]Line, 0, n)}
	last := -1
	for i := range n {
		var product int
		if last >= 0 && c.k.chance(d, purposeBasket, 1+i, complementShare) {
			product = w.shop.products[last].Complement
		} else {
			product = w.shop.choose(c.k, &c.taste, c.kind, d, i)
		}
		last = product
		b.add(w, product, d, c.k.chance(d, purposeBasket, 64+i, doubleShare))
	}
	return b
}

func (b *basket) add(w *World, product, d int, twice bool) {
	p := &w.shop.products[product]
	for i := range b.lines {
		if b.lines[i].Product == p {
			b.lines[i].Quantity++
			return
		}
	}
	l := Line{Product: p, Price: w.price(p, d), Quantity: 1}
	if twice {
		l.Quantity = 2
	}
	b.lines = append(b.lines, l)
}

// shipping in cents: free above 40.00 and in the treatment arm.
func shipping(revenue int64, free bool) int64 {
	if free || revenue >= 4000 {
		return 0
	}
	return 490
}

// orderID names the order of a customer's day.
func (w *World) orderID(c *customer, d int) string {
	return "o" + hex16(c.k.bits(d, purposeOrderTime, 3))[:12]
}
