package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/profile"
)

func TestPeople(t *testing.T) {
	r := reports(t, small...)
	p := r.People
	require.NotNil(t, p)
	require.Equal(t, r.Ingestion.Profiles, p.Profiles)
	require.Equal(t, p.Profiles, total(p.Stages), "everybody is in one stage")
	stage := map[string]int{}
	for _, c := range p.Stages {
		stage[c.Name] = c.N
	}
	require.NotZero(t, stage[profile.StageProspect])
	require.NotZero(t, stage[profile.StageActive]+stage[profile.StageLoyal])
	require.Greater(t, p.AtRiskDays, 1.0)
	require.GreaterOrEqual(t, p.LapsedDays, 2*p.AtRiskDays)

	require.NotEmpty(t, p.Interests)
	require.Equal(t, p.Interested, total(p.Interests), "everybody has one favourite section")
	require.Less(t, p.Sure, p.Interested)
	require.NotZero(t, p.Sure)

	require.Len(t, p.Consent, 3)
	for _, c := range p.Consent {
		require.NotZero(t, c.Granted, c.Name)
		require.Equal(t, c.Granted, c.Allowed, "nobody else, and nobody less, may be reached: %s", c.Name)
		require.LessOrEqual(t, c.Granted+c.Denied, p.Profiles)
	}
	require.Equal(t, []string{"ad_personalization", "ad_storage", "ad_user_data", "Sec-GPC"}, p.Consent[0].Signals)

	require.NotNil(t, p.Habits)
	require.NotEmpty(t, p.Habits.Channels)
	sum := 0.0
	for _, x := range p.Habits.Hours {
		sum += x
	}
	require.InDelta(t, 1, sum, 1e-9)
	require.LessOrEqual(t, p.Habits.OtherHour, p.Habits.Known)
}

// The shop's map of signals speaks of the shop's purposes.
func TestConsentMap(t *testing.T) {
	m := consentMap()
	fields, err := m.FromMode(map[string]string{profile.AdStorage: "denied", profile.AnalyticsStorage: "granted"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"Advertising": false, "Analytics": true}, fields)
	require.Equal(t, map[string]any{"Advertising": false}, m.FromGPC("1"))
	require.Empty(t, signals(m, "Functional"))
}
