package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/profile"
)

func TestForget(t *testing.T) {
	for seed := range uint64(3) {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), config{customers: 80, days: 40, seed: seed + 1, dir: t.TempDir()}, &out), out.String())
		require.Contains(t, out.String(), "never told of that person holds the same")
	}
}

// The search finds what is there, and the comparison what differs.
func TestForgetHasTeeth(t *testing.T) {
	c := config{customers: 80, days: 40, seed: 2}
	dir := t.TempDir()
	s, err := open(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.store.Close()) }()
	_, err = s.ingest(t.Context(), simulated(c))
	require.NoError(t, err)
	person, err := s.buyer()
	require.NoError(t, err)
	texts, err := s.traces(person.User)
	require.NoError(t, err)
	require.Greater(t, len(texts), 10)
	require.NoError(t, s.store.Snapshot(t.Context()))
	files, err := s.scan(dir, texts)
	require.NoError(t, err)
	found, inFiles := map[string]int{}, 0
	for _, f := range files {
		found[f.name] = len(f.found)
		if strings.HasPrefix(f.name, "file ") {
			inFiles += len(f.found)
		}
	}
	require.NotZero(t, inFiles, "snapshots hold what is held")
	require.NotZero(t, found["exports of all persons"])
	require.NotZero(t, found["view attribution"], "order ids")
	require.NotZero(t, found["view segment"], "email")

	// A shop that forgot nobody is not one that was never told of somebody.
	out, err := s.named(person.User, simulated(c))
	require.NoError(t, err)
	memory, err := profile.New(options())
	require.NoError(t, err)
	never, err := attach(memory)
	require.NoError(t, err)
	_, err = never.ingest(t.Context(), but(simulated(c), out))
	require.NoError(t, err)
	names, err := differences(s, never)
	require.NoError(t, err)
	require.Subset(t, names, []string{"view segment", "view recommend", "view attribution"})
}
