package laws

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/zhun-go/zhun/internal/wire"
)

// A decoder allocates at most allocFactor bytes for each byte it is given,
// whatever they are, beside allocFixed and twice what the bytes of a new value
// accumulator take, which may hold definitions to compile.
const (
	allocFactor = 16
	allocFixed  = 64 << 10
)

// codec is what has bytes.
type codec interface {
	AppendBinary([]byte) ([]byte, error)
	UnmarshalBinary([]byte) error
}

// BytesSpec says how to check a type T that has bytes, such as a model, but
// none of the other verbs of an accumulator.
type BytesSpec[T codec] struct {
	// New returns a receiver for bytes; every call the same options.
	New func() T
	// Draw returns a random value; the same numbers give the same value.
	Draw func(r *rand.Rand) T
	// Rounds is the number of random values, default 100.
	Rounds int
}

// CheckBytes holds a type to the law of bytes: equal values have equal bytes,
// what is decoded is what was encoded, damage is a typed error that leaves the
// receiver as it was, and no bytes make the decoder allocate more than a
// small multiple of them.
func CheckBytes[T codec](t *testing.T, spec BytesSpec[T]) {
	t.Helper()
	run(t, spec.Rounds, bytesLaws(spec), func(r *rand.Rand) []uint64 { return []uint64{r.Uint64(), r.Uint64()} })
}

func bytesLaws[T codec](spec BytesSpec[T]) []law[uint64] {
	draw := func(n uint64) T { return spec.Draw(rand.New(rand.NewPCG(n, 1))) }
	return []law[uint64]{
		{"deterministic", func(t reporter, _ *rand.Rand, log []uint64) {
			if !bytes.Equal(encode(t, draw(log[0])), encode(t, draw(log[0]))) {
				t.Errorf("equal values have different bytes")
			}
		}},
		{"bytes", func(t reporter, r *rand.Rand, log []uint64) {
			checkBytes(t, r, draw(log[0]), spec.New(), draw(log[1]))
		}},
		{"hostile", func(t reporter, r *rand.Rand, log []uint64) {
			checkHostile(t, r, draw(log[0]), spec.New, draw(log[1]), nil)
		}},
	}
}

// checkBytes holds x to the law of bytes: what is decoded is what was
// encoded, encoding appends, and damage is an error that leaves the receiver
// as it was.
func checkBytes[T codec](t reporter, r *rand.Rand, x, fresh, other T) {
	t.Helper()
	data := encode(t, x)
	if after, err := x.AppendBinary([]byte("before")); err != nil || string(after) != "before"+string(data) {
		t.Fatalf("AppendBinary does not append: %v", err)
	}
	input := slices.Clone(data)
	if err := fresh.UnmarshalBinary(input); err != nil {
		t.Fatalf("UnmarshalBinary of what was encoded: %v", err)
	}
	if !bytes.Equal(input, data) {
		t.Fatalf("UnmarshalBinary wrote to its input")
	}
	clear(input) // the receiver holds a copy
	if got := encode(t, fresh); !bytes.Equal(got, data) {
		t.Fatalf("decode(encode(x)) encodes to %d other bytes than the %d of x", len(got), len(data))
	}
	before := encode(t, other)
	for range 8 {
		bad := damaged(r, data)
		if bytes.Equal(bad, data) {
			continue
		}
		err := other.UnmarshalBinary(bad)
		if err == nil {
			t.Fatalf("damaged bytes were accepted")
		}
		if !refused(err) {
			t.Fatalf("damaged bytes give %q, want an error that wraps wire.ErrCorrupt or wire.ErrVersion", err)
		}
		if !bytes.Equal(encode(t, other), before) {
			t.Fatalf("damaged bytes changed the receiver")
		}
	}
}

