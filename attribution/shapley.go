package attribution

// Game names a cooperative game: what a set of channels is worth.
type Game uint8

const (
	// SumSubset is worth the conversions of all paths that need no channel
	// outside the set. It is the simplified Shapley value of Zhao, Mahboobi
	// and Bagheri, "Shapley Value Methods for Attribution Modeling in Online
	// Advertising" (2018): each distinct channel of a path gets the same
	// share. The default.
	SumSubset Game = iota
	// TouchAny is worth the conversions of all paths with some channel of the
	// set, the dual of SumSubset; its Shapley value is the same.
	TouchAny
)

// ShapleyOptions choose the game. Nil means the defaults.
type ShapleyOptions struct {
	Game Game // default SumSubset
}

// Shapley gives each channel its Shapley value in a game over the channels.
func Shapley(p *Paths, opts *ShapleyOptions) (Credits, error) {
	var o ShapleyOptions
	if opts != nil {
		o = *opts
	}
	const model = "Shapley"
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	switch o.Game {
	case SumSubset, TouchAny:
		return p.credits(model, p.bySize(), descriptive(model)), nil
	}
	return Credits{}, inputError("Shapley", 0, "Game", o.Game, "unknown")
}
