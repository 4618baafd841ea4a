package recommend

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sharedFile opens a file of the shared data folder beside the repository, or
// skips the test.
func sharedFile(t testing.TB, path string) *csv.Reader {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if f, err := os.Open(filepath.Join(dir, "shared", "data", path)); err == nil {
			t.Cleanup(func() { f.Close() })
			z, err := gzip.NewReader(f)
			require.NoError(t, err)
			return csv.NewReader(z)
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skipf("no data: shared/data/%s not found beside the repository", path)
		}
		dir = up
	}
}

// records calls f with each record after the header.
func records(t testing.TB, r *csv.Reader, f func(rec []string)) {
	t.Helper()
	r.ReuseRecord = true
	_, err := r.Read()
	require.NoError(t, err)
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
		f(rec)
	}
}

func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// dataset loads one of the sets of testdata/sg.csv, or groceries.
func dataset(t testing.TB, name string) *History {
	t.Helper()
	h, err := NewHistory(nil)
	require.NoError(t, err)
	add := func(user, item string, at time.Time) {
		require.NoError(t, h.Add(uint32(number(t, user)), item, 1, at))
	}
	switch name {
	case "msweb":
		var users, areas []string
		records(t, sharedFile(t, "msweb/msweb_visits.csv.gz"), func(rec []string) {
			users, areas = append(users, rec[0]), append(areas, rec[1])
		})
		names := slices.Compact(slices.Sorted(slices.Values(areas)))
		for i, a := range areas {
			k, _ := slices.BinarySearch(names, a)
			add(users[i], strconv.Itoa(k), day0)
		}
	case "movielens-latest-small":
		records(t, sharedFile(t, "movielens-latest-small-2016/ratings.csv.gz"), func(rec []string) {
			if number(t, rec[2]) >= 4 {
				add(rec[0], rec[1], time.Unix(int64(number(t, rec[3])), 0))
			}
		})
	case "retailrocket-filtered":
		records(t, sharedFile(t, "retailrocket/retailrocket_filtered.csv.gz"), func(rec []string) {
			add(rec[0], rec[1], day0)
		})
	case "groceries": // each basket a user
		records(t, sharedFile(t, "groceries/groceries.csv.gz"), func(rec []string) {
			add(rec[0], rec[1], day0)
		})
	default:
		t.Fatalf("unknown data set %q", name)
	}
	return h
}
