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
// Each exported type of a class is registered by one call in the test files of
// its own package; a test of the repository finds the ones that are not.
//
// A check runs many rounds of random logs from a fixed seed, more of them
// with ZHUN_LONG=1 in the environment.
package laws

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
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
			for i := range rounds(n) {
				r := seed(i)
				log := draw(r)
				l.check(t, r, log)
				if t.Failed() {
					t.Fatalf("round %d, log %v", i, log)
				}
			}
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
func same[T binary](t reporter, want, got T, what string) {
	t.Helper()
	w, err := state(want)
	must(t, err)
	g, err := state(got)
	must(t, err)
	if !bytes.Equal(w, g) {
		t.Errorf("%s: %d bytes of state differ from the %d wanted", what, len(g), len(w))
	}
}

// rounds is how many random logs a check tries.
func rounds(n int) int {
	if n == 0 {
		n = 100
	}
	if os.Getenv("ZHUN_LONG") != "" {
		n *= 100
	}
	return n
}

// state returns the bytes of x that the laws speak of: every section but
// [wire.Meta].
func state(x interface {
	AppendBinary([]byte) ([]byte, error)
},
) ([]byte, error) {
	data, err := x.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
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

// checkBytes holds x to the law of bytes: what is decoded is what was
// encoded, encoding appends, and damage is an error that leaves the receiver
// as it was, or changes nothing.
func checkBytes[T binary](t reporter, r *rand.Rand, x, fresh, other T) {
	t.Helper()
	data := encode(t, x)
	if after, err := x.AppendBinary([]byte("before")); err != nil || string(after) != "before"+string(data) {
		t.Fatalf("AppendBinary does not append: %v", err)
	}
	if err := fresh.UnmarshalBinary(data); err != nil {
		t.Fatalf("UnmarshalBinary of what was encoded: %v", err)
	}
	if got := encode(t, fresh); !bytes.Equal(got, data) {
		t.Fatalf("decode(encode(x)) encodes to %d other bytes than the %d of x", len(got), len(data))
	}
	before := encode(t, other)
	for range 8 {
		bad := slices.Clone(data)
		switch r.IntN(4) {
		case 0:
			bad = bad[:r.IntN(len(bad))]
		case 1:
			bad = append(bad, byte(r.IntN(256)))
		default:
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		}
		if err := other.UnmarshalBinary(bad); err == nil {
			t.Fatalf("damaged bytes were accepted")
		}
		if !bytes.Equal(encode(t, other), before) {
			t.Fatalf("damaged bytes changed the receiver")
		}
	}
}

type binary interface {
	AppendBinary([]byte) ([]byte, error)
	UnmarshalBinary([]byte) error
}

func encode(t reporter, x binary) []byte {
	t.Helper()
	data, err := x.AppendBinary(nil)
	if err != nil {
		t.Fatalf("AppendBinary: %v", err)
	}
	return data
}

// seed gives each law and round its own random numbers.
func seed(round int) *rand.Rand { return rand.New(rand.NewPCG(20260101, uint64(round))) }

// shuffled returns the elements in another order.
func shuffled[E any](r *rand.Rand, xs []E) []E {
	xs = slices.Clone(xs)
	r.Shuffle(len(xs), func(i, j int) { xs[i], xs[j] = xs[j], xs[i] })
	return xs
}