// checkHostile gives a decoder bytes whose checksums are right and whose
// content is not what any encoder would have written. What it accepts is a
// state like any other: it has one encoding, which decodes to itself. Empty is
// the bytes of an empty accumulator, if there is such a thing.
func checkHostile[T codec](t reporter, r *rand.Rand, x T, fresh func() T, other T, empty []byte) (accepted []T) {
	t.Helper()
	data := encode(t, x)
	fixed := allocFixed + 2*allocated(fresh, empty, 0)
	checkAllocation(t, fresh, data, fixed)
	before := encode(t, other)
	for range 4 {
		bad, section := forged(t, r, data)
		checkAllocation(t, fresh, bad, fixed)
		if err := other.UnmarshalBinary(bad); err != nil {
			if section != wire.Meta && !refused(err) {
				t.Fatalf("hostile bytes in section %q give %q, want an error that wraps wire.ErrCorrupt or wire.ErrVersion", section, err)
			}
			if !bytes.Equal(encode(t, other), before) {
				t.Fatalf("hostile bytes in section %q changed the receiver", section)
			}
			continue
		}
		y := fresh()
		must(t, y.UnmarshalBinary(bad))
		canonical := encode(t, y)
		z := fresh()
		if err := z.UnmarshalBinary(canonical); err != nil {
			t.Fatalf("hostile bytes in section %q were accepted, what they encode to is not: %v", section, err)
		}
		if !bytes.Equal(encode(t, z), canonical) {
			t.Fatalf("hostile bytes in section %q were accepted and have no stable encoding", section)
		}
		if section != wire.Meta {
			was, err := stateOf(bad)
			must(t, err)
			is, err := stateOf(canonical)
			must(t, err)
			if !bytes.Equal(was, is) {
				t.Fatalf("hostile bytes in section %q were accepted and are a second encoding of a state:\n%q\n%q", section, was, is)
			}
		}
		accepted = append(accepted, y)
		before = encode(t, other)
	}
	return accepted
}

// checkAllocation holds a decoder to its bound on what it allocates.
func checkAllocation[T codec](t reporter, fresh func() T, data []byte, fixed uint64) {
	t.Helper()
	limit := uint64(allocFactor*len(data)) + fixed
	if n := allocated(fresh, data, limit); n > limit {
		t.Fatalf("decoding %d bytes allocated %d, want at most %d", len(data), n, limit)
	}
}

// allocated counts the bytes allocated while data is decoded, well or not.
// Others may be allocating meanwhile, hence the least of a few tries unless
// one is within enough.
func allocated[T codec](fresh func() T, data []byte, enough uint64) uint64 {
	least := ^uint64(0)
	for range 4 {
		y := fresh()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = y.UnmarshalBinary(data)
		runtime.ReadMemStats(&after)
		if least = min(least, after.TotalAlloc-before.TotalAlloc); least <= enough {
			break
		}
	}
	return least
}

func refused(err error) bool {
	return errors.Is(err, wire.ErrCorrupt) || errors.Is(err, wire.ErrVersion)
}

// forged returns data with something in one of its sections changed, framed
// anew, and the section's name.
func forged(t reporter, r *rand.Rand, data []byte) (bad []byte, section string) {
	t.Helper()
	f, err := wire.Inspect(data)
	must(t, err)
	names := slices.DeleteFunc(slices.Clone(f.Names()), func(n string) bool { return len(f.Payload(n)) == 0 })
	if len(names) == 0 {
		return data, ""
	}
	section = names[r.IntN(len(names))]
	w := wire.NewWriter(f.Kind, f.Version)
	for _, n := range f.Names() {
		body := f.Payload(n)
		if n == section {
			for range 1 + r.IntN(3) {
				body = damaged(r, body)
			}
		}
		w.Section(n).Raw(body)
	}
	return w.AppendTo(nil), section
}

// damaged returns a damaged copy of b.
func damaged(r *rand.Rand, b []byte) []byte {
	b = slices.Clone(b)
	if len(b) == 0 {
		return append(b, byte(r.IntN(256)))
	}
	at := r.IntN(len(b))
	span := b[at:min(len(b), at+1+r.IntN(12))]
	switch r.IntN(10) {
	case 0:
		return b[:at]
	case 1:
		return append(b, byte(r.IntN(256)))
	case 2: // a length that nothing backs
		return slices.Replace(b, at, at+1, binary.AppendUvarint(nil, r.Uint64()>>r.IntN(64))...)
	case 3:
		return slices.Insert(b, at, slices.Clone(span)...)
	case 4:
		return slices.Delete(b, at, at+len(span))
	case 5:
		copy(span, b[r.IntN(len(b)):])
		return b
	case 6:
		b[at] += byte(1 + 254*r.IntN(2))
		return b
	default:
		b[at] ^= 1 << r.IntN(8)
		return b
	}
}

func encode(t reporter, x codec) []byte {
	t.Helper()
	data, err := x.AppendBinary(nil)
	if err != nil {
		t.Fatalf("AppendBinary: %v", err)
	}
	return data
}
