package sim

import "math"

// The words of a review follow the type of its writer: what a text speaks of (price, make,
// friends) is a trace of the hidden type, how it speaks follows the rating.
var reviewTexts = [types][3][3]string{
	PriceSensitive: {
		{"Too expensive for what you get.", "Cheap it is not, and I saw it for less elsewhere. Disappointed.", "Waste of money."},
		{"Okay for the price.", "Waited for the sale, now the price is fair.", "Average, but not expensive."},
		{"Great value, a real bargain!", "Excellent price and it works well.", "Bought it on sale, very happy with the discount."},
	},
	QualitySeeking: {
		{"Poor workmanship, it broke within a week.", "The material feels bad and the seams are not good.", "Terrible quality, I sent it back."},
		{"Decent quality, but not perfect.", "Solid material, average finish.", "Fine, though I had hoped for better workmanship."},
		{"Excellent quality and beautiful finish.", "Very well made, durable material. I love it.", "Superb craftsmanship, worth every cent."},
	},
	SociallyDriven: {
		{"Everybody talks about it, but I hate mine.", "My friends laughed. Not nice at all.", "Saw it in a video, in real life it is ugly."},
		{"My sister likes it more than I do.", "Looks okay in the pictures I shared.", "All my friends have it, so now I do too."},
		{"My friends love it, so many compliments!", "Saw it in a video and it is gorgeous.", "Perfect gift, everybody was delighted."},
	},
	Rest: {
		{"Arrived late and damaged, bad service.", "Not as described. Unhappy.", "It does not fit, a pity."},
		{"It does what it should.", "Okay, nothing special.", "Delivery was slow, the product is fine."},
		{"Good product, quick delivery.", "Nice, would buy again.", "Happy with it, thank you."},
	},
}

// review draws a rating from 1 to 5 and a text.
func review(k key, d int, t Type, p *Product) (rating int, text string) {
	mean := 4.1 + typeTable[t].rating + 0.8*p.Quality
	rating = int(math.Round(min(max(mean+k.normal(d, purposeReview, 4), 1), 5)))
	mood := 1
	if rating <= 2 {
		mood = 0
	} else if rating >= 4 {
		mood = 2
	}
	return rating, reviewTexts[t][mood][k.pick(d, purposeReview, 5, 3)]
}
