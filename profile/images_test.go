package profile

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// image is a directory as a crash left it, and which of the states around the
// command that was at work it must come back to.
type image struct {
	dir    string
	point  string
	commit int // of the command's transactions, how many stood
	torn   bool
}

// scene is what a store and its views are between two commands.
type scene struct {
	state    []byte
	all, ads string
}

// A directory that is copied at any failpoint of any command, or in which any
// part of what a transaction writes before it is complete has been written, is
// the store and the views of the last change that was acknowledged, or of that
// which was under way when its transaction stood.
func TestCrashImages(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	compared := 0
	rounds := min(longForm(4), 40)
	inRounds(t, rounds, func(t *testing.T, round int) {
		r := rand.New(rand.NewPCG(71, uint64(round)))
		pick := rand.New(rand.NewPCG(73, uint64(round)))
		dir := memoryDir(t)
		opts := twinOptions(round)
		opts.SnapshotEvery = 4000
		plain := opts
		var images []image
		var before string // the directory when the command's first transaction began
		commits, others, on := 0, 0, false
		opts.hook = func(point string) error {
			if !on {
				return nil
			}
			switch {
			case point == "append.committed":
				commits++
			case strings.HasPrefix(point, "publish.") || strings.HasPrefix(point, "cut.") || strings.HasPrefix(point, "compact."):
				others++
			}
			switch {
			case point == "append.begin" && before == "":
				before = copyDir(t, dir)
			case pick.IntN(4) == 0:
				images = append(images, image{dir: copyDir(t, dir), point: point, commit: commits})
			}
			return nil
		}
		s := openTest(t, dir, opts)
		all, ads := newScribe(), newScribe()
		require.NoError(t, s.Attach("all", all, nil))
		require.NoError(t, s.Attach("ads", ads, &AttachOptions{Purpose: "ads"}))
		require.NoError(t, s.Snapshot(context.Background()))
		now := func() scene { return scene{settled(t, s), all.lines(), ads.lines()} }
		was := now()
		for i := range 40 {
			commits, others, on, before, images = 0, 0, true, "", images[:0]
			switch r.IntN(14) {
			case 0:
				require.NoError(t, s.Snapshot(context.Background()))
			case 1:
				require.NoError(t, s.Compact(context.Background()))
			default:
				someCommand(t, s, r, i)
			}
			on = false
			is := now()
			if before != "" && commits == 1 && others == 0 {
				images = append(images, image{dir: torn(t, before, dir, pick), point: "torn", torn: true})
			}
			for _, x := range images {
				want := was
				switch {
				case x.commit == commits && !x.torn:
					want = is
				case x.commit > 0:
					continue // between two changes of one command
				}
				compared++
				seen[x.point]++
				got := openTest(t, x.dir, plain)
				a, b := newScribe(), newScribe()
				require.NoError(t, got.Attach("all", a, nil))
				require.NoError(t, got.Attach("ads", b, &AttachOptions{Purpose: "ads"}))
				sameState(t, want.state, settled(t, got), "round %d, command %d, %s after %d of %d", round, i, x.point, x.commit, commits)
				require.Equal(t, want.all, a.lines(), "round %d, command %d, %s", round, i, x.point)
				require.Equal(t, want.ads, b.lines(), "round %d, command %d, %s", round, i, x.point)
				require.NoError(t, got.Close())
				require.NoError(t, os.RemoveAll(x.dir))
			}
			was = is
		}
		require.NoError(t, s.Close())
	})
	t.Log(compared, "images", seen)
	require.GreaterOrEqual(t, compared, 25*rounds)
}

// torn returns a directory in which some of the pages are written that a
// transaction wrote between two others, all but the one that makes it count.
func torn(t testing.TB, before, after string, r *rand.Rand) string {
	t.Helper()
	to := copyDir(t, before)
	const name, page = "journal.db", 4096
	old, err := os.ReadFile(filepath.Join(before, name))
	require.NoError(t, err)
	fresh, err := os.ReadFile(filepath.Join(after, name))
	require.NoError(t, err)
	for len(old) < len(fresh) {
		old = append(old, make([]byte, page)...)
	}
	for at := 2 * page; at+page <= len(fresh); at += page {
		if !bytes.Equal(old[at:at+page], fresh[at:at+page]) && r.IntN(2) == 0 {
			copy(old[at:], fresh[at:at+page])
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(to, name), old, 0o600))
	return to
}
