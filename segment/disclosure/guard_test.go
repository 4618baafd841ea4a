package disclosure

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/laws"
	"github.com/zhun-go/zhun/segment"
)

func guard(t testing.TB, opts *Options) *Guard {
	t.Helper()
	g, err := New(opts)
	require.NoError(t, err)
	return g
}

func span(from, to uint32) *roaring.Bitmap {
	b := roaring.New()
	b.AddRange(uint64(from), uint64(to))
	return b
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{MinGroup: 1}, {MinGroup: -3}, {Budget: -1}, {Budget: 1e-9}, {Budget: 2e6}} {
		_, err := New(&o)
		var where *segment.OptionError
		require.ErrorAs(t, err, &where, "%+v", o)
		require.ErrorIs(t, err, segment.ErrOption)
	}
	g := guard(t, nil)
	require.Equal(t, 50, g.min)
	require.Equal(t, 1.0, g.Left())
}

// A guard that nobody made lets nothing out.
func TestZeroGuard(t *testing.T) {
	var g Guard
	require.ErrorIs(t, g.Release(span(1, 4), nil), ErrSmall)
	require.ErrorIs(t, g.Release(span(1, 1001), span(1, 2001)), ErrSmall)
	_, err := g.Noisy(100, .1)
	require.ErrorIs(t, err, ErrBudget)
	data, err := guard(t, nil).MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, g.UnmarshalBinary(data))
	require.ErrorIs(t, g.Release(span(1, 1001), nil), ErrSmall)
}

func TestRefusals(t *testing.T) {
	everybody := span(1, 1001)
	for _, c := range []struct {
		name       string
		first      *roaring.Bitmap
		second     *roaring.Bitmap
		population *roaring.Bitmap
		want       error
	}{
		{"49", nil, span(1, 50), nil, ErrSmall},
		{"50", nil, span(1, 51), nil, nil},
		{"nobody", nil, roaring.New(), nil, ErrSmall},
		{"nil", nil, nil, nil, ErrSmall},
		{"all but 49", nil, span(1, 952), everybody, ErrDifference},
		{"all but 50", nil, span(1, 951), everybody, nil},
		{"all", nil, everybody, everybody, nil},
		{"again", span(1, 101), span(1, 101), everybody, nil},
		{"one more", span(1, 101), span(1, 102), everybody, ErrDifference},
		{"one less", span(1, 101), span(1, 100), everybody, ErrDifference},
		{"one other", span(1, 101), span(2, 102), everybody, ErrDifference},
		{"50 more", span(1, 101), span(1, 151), everybody, nil},
		{"50 less", span(1, 101), span(1, 51), everybody, nil},
		{"51 less", span(1, 101), span(1, 50), everybody, ErrSmall},
		{"3 in common", span(1, 101), span(98, 201), everybody, ErrDifference},
		{"50 in common", span(1, 101), span(51, 201), everybody, nil},
		{"none in common", span(1, 101), span(101, 201), everybody, nil},
		{"both but 30 of all", span(1, 501), span(501, 971), everybody, ErrDifference},
		{"both but 30 of all, all not known", span(1, 501), span(501, 971), nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := guard(t, nil)
			if c.first != nil {
				require.NoError(t, g.Release(c.first, c.population))
			}
			before, err := g.MarshalBinary()
			require.NoError(t, err)
			err = g.Release(c.second, c.population)
			require.ErrorIs(t, err, c.want)
			if err == nil {
				return
			}
			var refusal *Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, 50, refusal.MinGroup)
			after, err := g.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, before, after, "a refusal leaves no trace")
		})
	}
}

// The union of two audiences whose intersection is small is a third release
// that differs from each by many.
func TestInclusionAndExclusion(t *testing.T) {
	g := guard(t, nil)
	a, b := span(1, 1001), span(990, 2001)
	require.NoError(t, g.Release(a, nil))
	require.NoError(t, g.Release(roaring.Or(a, b), nil))
	require.ErrorIs(t, g.Release(b, nil), ErrDifference)
}

// model keeps every release and cuts the users by them anew each time: by the
// list of the releases they were part of.
type model struct {
	releases []*roaring.Bitmap
	least    int
}

func (m *model) groups(users int) map[string]int {
	sizes := map[string]int{}
	for u := range uint32(users) {
		key := ""
		for _, r := range m.releases {
			if r.Contains(u) {
				key += "x"
			} else {
				key += "."
			}
		}
		sizes[key]++
	}
	return sizes
}

func (m *model) release(set *roaring.Bitmap, users int) bool {
	if set.GetCardinality() < uint64(m.least) {
		return false
	}
	m.releases = append(m.releases, set)
	for _, n := range m.groups(users) {
		if n < m.least {
			m.releases = m.releases[:len(m.releases)-1]
			return false
		}
	}
	return true
}

