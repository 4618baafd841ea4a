//go:build unix

package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The crash tests start this test binary again as a child that works on a
// journal, tells its parent what was acknowledged, and is killed.

const childEnv = "ZHUN_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		os.Exit(child(job))
	}
	os.Exit(m.Run())
}

// job tells a child what to do.
type job struct {
	Dir     string
	Round   int    // makes what is written differ from earlier rounds
	Point   string // failpoint at which the child kills itself
	Nth     int64  // at that pass of it
	Admin   bool   // snapshots, forgets, cuts and compacts too
	Bug     bugs
	Limit   uint64 // RLIMIT_FSIZE in bytes
	Writers int
}

const jobFormat = "crash test 1"

// Every record says in clear what it is, and everything about it follows from
// that: writer, number of the batch, place in the batch, size of the batch.
type label struct{ writer, batch, place, size int }

func (l label) String() string {
	return fmt.Sprintf("%d/%d/%d/%d", l.writer, l.batch, l.place, l.size)
}

func parseLabel(s string) (l label, err error) {
	_, err = fmt.Sscanf(s, "%d/%d/%d/%d", &l.writer, &l.batch, &l.place, &l.size)
	return l, err
}

func mix(v ...int) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, v)
	return h.Sum64()
}

func (l label) record() Record {
	h := mix(l.writer, l.batch, l.place)
	r := Record{
		Kind:  byte(h),
		Clear: []byte(l.String()),
		Data:  []byte(strings.Repeat(fmt.Sprintf("%x,", h), int(h>>8%30))),
	}
	if h>>16%4 != 0 {
		r.Subject = subjectOf(l.writer, int(h>>24%3))
	}
	return r
}

func batchOf(writer, n int) Batch {
	size := 1 + int(mix(writer, n)%4)
	var b Batch
	for i := range size {
		b.Records = append(b.Records, label{writer, n, i, size}.record())
	}
	return b
}

func subjectOf(writer, i int) uint64 { return uint64(1 + writer*10 + i) }

// stateAt is the content of a snapshot after a record.
func stateAt(seq uint64) text {
	return text(strings.Repeat(fmt.Sprintf("state %d;", seq), 200))
}

