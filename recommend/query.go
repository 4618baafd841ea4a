package recommend

import (
	"fmt"
	"math"
)

// Query asks for recommendations to one user: by the history that the host
// keeps of the user, or by a list of items, such as a session or a basket.
type Query struct {
	// History and User name a user and where to look the user up. A user
	// without rows is one with an empty history, who gets what Fill says;
	// neither of them, and no Items, asks for anybody.
	History *History
	User    uint32
	// Items is a history given directly; History must then be nil. Items the
	// model does not know are passed over, repeated ones count once.
	Items []string
	// Weights are the values of Items, 1 each when nil: recent items may
	// weigh more. Of a repeated item the largest counts.
	Weights []float64

	// N is the number of items wanted. Default 20.
	N int
	// Allow restricts the answer to a set, nil to none. Deny excludes a set.
	// Both must come from the model asked.
	Allow, Deny *ItemSet
	// KeepHistory lets the items of the history be recommended again, for
	// consumables. By default they never are.
	KeepHistory bool
	// Own is the weight of each item of the history for itself, which models
	// leave at 0; only with KeepHistory. Where people buy the same again it
	// matters more than all other weights together: 1 to 10 is right, with
	// [Log1p] to tell what was had often from what was had once. [Popularity]
	// passes it over. Default 0.
	Own float64
	// Fill says what comes after the items with a positive score.
	Fill Fill
}

// Fill says which items follow those with a positive score, so that a query
// is answered with N items whenever N are admissible. What was filled in has
// score 0.
type Fill int

const (
	// FillDefault is FillPopular for a query, and FillByID in [Evaluate],
	// where the accuracy of the model and not of the fill is in question.
	FillDefault Fill = iota
	// FillPopular: items with score 0 by descending number of users, ties by
	// id, then those with a negative score.
	FillPopular
	// FillByID: items with score 0 by id, then those with a negative score.
	FillByID
	// FillNone: none; there may be fewer than N.
	FillNone
)

// String returns the name of the constant.
func (f Fill) String() string {
	switch f {
	case FillDefault:
		return "FillDefault"
	case FillPopular:
		return "FillPopular"
	case FillByID:
		return "FillByID"
	case FillNone:
		return "FillNone"
	}
	return fmt.Sprintf("Fill(%d)", int(f))
}

// Scored is a recommended item.
type Scored struct {
	Item  string
	Score float64
}

// Result is an answer with its circumstances.
type Result struct {
	Items []Scored // by descending score, ties by smaller id
	// Filled is the number of Items whose score is not positive: they follow
	// by Query.Fill because the history says nothing for them.
	Filled int
	// Known is the number of distinct items of the history that the model
	// knows. Unknown is the number of those that it does not; in Query.Items
	// repeated ones count again.
	Known, Unknown int
}

// Recommender is what [Evaluate] can judge: [Model], [Popularity] or the
// host's own.
type Recommender interface {
	// AppendRecommend appends the answer to dst, best first.
	AppendRecommend(dst []Scored, q Query) ([]Scored, error)
}

// checked returns the query with its defaults in place.
func (q Query) checked(cat *catalogue) (Query, error) {
	var err error
	if cat == nil {
		return q, &Error{Where: "Model", Reason: "a model comes from a fit or from bytes", Err: ErrEmpty}
	}
	if q.N, err = positive("Query.N", q.N, 20); err != nil {
		return q, err
	}
	switch {
	case q.Fill < FillDefault || q.Fill > FillNone:
		return q, badOption("Query.Fill", q.Fill, "unknown")
	case q.History != nil && (q.Items != nil || q.Weights != nil):
		return q, badOption("Query.Items", len(q.Items), "a query has History or Items, not both")
	case q.History != nil && !q.History.made():
		return q, badOption("Query.History", nil, "want a history of NewHistory")
	case q.History == nil && q.User != 0 && q.Items == nil:
		return q, badOption("Query.History", nil, "a query by User needs the History to look in")
	case q.History != nil && q.User == 0:
		return q, &Error{Where: "Query.User", Err: ErrUser}
	case q.Weights != nil && len(q.Weights) != len(q.Items):
		return q, badOption("Query.Weights", len(q.Weights), fmt.Sprintf("want one for each of %d items", len(q.Items)))
	case !(q.Own >= 0 && q.Own <= maxWeight):
		return q, badOption("Query.Own", q.Own, "must be within 0 and 1e12")
	case q.Own > 0 && !q.KeepHistory:
		return q, badOption("Query.Own", q.Own, "needs KeepHistory")
	case q.Allow != nil && q.Allow.cat != cat:
		return q, &Error{Where: "Query.Allow", Err: ErrItemSet}
	case q.Deny != nil && q.Deny.cat != cat:
		return q, &Error{Where: "Query.Deny", Err: ErrItemSet}
	}
	for i, w := range q.Weights {
		if !(w >= minWeight && w <= maxWeight) {
			return q, &Error{Where: fmt.Sprintf("Query.Weights[%d]", i), Value: w, Reason: "must be within 1e-12 and 1e12", Err: ErrWeight}
		}
	}
	if q.Fill == FillDefault {
		q.Fill = FillPopular
	}
	return q, nil
}

// admits reports whether the sets let an item through.
func (q *Query) admits(i uint32) bool {
	return (q.Allow == nil || q.Allow.has(i)) && (q.Deny == nil || !q.Deny.has(i))
}

// excluded marks the score of an item that must not be recommended; no sum of
// finite weights reaches it.
var excluded = math.Inf(-1)
