package disclosure_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/segment"
	"github.com/zhun-go/zhun/segment/disclosure"
)

// shop is an index of a thousand users.
func shop() *segment.Index {
	x, err := segment.NewIndex(segment.Schema{"ltv": segment.Number, "country": segment.String}, nil)
	if err != nil {
		panic(err)
	}
	noon := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	for u := range uint32(1000) {
		country := []string{"NZ", "AU", "AU"}[u%3]
		if err := x.Update(u+1, map[string]any{"ltv": u, "country": country}, noon); err != nil {
			panic(err)
		}
	}
	return x
}

func Example() {
	x := shop()
	partner, err := disclosure.New(nil)
	if err != nil {
		panic(err)
	}
	for _, rule := range []string{
		`ltv >= 500`,
		`ltv >= 995`, // five users
		`ltv >= 502`, // with the first answer, it tells of two
		`ltv >= 500 and country == "NZ"`,
		`ltv >= 0 and ltv != 77`, // all but one
	} {
		n, err := partner.Count(x.Within(nil), rule)
		switch {
		case errors.Is(err, disclosure.ErrSmall):
			fmt.Println(rule, "→ small")
		case errors.Is(err, disclosure.ErrDifference):
			fmt.Println(rule, "→ difference")
		default:
			fmt.Println(rule, "→", n, err)
		}
	}
	// Output:
	// ltv >= 500 → 500 <nil>
	// ltv >= 995 → small
	// ltv >= 502 → difference
	// ltv >= 500 and country == "NZ" → 167 <nil>
	// ltv >= 0 and ltv != 77 → difference
}

func ExampleGuard_Query() {
	x, consented := shop(), roaring.New()
	consented.AddRange(1, 801)
	partner, err := disclosure.New(&disclosure.Options{MinGroup: 100})
	if err != nil {
		panic(err)
	}
	if _, err := x.Define("vip", `ltv >= 500`); err != nil {
		panic(err)
	}
	users, err := partner.Query(x.Within(consented), `segment("vip")`)
	fmt.Println(users.GetCardinality(), err)
	_, err = partner.Query(x.Within(consented), `segment("vip") and ltv < 750`)
	fmt.Println(err)
	// Output:
	// 300 <nil>
	// disclosure: difference too small: with earlier releases or the population it would tell of fewer than 100 users
}

func ExampleGuard_Noisy() {
	x := shop()
	// A fixed source, so that the output is one: leave it out.
	g, err := disclosure.New(&disclosure.Options{Budget: .5, Random: rand.NewChaCha8([32]byte{1})})
	if err != nil {
		panic(err)
	}
	n, err := x.Count(`ltv >= 995`)
	if err != nil {
		panic(err)
	}
	for range 3 {
		noisy, err := g.Noisy(n, .2)
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Printf("%d ± %d, ε left %g\n", noisy.Count, noisy.Margin, noisy.Left)
	}
	// Output:
	// 12 ± 15, ε left 0.3
	// 5 ± 15, ε left 0.1
	// disclosure: privacy budget exhausted: ε = 0.2 asked, 0.1 left
}