// drawSet is a set of users below n that is often near an earlier one.
func drawSet(r *rand.Rand, n int, earlier []*roaring.Bitmap) *roaring.Bitmap {
	set := roaring.New()
	from := r.IntN(n)
	set.AddRange(uint64(from), uint64(from+r.IntN(n-from)+1))
	if len(earlier) > 0 {
		other := earlier[r.IntN(len(earlier))]
		switch r.IntN(5) {
		case 0:
			set.And(other)
		case 1:
			set.Or(other)
		case 2:
			set.AndNot(other)
		case 3:
			set = other.Clone()
			set.Flip(uint64(from), uint64(from+r.IntN(4)))
			set.RemoveRange(uint64(n), 1<<32)
		}
	}
	return set
}

func TestGuardAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	released, refused, cut := 0, 0, 0
	for range 400 {
		n, least := 20+r.IntN(200), 2+r.IntN(9)
		everybody := span(0, uint32(n))
		g, m := guard(t, &Options{MinGroup: least}), &model{least: least}
		for range 12 {
			set := drawSet(r, n, m.releases)
			want, err := m.release(set, n), g.Release(set, everybody)
			require.Equal(t, want, err == nil, "least %d, releases %v, then %v: %v", least, m.releases, set, err)
			if err != nil {
				refused++
				continue
			}
			released++
		}
		// Whatever is put together from what was released is nobody or enough.
		for range 20 {
			if len(m.releases) == 0 {
				break
			}
			made := m.releases[0].Clone()
			for range 6 {
				other := m.releases[r.IntN(len(m.releases))]
				switch r.IntN(4) {
				case 0:
					made.And(other)
				case 1:
					made.Or(other)
				case 2:
					made.AndNot(other)
				default:
					made = roaring.AndNot(everybody, made)
				}
			}
			if size := made.GetCardinality(); size > 0 {
				require.GreaterOrEqual(t, size, uint64(least))
			}
		}
		cut += len(g.released.sizes)
	}
	require.Greater(t, released, 800)
	require.Greater(t, refused, 800)
	require.Greater(t, cut, 400)
}

// The order of releases, and releases that were refused, leave no trace.
func TestBytesDoNotDependOnTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		a, b := guard(t, &Options{MinGroup: 2}), guard(t, &Options{MinGroup: 2})
		var sets []*roaring.Bitmap
		for range 6 {
			if set := drawSet(r, 100, sets); a.Release(set, nil) == nil {
				sets = append(sets, set)
			}
		}
		for _, i := range r.Perm(len(sets)) {
			require.NoError(t, b.Release(sets[i], nil))
		}
		x, err := a.MarshalBinary()
		require.NoError(t, err)
		y, err := b.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, x, y)
	}
}

func TestEraseAndRename(t *testing.T) {
	g := guard(t, nil)
	require.NoError(t, g.Release(span(1, 101), nil))
	require.NoError(t, g.Release(span(51, 151), nil))
	g.Erase(7)
	g.Erase(7)
	g.Erase(500)
	g.Rename(60, 600) // 600 takes its place
	g.Rename(61, 62)  // 62 has one
	g.Rename(62, 62)
	g.Rename(900, 901)

	want := guard(t, nil)
	a, b := span(1, 101), span(51, 151)
	for _, s := range []*roaring.Bitmap{a, b} {
		s.Remove(7)
		s.Remove(60)
		s.Remove(61)
		s.Add(600)
	}
	want.min = 2
	require.NoError(t, want.Release(a, nil))
	require.NoError(t, want.Release(b, nil))
	x, err := g.MarshalBinary()
	require.NoError(t, err)
	y, err := want.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, y, x)

	// A group that shrank can be told of as before, but not be cut.
	require.NoError(t, g.Release(b, nil))
	b.Remove(100)
	require.ErrorIs(t, g.Release(b, nil), ErrDifference)
	for u := range uint32(1000) {
		g.Erase(u)
	}
	require.Empty(t, g.released.users)
	require.NoError(t, g.Release(span(1, 101), nil))
	require.Len(t, g.released.sizes, 3, "groups of nobody are used again")
}

