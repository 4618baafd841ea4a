package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zhun-go/zhun/profile"
)

// Traits that describe people in the report. The audiences do not ask for them,
// but could, like for any other attribute.
const (
	stageTrait  = "stage"             // where in the life of a customer
	lookedTrait = "looked_at"         // how many products somebody looked at
	likesTrait  = "favourite_section" // the section of the shop that they looked at most
)

// consentMap says which of the shop's purposes the usual signals of browsers and
// banners are about; [profile.DefaultConsentMap] knows purposes of other names.
func consentMap() profile.ConsentMap {
	return profile.ConsentMap{
		TCF: map[int][]string{1: {"Functional"}, 3: {"Advertising"}, 4: {"Advertising"}, 8: {"Analytics"}, 9: {"Analytics"}},
		Mode: map[string][]string{
			profile.AdStorage:         {"Advertising"},
			profile.AdUserData:        {"Advertising"},
			profile.AdPersonalization: {"Advertising"},
			profile.AnalyticsStorage:  {"Analytics"},
		},
		GPC: []string{"Advertising"},
	}
}

// signals names the signals of Consent Mode and Global Privacy Control that are
// about a purpose.
func signals(m profile.ConsentMap, purpose string) []string {
	var list []string
	for _, s := range slices.Sorted(maps.Keys(m.Mode)) {
		if slices.Contains(m.Mode[s], purpose) {
			list = append(list, s)
		}
	}
	if slices.Contains(m.GPC, purpose) {
		list = append(list, "Sec-GPC")
	}
	return list
}

// describe says what the store knows of its people: stages of their lives as
// customers, interests, consent, and when and where they are reached.
func (s *shop) describe(ctx context.Context, _ config, _ *source, _ *tally, r *Report) error {
	p := &People{Profiles: s.store.Stats().Profiles}
	stages, err := s.store.LearnStages(stageTrait, nil)
	switch {
	case errors.Is(err, profile.ErrLearn): // too few repeated orders: the defaults hold
	case err != nil:
		return err
	default:
		p.AtRiskDays, p.LapsedDays = days(stages.AtRiskAfter), days(stages.LapsedAfter)
	}
	if err := s.interests(p, r.Input.To); err != nil {
		return err
	}
	users := s.store.Users()
	byStage := make(map[string]int)
	consent := make(map[string]*Purpose)
	for _, user := range users {
		if stage, ok := s.store.Attribute(user, stageTrait); ok {
			byStage[stage.(string)]++
		}
		last := make(map[string]profile.ConsentRecord)
		for _, c := range s.store.Consents(user) { // by time
			last[c.Purpose] = c
		}
		for name, c := range last {
			if consent[name] == nil {
				consent[name] = &Purpose{Name: name, Signals: signals(consentMap(), name)}
			}
			if c.Granted {
				consent[name].Granted++
			} else {
				consent[name].Denied++
			}
		}
	}
	for _, stage := range []string{
		profile.StageProspect, profile.StageNew, profile.StageActive, profile.StageLoyal,
		profile.StageAtRisk, profile.StageLapsed, profile.StageWonBack,
	} {
		p.Stages = append(p.Stages, Count{stage, byStage[stage]})
	}
	for _, name := range slices.Sorted(maps.Keys(consent)) {
		// What campaigns are to use: who allows it now, by the store's own account.
		consent[name].Allowed = int(s.store.Allowed(name).GetCardinality())
		p.Consent = append(p.Consent, *consent[name])
	}
	if err := s.habits(ctx, p, users); err != nil {
		return err
	}
	r.People = p
	return nil
}

func days(d time.Duration) float64 { return d.Hours() / 24 }

// interests tags everybody with the section of the shop that they look at most.
// The more they looked, the surer is the tag; after two months it expires.
func (s *shop) interests(p *People, now time.Time) error {
	const source = "browsing"
	sections := make(map[string]int)
	for _, user := range s.store.Users() {
		section, ok := s.store.Attribute(user, likesTrait)
		if !ok {
			continue
		}
		name, _ := section.(string)
		if name = strings.Trim(strings.ReplaceAll(strings.ToLower(name), ".", " "), " "); name == "" {
			continue
		}
		looked, _ := s.store.Attribute(user, lookedTrait)
		n, _ := looked.(int64)
		if _, err := s.store.Tag(user, profile.Tag{
			Name: "interest." + name, Source: source, Confidence: float64(n) / float64(n+2),
			At: now, Until: now.AddDate(0, 2, 0),
		}); err != nil {
			return err
		}
		sections[name]++
	}
	p.Interested = int(s.store.Tagged("interest", 0).GetCardinality())
	p.Sure = int(s.store.Tagged("interest", 0.8).GetCardinality())
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		p.Interests = append(p.Interests, Count{name, int(s.store.Tagged("interest."+name, 0).GetCardinality())})
	}
	slices.SortStableFunc(p.Interests, func(a, b Count) int { return b.N - a.N })
	return nil
}

// minSeen is from how many visits on somebody's own habits are told from the
// population's.
const minSeen = 20

// habits tells when and where people are active, and how many have habits of their own.
func (s *shop) habits(ctx context.Context, p *People, users []uint32) error {
	m, err := s.store.FitPreferences(ctx, nil)
	if err != nil {
		return err
	}
	all := m.Population()
	h := &Habits{Hour: all.Hour, Weekday: all.Weekday.String()}
	for i := range h.Hours {
		h.Hours[i] = all.Hours[i].Value
	}
	for _, c := range all.Channels {
		h.Channels = append(h.Channels, Reach{Channel: c.Channel, Share: c.Value})
	}
	for _, user := range users {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		one, ok := m.Of(s.store, user)
		if !ok || one.N == 0 {
			continue
		}
		h.People++
		if one.N < minSeen {
			continue
		}
		h.Known++
		if one.Hour != all.Hour {
			h.OtherHour++
		}
		if i := slices.IndexFunc(h.Channels, func(c Reach) bool { return c.Channel == one.Channel }); i >= 0 && one.ChannelN > 0 {
			h.Channels[i].Best++
		}
	}
	if h.People == 0 {
		return nil
	}
	slices.SortStableFunc(h.Channels, func(a, b Reach) int { return cmp.Compare(b.Share, a.Share) })
	p.Habits = h
	return nil
}
