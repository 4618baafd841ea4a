//go:build unix

package journal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func long() bool { return os.Getenv("ZHUN_LONG") != "" }

// failpoints are all names that Hook is called with.
var failpoints = []string{
	"append.begin", "append.put", "append.committed",
	"snapshot.create", "snapshot.write", "snapshot.written", "snapshot.synced", "snapshot.renamed",
	"publish.begin", "publish.put", "publish.committed", "snapshot.published",
	"cut.begin", "cut.put", "cut.committed",
	"compact.create", "compact.write", "compact.written", "compact.synced", "compact.renamed", "compact.published",
}

// Children are killed at every failpoint and at random moments, each going on
// where the one before was stopped.
func TestNothingAcknowledgedIsLostWhenKilled(t *testing.T) {
	rounds := len(failpoints) + 9
	if long() {
		rounds = 10 * len(failpoints)
	}
	r := rand.New(rand.NewPCG(1, 0))
	dir := filepath.Join(t.TempDir(), "journal")
	a := newAcked()
	for round := range rounds {
		jb := job{Dir: dir, Round: round, Admin: true, Writers: 3}
		point := "a random moment"
		if round < len(failpoints) || long() && r.IntN(2) == 0 {
			point = failpoints[round%len(failpoints)]
			jb.Point, jb.Nth = point, 1+r.Int64N(3)
		}
		p := start(t, jb, a)
		if jb.Point != "" {
			p.hearOut()
		} else {
			p.listen(time.Duration(30+r.IntN(60)) * time.Millisecond)
			p.kill()
		}
		a = p.acked
		require.Empty(t, a.failure, "round %d: the child failed", round)
		require.False(t, jb.Point != "" && !a.opened, "round %d: the child did not come as far as %s", round, point)
		require.NoError(t, audit(dir, a), "round %d, killed at %s", round, point)
	}
	require.Greater(t, len(a.last), rounds, "too little was appended to mean anything")
	require.NotZero(t, a.snapshot)
	require.NotEmpty(t, a.forgotten)
}

// The directory is copied while the child is stopped anywhere, also within
// bbolt's commit.
func TestImagesOfARunningJournalRecover(t *testing.T) {
	images := 50
	if long() {
		images = 500
	}
	r := rand.New(rand.NewPCG(2, 0))
	base := t.TempDir()
	dir := filepath.Join(base, "journal")
	p := start(t, job{Dir: dir, Admin: true, Writers: 3}, newAcked())
	for !p.opened {
		require.False(t, p.listen(10*time.Millisecond), "the child ended: %s", p.failure)
	}
	for i := range images {
		require.False(t, p.listen(time.Duration(r.IntN(8000))*time.Microsecond), "the child ended: %s", p.failure)
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
		require.Eventually(t, func() bool { return stopped(p.cmd.Process.Pid) }, 5*time.Second, 100*time.Microsecond)
		p.listen(time.Millisecond)
		image := filepath.Join(base, fmt.Sprint("image", i))
		require.NoError(t, os.CopyFS(image, os.DirFS(dir)))
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT))
		require.NoError(t, audit(image, p.acked), "image %d", i)
		require.NoError(t, os.RemoveAll(image))
	}
	p.kill()
	require.NoError(t, audit(dir, p.acked))
}