func child(spec string) int {
	var jb job
	if err := json.Unmarshal([]byte(spec), &jb); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	go func() {
		// The parent's end of the pipe closes with it.
		io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	if err := work(jb); err != nil {
		say("error %v", err)
		return 1
	}
	return 0
}

func say(format string, args ...any) {
	os.Stdout.Write(fmt.Appendf(nil, format+"\n", args...))
}

func killSelf() {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func work(jb job) error {
	if jb.Limit > 0 {
		if err := limitFiles(jb.Limit); err != nil {
			return err
		}
	}
	var passes atomic.Int64
	j, err := Open(jb.Dir, &Options{Format: jobFormat, bugs: jb.Bug, Hook: func(point string) error {
		if point == jb.Point && passes.Add(1) == jb.Nth {
			// What was acknowledged too early reaches the parent first.
			time.Sleep(5 * time.Millisecond)
			killSelf()
		}
		return nil
	}})
	if err != nil {
		return err
	}
	say("open")
	var wg sync.WaitGroup
	failed := make(chan error, jb.Writers+1)
	for i := range jb.Writers {
		w := jb.Round*8 + i
		wg.Go(func() {
			for n := 0; ; n++ {
				last, err := j.Append(batchOf(w, n))
				if err != nil && !errors.Is(err, ErrForgotten) {
					failed <- err
					return
				}
				if err == nil {
					say("append %d %d %d", w, n, last)
				} else {
					return // the administrator forgot one of this writer's subjects
				}
			}
		})
	}
	if jb.Admin {
		wg.Go(func() { failed <- administer(j, jb) })
	}
	err = <-failed
	if errors.Is(err, ErrFull) && jb.Limit > 0 {
		_, again := j.Append(Batch{Records: []Record{{}}})
		say("full %t", errors.Is(again, ErrFull))
	}
	wg.Wait()
	return err
}

// administer does what a host does beside appending.
func administer(j *Journal, jb job) error {
	for i := 0; ; i++ {
		time.Sleep(time.Millisecond)
		seq := j.Last()
		if err := j.Snapshot(seq, []Part{{"store", stateAt(seq)}, {"view", stateAt(seq + 1)}}); err != nil {
			return err
		}
		say("snapshot %d", seq)
		switch i % 4 {
		case 1:
			// Writer 7 of a round never appends again after this.
			w := jb.Round*8 + 7
			if _, err := j.Append(batchOf(w, i)); err != nil {
				return err
			}
			subject := subjectOf(w, 0)
			say("forgetting %d", subject)
			if _, err := j.Append(Batch{Forget: []uint64{subject, subjectOf(w, 1), subjectOf(w, 2)}}); err != nil {
				return err
			}
			say("forgot %d", subject)
			jb.Round += 1 << 16
		case 2:
			sets := j.Snapshots()
			before := sets[len(sets)-1].Seq
			if before > 40 {
				before -= 40
			}
			if err := j.Truncate(before); err != nil {
				return err
			}
		case 3:
			if err := j.Compact(context.Background()); err != nil {
				return err
			}
		}
	}
}

// process is a child as its parent sees it.
type process struct {
	t   testing.TB
	cmd *exec.Cmd
	out *os.File
	buf bytes.Buffer
	acked
}

// acked is what a child said.
type acked struct {
	opened     bool
	last       map[[2]int]uint64 // writer and batch → sequence of its last record
	next       map[int]int       // writer → number of its first batch that was not acknowledged
	forgotten  map[uint64]bool
	forgetting map[uint64]bool
	snapshot   uint64
	failure    string
	full       string
}

func newAcked() acked {
	return acked{last: map[[2]int]uint64{}, next: map[int]int{}, forgotten: map[uint64]bool{}, forgetting: map[uint64]bool{}}
}

func start(t testing.TB, jb job, a acked) *process {
	t.Helper()
	spec, err := json.Marshal(jb)
	require.NoError(t, err)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	p := &process{t: t, out: r, acked: a, cmd: exec.Command(os.Args[0], "-test.run=^$")}
	p.opened = false
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(spec))
	p.cmd.Stdout = w
	p.cmd.Stderr = os.Stderr
	_, err = p.cmd.StdinPipe() // closed by Wait, and when this process dies
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	w.Close()
	t.Cleanup(func() { p.kill() })
	return p
}

// listen takes in what the child has said so far, for at most d.
func (p *process) listen(d time.Duration) (ended bool) {
	require.NoError(p.t, p.out.SetReadDeadline(time.Now().Add(d)))
	_, err := io.Copy(&p.buf, p.out)
	for {
		line, rest, ok := bytes.Cut(p.buf.Bytes(), []byte("\n"))
		if !ok {
			break
		}
		p.hear(string(line))
		p.buf = *bytes.NewBuffer(bytes.Clone(rest))
	}
	return err == nil
}

func (p *process) hear(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	var a, b int
	var seq uint64
	switch verb {
	case "open":
		p.opened = true
	case "append":
		fmt.Sscan(rest, &a, &b, &seq)
		p.last[[2]int{a, b}] = seq
		p.next[a] = b + 1
	case "forgetting", "forgot":
		fmt.Sscan(rest, &seq)
		writer := int(seq-1) / 10
		for i := range 3 {
			p.forgetting[subjectOf(writer, i)] = true
			if verb == "forgot" {
				p.forgotten[subjectOf(writer, i)] = true
			}
		}
	case "snapshot":
		fmt.Sscan(rest, &seq)
		p.snapshot = seq
	case "error":
		p.failure = rest
	case "full":
		p.full = rest
	default:
		p.t.Errorf("the child said %q", line)
	}
}

// kill ends the child, and hears it out.
func (p *process) kill() acked {
	if p.cmd.ProcessState == nil {
		p.cmd.Process.Kill()
		p.hearOut()
	}
	return p.acked
}

// hearOut waits for the child's end.
func (p *process) hearOut() acked {
	p.listen(30 * time.Second)
	p.out.Close()
	p.cmd.Process.Kill()
	p.cmd.Wait()
	return p.acked
}
