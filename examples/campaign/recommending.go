package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zhun-go/zhun/recommend"
)

const (
	shownUsers = 5  // with their recommendations
	shownItems = 3  // for each of them
	accuracyK  = 20 // the length of the lists that are judged
)

// recommend fits a model, shows what it would recommend to some users, and judges it
// on what it has not seen.
func (s *shop) recommend(ctx context.Context, _ config, _ *source, seen *tally, r *Report) error {
	model, err := recommend.FitItemKNN(ctx, s.history, nil)
	if errors.Is(err, recommend.ErrEmpty) {
		r.leaveOut("recommendations", "the events name no products")
		return nil
	}
	if err != nil {
		return err
	}
	rec := &Recommendations{Audience: shownAudience}
	members, err := s.index.Members(shownAudience)
	if err != nil {
		return err
	}
	for it := members.Iterator(); it.HasNext() && len(rec.Users) < shownUsers; {
		user := it.Next()
		list, err := model.Recommend(recommend.Query{History: s.history, User: user, N: shownItems})
		if err != nil {
			return err
		}
		shopper := Shopper{User: user}
		shopper.History, shopper.Recent = s.recent(user, seen)
		for _, x := range list.Items {
			item := seen.item(x.Item)
			item.Score = x.Score
			shopper.Items = append(shopper.Items, item)
		}
		rec.Users = append(rec.Users, shopper)
	}
	if rec.Accuracy, err = s.heldOut(ctx, r.Input.From, r.Input.To); err != nil {
		return err
	}
	if len(rec.Users) == 0 && rec.Accuracy == nil {
		r.leaveOut("recommendations", fmt.Sprintf("nobody is among the %s, and the events are too few to judge a model by", shownAudience))
		return nil
	}
	r.Recommendations = rec
	return nil
}

// recent counts the items that a user has and names the latest of them.
func (s *shop) recent(user uint32, seen *tally) (int, []Item) {
	weight := make(map[string]float64)
	rows := s.history.Of(user)
	for _, row := range rows {
		weight[row.Item] += row.Weight
	}
	n := 0
	var latest []Item
	for _, row := range slices.Backward(rows) {
		if weight[row.Item] <= 0 {
			continue // returned, or counted already
		}
		delete(weight, row.Item)
		if n++; len(latest) < shownItems {
			latest = append(latest, seen.item(row.Item))
		}
	}
	return n, latest
}

// heldOut splits the history in time and judges models that know the first part by the second.
func (s *shop) heldOut(ctx context.Context, from, to time.Time) (*HeldOut, error) {
	at := splitTime(from, to)
	split, err := recommend.SplitTime(s.history, at, nil)
	if errors.Is(err, recommend.ErrEmpty) {
		return nil, nil // too few days for a before and an after
	}
	if err != nil {
		return nil, err
	}
	train := split.Train
	popularity, err := recommend.FitPopularity(ctx, train)
	if errors.Is(err, recommend.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cosine, err := recommend.FitItemKNN(ctx, train, nil)
	if err != nil {
		return nil, err
	}
	tfidf, err := recommend.FitItemKNN(ctx, train, &recommend.ItemKNNOptions{Similarity: recommend.TFIDF{}})
	if err != nil {
		return nil, err
	}
	best, err := recommend.Fit(ctx, train, nil)
	if err != nil {
		return nil, err
	}
	h := &HeldOut{Split: at, Until: to, K: accuracyK}
	for _, m := range []struct {
		name string
		r    recommend.Recommender
	}{{popularityModel, popularity}, {"item kNN, cosine", cosine}, {"item kNN, TF-IDF", tfidf}, {"regression (Fit)", best}} {
		report, err := recommend.Evaluate(ctx, m.r, split.Test.Held, &recommend.EvalOptions{
			History: split.Test.Known, Train: train, K: []int{accuracyK},
		})
		if errors.Is(err, recommend.ErrEmpty) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		cut, _ := report.At(accuracyK)
		h.Users, h.Lost = report.Users, report.Lost
		a := Accuracy{
			Model: m.name, Recall: cut.Recall.Value, RecallSE: cut.Recall.StdErr,
			NDCG: cut.NDCG.Value, NDCGSE: cut.NDCG.StdErr, Coverage: cut.Coverage,
		}
		if a.Lift = 1; len(h.Models) > 0 && h.Models[0].Recall > 0 {
			a.Lift = a.Recall / h.Models[0].Recall
		}
		h.Models = append(h.Models, a)
	}
	return h, nil
}

// splitTime leaves the last fifth for the test, from a midnight on; of half a year and more,
// from the first of the nearest month.
func splitTime(from, to time.Time) time.Time {
	at := from.Add(to.Sub(from) / 5 * 4).UTC()
	if to.Sub(from) < 180*24*time.Hour {
		return at.Round(24 * time.Hour)
	}
	first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	if next := first.AddDate(0, 1, 0); next.Sub(at) < at.Sub(first) {
		return next
	}
	return first
}
