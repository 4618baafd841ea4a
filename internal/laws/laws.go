// Package laws checks the laws of state, the library's one idea: state is a
// sum over users, so that one user's part can be added, taken out, given to
// another user, merged with another shard's, and written to bytes.
//
// There are three classes of state, and one check for each:
//
//   - user views ([CheckView]): their truth is per-user rows, a multiset
//     ordered by time and content, never by arrival;
//   - summaries ([CheckSummary]): sums that can subtract;
//   - the store ([CheckStore]): the same, on what it shows of each person.
//
// What has bytes but nothing to add up, such as a fitted model, is held to the
// law of bytes alone ([CheckBytes]).
//
// Each exported type of a class is registered by one call in the test files of
// its own package; a test of the repository finds the ones that are not.
//
// Each law of a check runs rounds of random logs from a fixed seed: as many as
// the spec says, the number in ZHUN_LAWS if it is set in the environment, and
// at least 10,000 with ZHUN_LONG=1.
package laws

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/zhun-go/zhun/internal/wire"
)

// reporter is what a law needs of a test.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
}

// law is one law over random logs of elements E.
type law[E any] struct {
	name  string
	check func(t reporter, r *rand.Rand, log []E)
}

// run tries each law on random logs until one fails.
func run[E any](t *testing.T, n int, laws []law[E], draw func(r *rand.Rand) []E) {
	t.Helper()
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			n := rounds(t, n)
			for i := range n {
				r := seed(i)
				log := draw(r)
				l.check(t, r, log)
				if t.Failed() {
					t.Fatalf("round %d, log %v", i, log)
				}
			}
			t.Logf("%d rounds", n)
		})
	}
}

func must(t reporter, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// same compares what the laws speak of.
func same[T codec](t reporter, want, got T, what string) {
	t.Helper()
	w, err := state(want)
	must(t, err)
	g, err := state(got)
	must(t, err)
	if !bytes.Equal(w, g) {
		t.Errorf("%s: %d bytes of state differ from the %d wanted", what, len(g), len(w))
	}
}

// longRounds is the least number of rounds in the long form.
const longRounds = 10_000

// rounds is how many random logs each law of a check tries.
func rounds(t testing.TB, n int) int {
	if n == 0 {
		n = 100
	}
	if v := os.Getenv("ZHUN_LAWS"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil || n < 1 {
			t.Fatalf("ZHUN_LAWS is %q, want a number of rounds", v)
		}
	}
	if os.Getenv("ZHUN_LONG") != "" {
		n = max(n, longRounds)
	}
	return n
}

// state returns the bytes of x that the laws speak of: every section but
// [wire.Meta].
func state(x codec) ([]byte, error) {
	data, err := x.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return stateOf(data)
}

// stateOf is state of a frame.
func stateOf(data []byte) ([]byte, error) {
	f, err := wire.Inspect(data)
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, n := range f.Names() {
		if n != wire.Meta {
			b = fmt.Appendf(b, "%q", n)
			b = append(b, f.Payload(n)...)
		}
	}
	return b, nil
}

// seed gives each law and round its own random numbers.
func seed(round int) *rand.Rand { return rand.New(rand.NewPCG(20260101, uint64(round))) }

// shuffled returns the elements in another order.
func shuffled[E any](r *rand.Rand, xs []E) []E {
	xs = slices.Clone(xs)
	r.Shuffle(len(xs), func(i, j int) { xs[i], xs[j] = xs[j], xs[i] })
	return xs
}
