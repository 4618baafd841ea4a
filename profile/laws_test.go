package profile

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/laws"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testTraits() []Trait {
	return []Trait{
		{Name: "orders", Kind: Count, Events: []string{OrderCompleted}},
		{Name: "revenue", Kind: Sum, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "basket", Kind: Mean, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "smallest", Kind: Min, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "largest", Kind: Max, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "first_product", Kind: First, Events: []string{ProductViewed, "page"}, Field: "product_id"},
		{Name: "last_product", Kind: Last, Events: []string{ProductViewed, "page"}, Field: "product_id"},
		{Name: "shoes_viewed", Kind: Count, Events: []string{ProductViewed}, Where: map[string]any{"category": "shoes"}},
		{Name: "usual_total", Kind: MostFrequent, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "totals", Kind: DistinctCount, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "products", Kind: Distinct, Events: []string{ProductViewed, "page"}, Field: "product_id"},
		{Name: "first_order", Kind: FirstTime, Events: []string{OrderCompleted}},
		{Name: "last_order", Kind: LastTime, Events: []string{OrderCompleted}},
		{Name: "interval", Kind: MeanInterval, Events: []string{OrderCompleted, ProductViewed}},
		{Name: "recent_products", Kind: Distinct, Events: []string{ProductViewed, "page"}, Field: "product_id", Window: 40 * time.Minute},
		{Name: "recent_usual", Kind: MostFrequent, Events: []string{ProductViewed, "page"}, Field: "product_id", Window: 40 * time.Minute},
		{Name: "recent_interval", Kind: MeanInterval, Events: []string{ProductViewed}, Window: 40 * time.Minute},
		{Name: "recent_revenue", Kind: Sum, Events: []string{OrderCompleted}, Field: "total", Window: time.Hour},
		{
			Name: "stage", Kind: Stage, Events: []string{OrderCompleted}, Window: 90 * time.Minute,
			Stages: Stages{AtRiskAfter: 15 * time.Minute, LapsedAfter: 35 * time.Minute, LoyalPurchases: 3},
		},
		{Name: "trusted_name", Kind: Last, Events: []string{"identify"}, Field: "name", SourceField: "country", Sources: []string{"NZ", "AU"}},
		{Name: "trusted_first", Kind: First, Events: []string{"identify"}, Field: "name", SourceField: "country", Sources: []string{"AU"}},
		{Name: "recency", Kind: Recency, Events: []string{ProductViewed}},
		{Name: "streak", Kind: Streak, Events: []string{ProductViewed, OrderCompleted}},
		{Name: "longest_streak", Kind: LongestStreak, Events: []string{ProductViewed, OrderCompleted}},
		{Name: "sessions", Kind: Sessions, Events: []string{ProductViewed, OrderCompleted}, Gap: 7 * time.Minute},
		{Name: "session_length", Kind: SessionLength, Events: []string{ProductViewed}, Gap: 20 * time.Minute, Window: time.Hour},
		{Name: "score", Kind: Score, Events: []string{ProductViewed, OrderCompleted}, HalfLife: 36 * time.Hour},
		{Name: "worth", Kind: Score, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "recent_views", Kind: Count, Events: []string{ProductViewed}, Window: 30 * time.Minute},
	}
}

// newTest returns a store whose clock stands where the tests' events end, so
// that windows show the same whatever the order of arrival.
func newTest(t testing.TB, opts Options) *Store {
	t.Helper()
	if opts.Traits == nil {
		opts.Traits = testTraits()
	}
	s, err := New(&opts)
	require.NoError(t, err)
	if opts.Clock == Manual {
		require.NoError(t, s.Advance(epoch.Add(2*time.Hour), nil))
	}
	return s
}

// someEvent draws an event of the person with these keys.
func someEvent(r *rand.Rand, id string, keys []Key) Event {
	e := Event{ID: id, Keys: keys, Time: epoch.Add(time.Duration(r.IntN(90)) * time.Minute), Fields: map[string]any{}}
	if r.IntN(3) > 0 {
		e.Fields[[]string{"context.source", "context.library.name"}[r.IntN(2)]] = fmt.Sprint("s", r.IntN(3))
	}
	switch r.IntN(9) {
	case 0, 1:
		e.Name = OrderCompleted
		e.Fields["total"] = []any{12.1, int64(7), 0.3, "free", 1e17, 7.0}[r.IntN(6)]
		e.Fields["products"] = []map[string]any{{"product_id": "a", "price": 1.5}}
	case 2:
		e.Type = Page
		e.Name = "home"
		e.Fields["product_id"] = fmt.Sprint("p", r.IntN(3))
	case 3, 4:
		e.Type = Identify
		e.Fields["country"] = []any{"NZ", "AU", nil, int64(3), 3.0}[r.IntN(5)]
		e.Fields["name"] = fmt.Sprint("n", r.IntN(3))
	case 5:
		e.Type = Consent
		clear(e.Fields)
		e.Fields["ads"] = r.IntN(2) == 0
		e.Fields["mail"] = r.IntN(2) == 0
	case 6:
		e.Type = Alias
	default:
		e.Name = ProductViewed
		e.Fields["product_id"] = fmt.Sprint("p", r.IntN(3))
		e.Fields["category"] = []string{"shoes", "hats"}[r.IntN(2)]
	}
	return e
}

func showKey(s *Store, kind, value string) []byte {
	user, ok := s.Resolve(kind, value)
	if !ok {
		return nil
	}
	return s.appendPerson(nil, s.people.of(user))
}

// Without conflicts every link holds, which is what the laws' own model of
// who is who assumes: each person has one user_id.
func TestLaws(t *testing.T) {
	laws.CheckStore(t, laws.StoreSpec[*Store, Event]{
		New: func(shard, shards uint32) *Store {
			return newTest(t, Options{Shard: shard, Shards: shards, Clock: Manual})
		},
		Event: func(r *rand.Rand, i, n int) Event {
			person := r.IntN(3)
			all := []Key{
				{UserID, fmt.Sprint("u", person)},
				{Email, fmt.Sprintf("p%d@x.io", person)},
				{AnonymousID, fmt.Sprintf("c%d", person)},
				{AnonymousID, fmt.Sprintf("d%d", person)},
				{Phone, fmt.Sprintf("+4912345%d", person)},
			}
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			return someEvent(r, fmt.Sprint("m", i), all[:1+r.IntN(3)])
		},
		Keys: func(e Event) []string {
			var out []string
			for _, k := range e.Keys {
				out = append(out, k.Kind+":"+k.Value)
			}
			return out
		},
		Apply: func(s *Store, e Event) error {
			_, err := s.Apply(e)
			if err != nil && !isErased(err) {
				return err
			}
			return nil
		},
		Show: func(s *Store, key string) []byte {
			kind, value := cutKey(key)
			return showKey(s, kind, value)
		},
		Erase: func(s *Store, key string) error {
			user, ok := s.Resolve(cutKey(key))
			if !ok {
				return nil
			}
			_, err := s.Erase(user)
			return err
		},
		Merge: func(dst, src *Store) error {
			_, err := dst.Merge(src)
			return err
		},
	})
}