// Releases, erasures and renames in any order, against a list of what each user
// was part of.
func TestEraseAndRenameAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 7))
	released, refused, reused := 0, 0, 0
	for range 200 {
		n, least := 10+r.IntN(100), 2+r.IntN(4)
		g := guard(t, &Options{MinGroup: least})
		part := map[uint32]string{} // the releases of each user of any
		done := ""                  // a place for each release
		var sets []*roaring.Bitmap
		for range 40 {
			switch op := r.IntN(6); {
			case op < 2:
				u := r.Uint32N(uint32(n))
				g.Erase(u)
				delete(part, u)
			case op == 2:
				for u := range r.Uint32N(uint32(n)) { // whole groups
					g.Erase(u)
					delete(part, u)
				}
			case op == 3:
				from, to := r.Uint32N(uint32(n)), r.Uint32N(uint32(n))
				g.Rename(from, to)
				if was, held := part[from]; held && from != to {
					if _, has := part[to]; !has {
						part[to] = was
					}
					delete(part, from)
				}
			default:
				set := drawSet(r, n, sets)
				inside, outside, fresh := map[string]int{}, map[string]int{}, 0
				for u, key := range part {
					if set.Contains(u) {
						inside[key]++
					} else {
						outside[key]++
					}
				}
				for _, u := range set.ToArray() {
					if _, held := part[u]; !held {
						fresh++
					}
				}
				ok := set.GetCardinality() >= uint64(least) && (fresh == 0 || fresh >= least)
				for key, in := range inside {
					ok = ok && (outside[key] == 0 || min(in, outside[key]) >= least)
				}
				free := len(g.released.free)
				err := g.Release(set, nil)
				require.Equal(t, ok, err == nil, "%v", err)
				if err != nil {
					refused++
					break
				}
				reused += free - len(g.released.free)
				released++
				sets = append(sets, set)
				for u := range part {
					part[u] += map[bool]string{false: ".", true: "x"}[set.Contains(u)]
				}
				for _, u := range set.ToArray() {
					if _, held := part[u]; !held {
						part[u] = done + "x"
					}
				}
				done += "."
			}
			groups, keys := map[uint32]string{}, map[string]uint32{}
			require.Len(t, g.released.users, len(part))
			sizes := make([]int, len(g.released.sizes))
			for i, u := range g.released.users {
				key, group := part[u], g.released.groups[i]
				if _, ok := groups[group]; !ok {
					groups[group] = key
				}
				if _, ok := keys[key]; !ok {
					keys[key] = group
				}
				require.Equal(t, key, groups[group])
				require.Equal(t, group, keys[key])
				sizes[group]++
			}
			require.Equal(t, sizes, append([]int{}, g.released.sizes...))
		}
	}
	require.Greater(t, released, 400)
	require.Greater(t, refused, 400)
	require.Greater(t, reused, 100)
}

func TestGuardLaws(t *testing.T) {
	laws.CheckBytes(t, laws.BytesSpec[*Guard]{
		New: func() *Guard { return guard(t, nil) },
		Draw: func(r *rand.Rand) *Guard {
			g := guard(t, &Options{MinGroup: 2 + r.IntN(3), Budget: 10, Random: rand.NewChaCha8([32]byte{})})
			var sets []*roaring.Bitmap
			for range r.IntN(8) {
				sets = append(sets, drawSet(r, 300, sets))
				_ = g.Release(sets[len(sets)-1], nil)
			}
			for range r.IntN(5) {
				g.Erase(uint32(r.IntN(300)))
				_, err := g.Noisy(r.IntN(100), .25)
				require.NoError(t, err)
			}
			return g
		},
	})
}

func FuzzUnmarshal(f *testing.F) {
	g := guard(f, nil)
	require.NoError(f, g.Release(span(1, 101), nil))
	require.NoError(f, g.Release(span(51, 151), nil))
	data, err := g.MarshalBinary()
	require.NoError(f, err)
	f.Add(data)
	f.Add(data[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		before, err := g.MarshalBinary()
		require.NoError(t, err)
		h := guard(t, nil)
		require.NoError(t, h.UnmarshalBinary(before))
		if err := h.UnmarshalBinary(data); err != nil {
			require.True(t, errors.Is(err, segment.ErrCorrupt) || errors.Is(err, segment.ErrVersion), "%v", err)
			after, err := h.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, before, after)
			return
		}
		after, err := h.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, data, after)
		_ = h.Release(span(40, 200), nil)
	})
}

// Many may ask at once: together they get no more than one would.
func TestGuardIsSafeForConcurrentUse(t *testing.T) {
	g := guard(t, &Options{Budget: 2})
	var wg sync.WaitGroup
	var answers, released atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			for k := range 20 {
				if _, err := g.Noisy(100, .05); err == nil {
					answers.Add(1)
				}
				// 60 users more each time, in an order that is nobody's.
				if g.Release(span(1, uint32(100+60*((i*7+k)%20))), nil) == nil {
					released.Add(1)
				}
				_, err := g.MarshalBinary()
				require.NoError(t, err)
				g.Left()
				g.Erase(5000)
				g.Rename(5000, 5001)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 40, answers.Load())
	require.Zero(t, g.Left())
	require.EqualValues(t, 160, released.Load())
	require.Len(t, g.released.users, 99+60*19)
	require.Len(t, g.released.sizes, 20)
}

func TestGoldenBytes(t *testing.T) {
	g := guard(t, &Options{Random: rand.NewChaCha8([32]byte{})})
	require.NoError(t, g.Release(span(1, 101), nil))
	require.NoError(t, g.Release(span(51, 1151), nil))
	_, err := g.Noisy(10, .375)
	require.NoError(t, err)
	h := guard(t, nil)
	laws.CheckGolden(t, "testdata/guard.v0.bin", g, h)
	require.Equal(t, .625, h.Left())
	require.NoError(t, h.Release(span(1, 51), nil))
	require.ErrorIs(t, h.Release(span(1, 60), nil), ErrDifference)
}
