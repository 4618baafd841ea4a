package profile

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Over months, with the clock moving in random steps, the traits that depend
// on it are what a recount says at every instant, and views are told of
// every change.
func TestTimedTraits(t *testing.T) {
	t.Parallel()
	for round := range longForm(40) {
		r := rand.New(rand.NewPCG(21, uint64(round)))
		o := Options{Clock: Manual, Traits: []Trait{
			{Name: "stage", Kind: Stage, Events: []string{OrderCompleted}, Stages: Stages{AtRiskAfter: 5 * day, LapsedAfter: 12 * day}},
			{Name: "recency", Kind: Recency, Events: []string{OrderCompleted}},
			{Name: "streak", Kind: Streak, Events: []string{OrderCompleted, ProductViewed}, Window: 20 * day},
			{Name: "longest", Kind: LongestStreak, Events: []string{OrderCompleted, ProductViewed}, Window: 20 * day},
			{Name: "sessions", Kind: Sessions, Events: []string{OrderCompleted, ProductViewed}, Gap: 30 * time.Hour},
			{Name: "length", Kind: SessionLength, Events: []string{OrderCompleted, ProductViewed}, Gap: 30 * time.Hour},
			{Name: "score", Kind: Score, Events: []string{ProductViewed}, HalfLife: 4 * day},
			{Name: "worth", Kind: Score, Events: []string{OrderCompleted}, Field: "total", HalfLife: 4 * day},
		}, Retain: Retain{Horizon: 60 * day}}
		o, err := o.withDefaults()
		require.NoError(t, err)
		o.Traits[0].Stages = o.Traits[0].stages
		s := newTest(t, o)
		v := newRecorder()
		require.NoError(t, s.Attach("v", v, nil))
		m := &model{opts: o, cut: map[Key]bool{}}
		now := epoch
		for step := range 60 {
			now = now.Add(time.Duration(r.IntN(40*3600)) * time.Second)
			e := someEvent(r, fmt.Sprint("m", step), []Key{{UserID, fmt.Sprint("u", r.IntN(2))}})
			e.Time = now.Add(-time.Duration(r.IntN(72*3600))*time.Second + 6*time.Hour)
			if r.IntN(3) > 0 {
				s.must(t, e)
				m.events = append(m.events, e)
			}
			require.NoError(t, s.Advance(now, nil))
			m.now = s.clock.time()
			for key, want := range m.show() {
				u, _ := s.Resolve(key.Kind, key.Value)
				p, _ := s.Profile(u)
				if p.Events == len(want.Events) { // none pruned
					require.Equal(t, want.Attributes, text(p.Attributes), "round %d step %d", round, step)
				}
			}
			_, attributes := v.show()
			_, wanted := s.wanted(s.Users())
			require.Equal(t, wanted, attributes)
		}
	}
}

func TestLearnStages(t *testing.T) {
	s := newTest(t, Options{Traits: []Trait{{Name: "stage", Kind: Stage, Events: []string{OrderCompleted}}}})
	_, err := s.LearnStages("nothing", nil)
	require.ErrorIs(t, err, ErrLearn)
	for u := range 10 {
		for i := range 11 {
			s.must(t, event(OrderCompleted, epoch.Add(time.Duration(i*(u+1))*day), Key{UserID, fmt.Sprint("u", u)}))
		}
		if u == 0 {
			_, err = s.LearnStages("stage", nil)
			require.ErrorIs(t, err, ErrLearn)
			require.ErrorContains(t, err, "10 intervals")
		}
	}
	// 10 intervals each of 1 to 10 days; the clock stands at day 100.
	changed := map[uint32]any{}
	g, err := s.LearnStages("stage", func(c Change) { changed[c.User] = c.Attributes["stage"] })
	require.NoError(t, err)
	require.Equal(t, Stages{AtRiskAfter: 8 * day, LapsedAfter: 16 * day, LoyalPurchases: 5}, g)
	// User i last bought on day 10·i.
	require.Equal(t, map[uint32]any{
		1: StageLapsed, 2: StageLapsed, 3: StageLapsed, 4: StageLapsed, 5: StageLapsed,
		6: StageLapsed, 7: StageLapsed, 8: StageLapsed, 9: StageAtRisk,
	}, changed)
	for _, bad := range []Trait{
		{Name: "x", Kind: Stage, Events: []string{"e"}, Stages: Stages{AtRiskAfter: 5 * day, LapsedAfter: 5 * day}},
		{Name: "x", Kind: Stage, Events: []string{"e"}, Stages: Stages{LoyalPurchases: 1}},
		{Name: "x", Kind: Score, Events: []string{"e"}, HalfLife: time.Minute},
		{Name: "x", Kind: Sessions, Events: []string{"e"}, Gap: -1},
	} {
		_, err := New(&Options{Traits: []Trait{bad}})
		require.ErrorIs(t, err, ErrOptions)
	}
}

// The store learns by itself when its clock passes the time, with the changes
// that learning by hand would make, and a store that was read goes on so.
func TestLearnByItself(t *testing.T) {
	build := func(learn time.Duration) *Store {
		s := newTest(t, Options{Traits: []Trait{{Name: "stage", Kind: Stage, Events: []string{OrderCompleted}, Stages: Stages{Learn: learn}}}})
		for u := range 10 {
			for i := range 11 {
				s.must(t, event(OrderCompleted, epoch.Add(time.Duration(i*(u+1))*30*time.Minute), Key{UserID, fmt.Sprint("u", u)}))
			}
		}
		return s
	}
	week := 7 * day
	own, hand := build(week), build(0)
	data, err := own.AppendBinary(nil)
	require.NoError(t, err)
	read := build(week)
	require.NoError(t, read.UnmarshalBinary(data))
	// The clock stands at epoch + 50 h; the next multiple of a week is then.
	next := time.Unix((epoch.Add(50*time.Hour).Unix()/604800+1)*604800, 0).UTC()
	var before, after, again, other []Change
	collect := func(to *[]Change) func(Change) { return func(c Change) { *to = append(*to, c) } }
	require.NoError(t, own.Advance(next.Add(-time.Second), collect(&before)))
	require.NoError(t, own.Advance(next, collect(&after)))
	require.NoError(t, read.Advance(next.Add(-time.Second), nil))
	require.NoError(t, read.Advance(next, collect(&again)))
	require.NoError(t, hand.Advance(next, nil))
	want, err := hand.LearnStages("stage", collect(&other))
	require.NoError(t, err)
	require.Empty(t, before)
	require.NotEmpty(t, after)
	require.Len(t, other, len(after))
	for i := range after {
		require.Equal(t, other[i].User, after[i].User)
		require.Equal(t, other[i].Attributes, after[i].Attributes)
		require.Equal(t, again[i].Attributes, after[i].Attributes)
	}
	got := own.opts.Traits[0].stages
	require.Equal(t, want.AtRiskAfter, got.AtRiskAfter)
	require.Equal(t, want.LapsedAfter, got.LapsedAfter)
	require.Equal(t, day, got.AtRiskAfter)
	_, err = New(&Options{Traits: []Trait{{Name: "s", Kind: Stage, Events: []string{"e"}, Stages: Stages{Learn: time.Minute}}}})
	require.ErrorIs(t, err, ErrOptions)
}
