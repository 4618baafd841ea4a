package disclosure

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/segment"
)

var (
	// ErrSmall is wrapped when a group has fewer than Options.MinGroup users.
	ErrSmall = errors.New("group too small")
	// ErrDifference is wrapped when a release would, together with earlier ones or
	// with the population, tell of a group that is too small.
	ErrDifference = errors.New("difference too small")
	// ErrBudget is wrapped when a noisy count would spend more than is left.
	ErrBudget = errors.New("privacy budget exhausted")
	// ErrRandom is wrapped when Options.Random fails, or gives what cannot be
	// random.
	ErrRandom = errors.New("no randomness")
)

func badOption(field string, value any, why string) error {
	return &segment.OptionError{Field: "disclosure." + field, Value: value, Why: why}
}

// Refusal says why something is not released. It does not say how large the
// group is.
type Refusal struct {
	MinGroup int     // of the guard
	Epsilon  float64 // asked for, with ErrBudget
	Left     float64 // of the budget, with ErrBudget
	Err      error   // ErrSmall, ErrDifference or ErrBudget
}

// Error says what was refused.
func (r *Refusal) Error() string {
	switch r.Err {
	case ErrBudget:
		return fmt.Sprintf("disclosure: %v: ε = %g asked, %g left", r.Err, r.Epsilon, r.Left)
	case ErrDifference:
		return fmt.Sprintf("disclosure: %v: with earlier releases or the population it would tell of fewer than %d users", r.Err, r.MinGroup)
	}
	return fmt.Sprintf("disclosure: %v: fewer than %d users", r.Err, r.MinGroup)
}

// Unwrap returns the sentinel.
func (r *Refusal) Unwrap() error { return r.Err }

// Options of a guard. The zero value and nil are the defaults.
type Options struct {
	// MinGroup is the fewest users of whom anything is told, at least 2.
	// Default: 50.
	MinGroup int
	// Budget is how much ε noisy counts may spend in all, in millionths, up to a
	// million. Default: 1.
	Budget float64
	// Random is the source of noise. Default: crypto/rand.Reader.
	Random io.Reader
}

// Guard remembers what was released and refuses what would tell too much. It
// takes 8 bytes for each user who was part of a release, and a release one pass
// over them.
//
// Safe for concurrent use. The zero value releases nothing.
type Guard struct {
	min    int
	budget int64 // in millionths
	random io.Reader

	mu       sync.Mutex
	released partition
	spent    int64 // in millionths
}

// New returns a guard that has released nothing. The error is of type
// [*segment.OptionError].
func New(opts *Options) (*Guard, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	g := &Guard{min: o.MinGroup, random: o.Random}
	if g.min == 0 {
		g.min = 50
	}
	if g.min < 2 {
		return nil, badOption("MinGroup", o.MinGroup, "must be at least 2")
	}
	if o.Budget == 0 {
		o.Budget = 1
	}
	var ok bool
	if g.budget, ok = millionths(o.Budget, 1e6); !ok {
		return nil, badOption("Budget", o.Budget, "must be a millionth to a million")
	}
	if g.random == nil {
		g.random = rand.Reader
	}
	return g, nil
}

// millionths returns the nearest number of millionths, if it is positive and
// at most a limit.
func millionths(x, most float64) (int64, bool) {
	if !(x > 0 && x <= most) {
		return 0, false
	}
	n := int64(math.Round(x * 1e6))
	return n, n > 0
}

// Release notes that a group of users is told of, as a set or as a count, or
// refuses it with a [*Refusal] that wraps [ErrSmall] or [ErrDifference]; then
// nothing must leave. The population is the users among whom the group was
// sought, so that those outside the group are guarded too; nil leaves them out.
func (g *Guard) Release(users, population *roaring.Bitmap) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.min == 0 || users == nil || users.GetCardinality() < uint64(g.min) {
		return &Refusal{MinGroup: g.min, Err: ErrSmall}
	}
	if !g.released.cut(users, population, g.min) {
		return &Refusal{MinGroup: g.min, Err: ErrDifference}
	}
	return nil
}

// Query returns the users for whom a rule holds within a mask, as the index's
// own Query does, and notes the release among the users of the mask. A rule
// such as segment("vip") asks for an audience. Errors are those of the rule and
// of [Guard.Release].
func (g *Guard) Query(w *segment.Within, rule string) (*roaring.Bitmap, error) {
	users, err := w.Query(rule)
	if err != nil {
		return nil, err
	}
	if err := g.Release(users, w.Users()); err != nil {
		return nil, err
	}
	return users, nil
}

// Count returns how many users a rule holds for within a mask, with the checks
// of [Guard.Query]. The count is exact.
func (g *Guard) Count(w *segment.Within, rule string) (int, error) {
	users, err := g.Query(w, rule)
	if err != nil {
		return 0, err
	}
	return int(users.GetCardinality()), nil
}

// Noisy is a count with noise. It may be negative; whoever sets it to 0 then
// takes nothing from its privacy.
type Noisy struct {
	Count   int
	Margin  int     // at most this far from the truth in 95 % of answers
	Epsilon float64 // spent on it
	Left    float64 // of the budget
}

// Noisy adds discrete Laplace noise to a count of users, of each of whom it
// depends by at most 1, and spends ε, a number of millionths up to 1,000 (others
// are rounded to one). The count itself may be of any size and is not noted as
// a release. The error is an [*segment.OptionError], a [*Refusal] that wraps
// [ErrBudget], or wraps [ErrRandom]; then nothing is spent and nothing must
// leave.
func (g *Guard) Noisy(count int, epsilon float64) (Noisy, error) {
	e, ok := millionths(epsilon, 1000)
	if !ok {
		return Noisy{}, badOption("epsilon", epsilon, "must be a millionth to 1,000")
	}
	if count < 0 || int64(count) > 1<<53 {
		return Noisy{}, badOption("count", count, "must be a number of users")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if e > g.budget-g.spent {
		return Noisy{}, &Refusal{MinGroup: g.min, Epsilon: epsilon, Left: g.left(), Err: ErrBudget}
	}
	d := draws{from: g.random}
	z := d.laplace(uint64(e), 1e6)
	if d.err != nil {
		return Noisy{}, d.err
	}
	g.spent += e
	return Noisy{Count: count + int(z), Margin: margin(float64(e) / 1e6), Epsilon: float64(e) / 1e6, Left: g.left()}, nil
}

// margin returns the smallest m with P(|z| > m) = 2·q^(m+1)/(1+q) ≤ 0.05, for
// q = e^(−ε).
func margin(epsilon float64) int {
	q := math.Exp(-epsilon)
	return max(0, int(math.Ceil(math.Log(.025*(1+q))/-epsilon-1)))
}

// left returns what is left of the budget; bytes may hold more than that.
func (g *Guard) left() float64 { return float64(max(0, g.budget-g.spent)) / 1e6 }

// Left returns the ε that noisy counts may still spend.
func (g *Guard) Left() float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.left()
}

// Erase forgets a user, whose part in the groups released is then nobody's.
func (g *Guard) Erase(user uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.released.erase(user)
}

// Rename notes that two numbers are one person: to takes the place of from in
// the groups released, unless it has one.
func (g *Guard) Rename(from, to uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.released.rename(from, to)
}
