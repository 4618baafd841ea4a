package experiment

import (
	"encoding"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The limit of encoding and decoding is to copy the same bytes and to check
// their sum.
func BenchmarkBytes(b *testing.B) {
	r := mustReadout(b, nil)
	rnd := rand.New(rand.NewPCG(1, 3))
	sketch := new(Sketch)
	for i := range 20_000 {
		expose(b, r, uint32(i+1), []string{"a", "b"}[i%2], 0)
		for range rnd.IntN(3) {
			record(b, r, uint32(i+1), "revenue", rnd.Float64(), 1+rnd.Float64())
		}
		sketch.Add(rnd.ExpFloat64() * 50)
	}
	for _, c := range []struct {
		name string
		x    interface {
			encoding.BinaryAppender
			encoding.BinaryUnmarshaler
		}
	}{
		{"moments", formatMoments()}, {"joint", formatJoint(b)}, {"sketch", sketch}, {"timeline", formatTimeline(b)}, {"readout", r},
	} {
		data, err := c.x.AppendBinary(nil)
		require.NoError(b, err)
		limit := func(b *testing.B) {
			buffer, table := make([]byte, len(data)), crc32.MakeTable(crc32.Castagnoli)
			b.ReportMetric(timeOf(10, func() { copy(buffer, data); sink.u += uint64(crc32.Checksum(buffer, table)) }), "rival-ns")
		}
		b.Run("encode/of="+c.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			var buffer []byte
			for b.Loop() {
				if buffer, err = c.x.AppendBinary(buffer[:0]); err != nil {
					b.Fatal(err)
				}
			}
			limit(b)
		})
		b.Run("decode/of="+c.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.x.UnmarshalBinary(data); err != nil {
					b.Fatal(err)
				}
			}
			limit(b)
		})
	}
}
