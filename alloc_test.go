//go:build !race

package zhun_test

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/wire"
)

// A decoder allocates at most allocPerByte for each byte it is given, beside
// what does not depend on them. (The race detector allocates too.)
const (
	allocPerByte = 16
	allocConst   = 256 << 10
)

// decodeAllocates returns what a decoder allocates.
func decodeAllocates(x encoding.BinaryUnmarshaler, data []byte) (bytes uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = x.UnmarshalBinary(data)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// What real states become in memory, all that is thrown away on the way
// included, is bounded by their bytes.
func TestDecodersAllocateByTheByte(t *testing.T) {
	for _, s := range states(t, 100, 30, 10_000) {
		data, err := s.value.AppendBinary(nil)
		require.NoError(t, err)
		n, err := decodeAllocates(s.fresh(), data)
		require.NoError(t, err)
		t.Logf("%-24s %9d bytes, %5.1f allocated for each", s.name, len(data), float64(n)/float64(len(data)))
		require.LessOrEqual(t, n, uint64(allocPerByte*len(data)+allocConst), s.name)
	}
}

// Counts that lie, with bytes after them that are as small as elements get,
// cost no more.
func TestDecodersAllocateLittleForLies(t *testing.T) {
	const size = 1 << 19
	for _, s := range states(t, 4, 12, 50) {
		data, err := s.value.AppendBinary(nil)
		require.NoError(t, err)
		f, err := wire.Inspect(data)
		require.NoError(t, err)
		for _, section := range f.Names() {
			for _, filler := range []byte{0, 1, 2, 0x7f} {
				for part := range 12 {
					w := wire.NewWriter(f.Kind, f.Version)
					for _, n := range f.Names() {
						payload := f.Payload(n)
						if n == section {
							payload = lie(payload, part, bytes.Repeat([]byte{filler}, size))
						}
						w.Section(n).Raw(payload)
					}
					bad := w.AppendTo(nil)
					n, err := decodeAllocates(s.fresh(), bad)
					if err == nil {
						continue
					}
					if n > uint64(allocPerByte*len(bad)+allocConst) {
						t.Errorf("%s, section %q, filler %x, case %d: %.1f bytes allocated for each", s.name, section, filler, part, float64(n)/float64(len(bad)))
					}
				}
			}
		}
	}
}

// lie keeps the first bytes of a payload, and then claims as many things as
// could be in what follows, if they took one byte, three, or seven.
func lie(payload []byte, part int, filler []byte) []byte {
	keep := min(part/3, len(payload))
	size := []int{1, 3, 7}[part%3]
	out := binary.AppendUvarint(append([]byte(nil), payload[:keep]...), uint64(math.Floor(float64(len(filler))/float64(size))))
	return append(out, filler...)
}
