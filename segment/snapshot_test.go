package segment

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSnapshot takes pictures between random calls. Each is written while the
// index goes on, and holds what AppendBinary gave when it was taken.
func TestSnapshot(t *testing.T) {
	for round := range 40 {
		r := rand.New(rand.NewPCG(5, uint64(round)))
		x := lawIndex(t, Options{Retain: 24 * time.Hour, Dynamic: round%2 == 0})
		var pictures sync.WaitGroup
		last := time.Time{}
		for range 120 {
			user := 1 + r.Uint32N(6)
			if r.IntN(4) == 0 {
				user += r.Uint32N(3) * blockUsers
			}
			switch r.IntN(10) {
			case 0, 1, 2:
				require.NoError(t, x.Update(user, map[string]any{"n": r.IntN(5), "any": anyValue(r)}, lawTime(r)))
			case 3, 4, 5:
				require.NoError(t, x.Observe(user, pick(r, "A", "B", "C", "new"), map[string]any{"x": r.IntN(4)}, lawTime(r)))
			case 6:
				if now := lawTime(r).Add(time.Duration(r.IntN(30)) * time.Hour); now.After(last) {
					last = now
				}
				require.NoError(t, x.Advance(last))
			case 7:
				require.NoError(t, x.Rename(user, 1+r.Uint32N(6)))
			case 8:
				require.NoError(t, x.Erase(user))
			default:
				want, err := x.AppendBinary(nil)
				require.NoError(t, err)
				s := x.Snapshot()
				if r.IntN(8) == 0 {
					require.NoError(t, x.UnmarshalBinary(want))
				}
				pictures.Go(func() {
					for range 2 {
						var got bytes.Buffer
						n, err := s.WriteTo(&got)
						if err != nil || n != int64(len(want)) || !bytes.Equal(want, got.Bytes()) {
							t.Errorf("round %d: a picture of %d bytes differs from the index it was taken of", round, n)
						}
						time.Sleep(time.Duration(len(want)) * time.Microsecond / 10)
					}
				})
			}
		}
		pictures.Wait()
		if t.Failed() {
			return
		}
	}
}

// BenchmarkSnapshot takes a picture of an index; written=true also writes it.
func BenchmarkSnapshot(b *testing.B) {
	x, err := NewIndex(Schema{"n": Number}, &Options{Events: map[string]Schema{}, Clock: Manual})
	if err != nil {
		b.Fatal(err)
	}
	for u := range uint32(200_000) {
		_ = x.Update(u+1, map[string]any{"n": int(u)}, modelEpoch)
	}
	b.Run("written=false", func(b *testing.B) {
		for b.Loop() {
			x.Snapshot()
		}
	})
	b.Run("written=true", func(b *testing.B) {
		for b.Loop() {
			_, _ = x.Snapshot().WriteTo(io.Discard)
		}
	})
}
