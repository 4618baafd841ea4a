package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestForget(t *testing.T) {
	for seed := range uint64(3) {
		var out bytes.Buffer
		require.NoError(t, run(context.Background(), config{customers: 80, days: 40, seed: seed + 1, dir: t.TempDir()}, &out), out.String())
		require.Contains(t, out.String(), "never told of that person holds the same")
	}
}

// The search finds what is there, and the comparison what differs.
func TestForgetHasTeeth(t *testing.T) {
	c := config{customers: 80, days: 40, seed: 2}
	store, err := open(t.TempDir())
	require.NoError(t, err)
	s, err := attach(store)
	require.NoError(t, err)
	_, err = s.ingest(simulated(c))
	require.NoError(t, err)
	person, err := s.buyer()
	require.NoError(t, err)
	texts, err := s.traces(person.User)
	require.NoError(t, err)
	require.Greater(t, len(texts), 10)
	files, err := s.scan(t.TempDir(), texts)
	require.NoError(t, err)
	found := map[string]int{}
	for _, f := range files {
		found[f.name] = len(f.found)
	}
	require.NotZero(t, found["exports of all persons"])
	require.NotZero(t, found["view attribution"], "order ids")
	require.NotZero(t, found["view segment"], "email")

	// A shop that forgot nobody is not one that was never told of somebody.
	out, err := s.named(person.User, simulated(c))
	require.NoError(t, err)
	memory, err := open(t.TempDir())
	require.NoError(t, err)
	never, err := attach(memory)
	require.NoError(t, err)
	_, err = never.ingest(but(simulated(c), out))
	require.NoError(t, err)
	names, err := differences(s, never)
	require.NoError(t, err)
	require.Subset(t, names, []string{"view segment", "view recommend", "view attribution"})
}
