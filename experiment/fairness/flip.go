package fairness

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"reflect"

	"github.com/zhun-go/zhun/experiment"
)

// Protected is an attribute that must not matter, and the values it is flipped
// among.
type Protected struct {
	Name   string
	Values []any
}

// FlipOptions of the flip test. The zero value and nil are the defaults.
type FlipOptions struct {
	// Tolerance is the largest change of a score or a price that counts as none.
	// Default: 0.
	Tolerance float64
	// Level of the interval of the share, at least 1e-9 and below 1. Default:
	// 0.95.
	Level float64
}

// Change is what one flip did to a user.
type Change struct {
	User          int // the place in the sequence, from 0
	From, To      any // values of the attribute
	Before, After float64
}

// Size returns the absolute change of the decision.
func (c Change) Size() float64 { return math.Abs(c.After - c.Before) }

// Flipped is what flipping one attribute did.
type Flipped struct {
	Attribute string
	Users     int64
	// Changed is the share of users whose decision changes by more than the
	// tolerance for at least one other value, with Wilson's interval for users
	// who are a sample of all.
	Changed experiment.Estimate
	Largest Change // the first of the largest changes
}

// Flip asks for each user how the decision would change with each other value
// of a protected attribute, all else equal, one attribute at a time. Decide
// returns a score, a price, or 1 and 0 for yes and no. It must depend on nothing
// but the attributes, and neither keep nor change them. Users without the
// attribute are given each value. Nothing of the host's is changed.
//
// It takes one decision for each user, and one more for each other value. The
// first error of decide ends it; a decision that is not finite is
// experiment.ErrNotFinite, no users at all are experiment.ErrTooFew.
func Flip(users iter.Seq[map[string]any], protected []Protected, decide func(attributes map[string]any) (float64, error), opts *FlipOptions) ([]Flipped, error) {
	const fn = "Flip"
	var o FlipOptions
	if opts != nil {
		o = *opts
	}
	if o.Level == 0 {
		o.Level = .95
	}
	switch {
	case !(o.Tolerance >= 0):
		return nil, invalid(fn, "Tolerance", o.Tolerance, "want at least 0")
	case !(o.Level >= 1e-9 && o.Level < 1):
		return nil, invalid(fn, "Level", o.Level, "want 1e-9 ≤ Level < 1, or 0 for 0.95")
	case users == nil:
		return nil, invalid(fn, "users", nil, "want users")
	case decide == nil:
		return nil, invalid(fn, "decide", nil, "want a decision")
	}
	results := make([]Flipped, len(protected))
	changed := make([]int64, len(protected))
	for i, p := range protected {
		if len(p.Values) == 0 {
			return nil, invalid(fn, fmt.Sprintf("protected[%d].Values", i), p.Values, "want the values of "+p.Name)
		}
		results[i].Attribute = p.Name
	}
	n := 0
	for user := range users {
		attributes := maps.Clone(user)
		if attributes == nil {
			attributes = map[string]any{}
		}
		ask := func(name string, value any) (float64, error) {
			x, err := decide(attributes)
			if err == nil && math.IsNaN(x-x) {
				err = &experiment.ValueError{Func: "fairness." + fn, What: "decision", Value: x, Err: experiment.ErrNotFinite}
			}
			if err != nil {
				err = fmt.Errorf("fairness: %s: user %d, %s = %v: %w", fn, n, name, value, err)
			}
			return x, err
		}
		before, err := ask("as is", nil)
		if err != nil {
			return nil, err
		}
		for i, p := range protected {
			r, own := &results[i], user[p.Name]
			_, had := user[p.Name]
			largest := o.Tolerance
			for _, v := range p.Values {
				if had && reflect.DeepEqual(v, own) {
					continue
				}
				attributes[p.Name] = v
				after, err := ask(p.Name, v)
				if err != nil {
					return nil, err
				}
				c := Change{User: n, From: own, To: v, Before: before, After: after}
				largest = max(largest, c.Size())
				if c.Size() > r.Largest.Size() {
					r.Largest = c
				}
			}
			if largest > o.Tolerance {
				changed[i]++
			}
			delete(attributes, p.Name)
			if had {
				attributes[p.Name] = own
			}
		}
		n++
	}
	for i := range results {
		r := &results[i]
		r.Users = int64(n)
		var err error
		if r.Changed, err = shareOf(fn, changed[i], r.Users, o.Level); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// String prints the result in a line.
func (f Flipped) String() string {
	s := fmt.Sprintf("%s: %.2f %% of %d users change [%.2f, %.2f]", f.Attribute, 100*f.Changed.Value, f.Users, 100*f.Changed.Lo, 100*f.Changed.Hi)
	if l := f.Largest; l.Size() > 0 {
		s += fmt.Sprintf(", most from %v to %v: %.4g to %.4g", l.From, l.To, l.Before, l.After)
	}
	return s
}
