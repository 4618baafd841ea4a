package byuser

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func requireSame(t *testing.T, want map[uint32]int, got *Table[int], format string, args ...any) {
	t.Helper()
	require.Equal(t, len(want), got.Len(), append([]any{format}, args...)...)
	users := slices.Sorted(maps.Keys(want))
	i := 0
	for u, v := range got.All() {
		require.Less(t, i, len(users))
		require.Equal(t, users[i], u)
		require.Equal(t, want[u], *v, append([]any{format}, args...)...)
		i++
	}
	require.Equal(t, len(users), i)
}

// A table is a map, and a picture is the map that was there when it was taken.
func TestTableIsAMap(t *testing.T) {
	for round := range 30 {
		r := rand.New(rand.NewPCG(1, uint64(round)))
		var x Table[int]
		m := map[uint32]int{}
		type photo struct {
			m map[uint32]int
			t Table[int]
		}
		var photos []photo
		reach := []uint32{50, 3000, 1 << 31}[round%3]
		next := uint32(1)
		for i := range 6000 {
			u := r.Uint32N(reach)
			if round%2 == 0 && r.IntN(3) > 0 {
				u, next = next, next+1
			}
			switch r.IntN(8) {
			case 0, 1:
				_, had := m[u]
				require.Equal(t, had, x.Delete(u))
				delete(m, u)
			case 2:
				v := x.Find(u)
				_, had := m[u]
				require.Equal(t, had, v != nil)
				if had {
					*v += 3
					m[u] += 3
				}
			default:
				*x.Own(u) += i
				m[u] += i
			}
			got, ok := x.Get(u)
			want, had := m[u]
			require.Equal(t, had, ok)
			require.Equal(t, want, got)
			if r.IntN(500) == 0 {
				photos = append(photos, photo{maps.Clone(m), x.Freeze()})
			}
		}
		requireSame(t, m, &x, "round %d", round)
		for i := range photos {
			requireSame(t, photos[i].m, &photos[i].t, "round %d, picture %d", round, i)
		}
	}
}

func TestSearch(t *testing.T) {
	for n := range 40 {
		var list []uint32
		for i := range n {
			list = append(list, uint32(2*i+1))
		}
		for x := range uint32(2*n + 3) {
			wi, wok := slices.BinarySearch(list, x)
			i, ok := search(list, x)
			require.Equal(t, wi, i, fmt.Sprint(n, x))
			require.Equal(t, wok, ok)
		}
	}
}

// Beside a map, with users in the order in which they came and at random.
func BenchmarkTable(b *testing.B) {
	const n = 1 << 20
	type value struct {
		a []int32
		_ [6]int
	}
	var x Table[value]
	m := map[uint32]*value{}
	for u := range uint32(n) {
		x.Own(u)
		m[u] = new(value)
	}
	r := rand.New(rand.NewPCG(1, 1))
	b.Run("do=find", func(b *testing.B) {
		for b.Loop() {
			x.Find(r.Uint32N(n)).a = nil
		}
	})
	b.Run("do=find/rival=map", func(b *testing.B) {
		for b.Loop() {
			m[r.Uint32N(n)].a = nil
		}
	})
	b.Run("do=freeze", func(b *testing.B) {
		for b.Loop() {
			x.Freeze()
		}
	})
}
