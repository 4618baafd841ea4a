//go:build unix

package profile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	killDir   = "ZHUN_PROFILE_KILL_DIR"
	killPoint = "ZHUN_PROFILE_KILL_POINT"
	killPass  = "ZHUN_PROFILE_KILL_PASS"
)

func killOptions() Options {
	return Options{MaxPersonKeys: 6, MaxKeyLinks: 6, SnapshotEvery: 3000, Traits: testTraits()[:4]}
}

// step does the i-th thing to a store and notes that it did.
func step(t testing.TB, s *Store, i uint64) {
	someTransaction(t, s, rand.New(rand.NewPCG(31, i)), int(i))
}

func noted(s *Store) uint64 {
	b, _ := s.Record("n")
	if len(b) == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func note(t testing.TB, s *Store, i uint64) {
	_, err := s.Commit(Batch{Records: map[string][]byte{"n": binary.LittleEndian.AppendUint64(nil, i)}})
	require.NoError(t, err)
}

// TestKillChild is the process that is killed; alone it does nothing.
func TestKillChild(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("run by TestKill")
	}
	opts := killOptions()
	pass, _ := strconv.Atoi(os.Getenv(killPass))
	opts.hook = func(point string) error {
		if point == os.Getenv(killPoint) {
			if pass--; pass == 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
		return nil
	}
	s, err := Open(dir, &opts)
	require.NoError(t, err)
	for i := noted(s) + 1; ; i++ {
		step(t, s, i)
		note(t, s, i)
		fmt.Printf("done %d\n", i)
	}
}

// A process that is killed at any moment, at every point of a transaction and
// of a snapshot among them, has lost nothing that it had acknowledged, and has
// nothing that was never asked for.
func TestKill(t *testing.T) {
	if raceEnabled {
		t.Skip("the child is a process of its own, which the race detector does not see")
	}
	t.Parallel()
	dir := t.TempDir()
	want := newTest(t, killOptions()) // the same in memory
	points := []string{"append.begin", "append.put", "append.committed", "snapshot.create", "snapshot.synced", "snapshot.renamed", "publish.put", "publish.committed", ""}
	r := rand.New(rand.NewPCG(37, 1))
	n := uint64(0)
	for round := range longForm(20) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$", "-test.timeout=60s")
		point := points[round%len(points)]
		pass := 1
		if strings.HasPrefix(point, "append") {
			pass = 1 + r.IntN(40)
		}
		cmd.Env = append(os.Environ(), killDir+"="+dir, killPoint+"="+point, killPass+"="+strconv.Itoa(pass))
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		if point == "" || round%3 == 0 {
			timer := time.AfterFunc(time.Duration(20+r.IntN(300))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
		}
		acknowledged := n
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), "done "); ok {
				acknowledged, err = strconv.ParseUint(rest, 10, 64)
				require.NoError(t, err)
			}
		}
		_ = cmd.Wait()
		require.False(t, cmd.ProcessState.Exited(), "the child failed by itself: %v", cmd.ProcessState)

		opts := killOptions()
		s, err := Open(dir, &opts)
		require.NoError(t, err, "round %d, %s", round, point)
		got := noted(s)
		require.GreaterOrEqual(t, got, acknowledged, "round %d, %s: acknowledged and lost", round, point)
		require.LessOrEqual(t, got, acknowledged+1, "round %d, %s: invented", round, point)
		for n < got {
			n++
			step(t, want, n)
			note(t, want, n)
		}
		if state := bare(t, s); string(bare(t, want)) != string(state) {
			// The command after may have become durable, and not been noted.
			step(t, want, n+1)
			sameState(t, bare(t, want), state, "round %d, %s, after %d", round, point, n)
		}
		require.NoError(t, s.Close())
	}
	require.Positive(t, n)
}

// bare is the state without what only a directory knows, and without the
// counts that it does not.
func bare(t testing.TB, s *Store) []byte {
	t.Helper()
	o, err := New(&s.opts)
	require.NoError(t, err)
	require.NoError(t, o.UnmarshalBinary(settled(t, s)))
	return stateless(t, o)
}
