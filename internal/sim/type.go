package sim

// Type is the latent kind of a customer. Nothing in the events names it.
type Type uint8

// The four types, with their shares of the customers: 0.30, 0.25, 0.20, 0.25.
const (
	PriceSensitive Type = iota
	QualitySeeking
	SociallyDriven
	Rest
	types
)

// Types lists all types in order.
func Types() []Type { return []Type{PriceSensitive, QualitySeeking, SociallyDriven, Rest} }

// String gives "price-sensitive", "quality-seeking", "socially-driven" or "rest".
func (t Type) String() string {
	if t >= types {
		return "unknown"
	}
	return typeTable[t].name
}

type typeSpec struct {
	name      string
	share     float64 // of all customers
	rate      float64 // factor on the rate of buying
	promotion float64 // factor on the rate of buying while a promotion runs
	treatment float64 // τ: log hazard of free shipping
	cheap     float64 // chance to take the cheaper of two candidates
	dear      float64 // chance to take the dearer of two candidates
	rating    float64 // added to the mean rating
}

var typeTable = [types]typeSpec{
	PriceSensitive: {name: "price-sensitive", share: 0.30, rate: 0.95, promotion: 2.2, treatment: 0.55, cheap: 0.55, rating: -0.2},
	QualitySeeking: {name: "quality-seeking", share: 0.25, rate: 0.95, promotion: 1.05, treatment: 0, dear: 0.50, rating: -0.4},
	SociallyDriven: {name: "socially-driven", share: 0.20, rate: 0.85, promotion: 1.3, treatment: 0.10, rating: 0.4},
	Rest:           {name: "rest", share: 0.25, rate: 1.05, promotion: 1.25, treatment: 0.20, cheap: 0.10},
}

func typeAt(u float64) Type {
	for t := range types {
		if u -= typeTable[t].share; u < 0 {
			return t
		}
	}
	return Rest
}
