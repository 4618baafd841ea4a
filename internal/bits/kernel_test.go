package bits

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// arena hands out pages side by side that begin at any word, so at any place of
// a vector; what is around one is its neighbours'.
func arena(r *rand.Rand, offset, n int) (words []uint64, pages []*page) {
	words = make([]uint64, offset+n*blockWords+8)
	for i := range words {
		words[i] = r.Uint64() & r.Uint64()
	}
	for i := range n {
		pages = append(pages, (*page)(words[offset+i*blockWords:]))
	}
	return words, pages
}

// TestKernels compares the kernel of this machine with the portable one, on
// pages at all places, where the result may lie over an operand.
func TestKernels(t *testing.T) {
	for offset := range 8 {
		r := rand.New(rand.NewPCG(1, uint64(offset)))
		gotWords, got := arena(r, offset, 5)
		wantWords := slices.Clone(gotWords)
		var want []*page
		for i := range got {
			want = append(want, (*page)(wantWords[offset+i*blockWords:]))
		}
		fast, slow := newKernel(), portable()
		for dst := range got { // 0 is none of the operands
			fast.or4(got[dst], got[1], got[2], got[3], got[4])
			slow.or4(want[dst], want[1], want[2], want[3], want[4])
			require.Equal(t, wantWords, gotWords, "or into %d at %d", dst, offset)
			fast.and4(got[dst], got[4], got[1], got[3], got[1])
			slow.and4(want[dst], want[4], want[1], want[3], want[1])
			require.Equal(t, wantWords, gotWords, "and into %d at %d", dst, offset)
			fast.andNot(got[dst], got[2], got[3])
			slow.andNot(want[dst], want[2], want[3])
			require.Equal(t, wantWords, gotWords, "and not into %d at %d", dst, offset)
			for i := range gotWords {
				gotWords[i] ^= r.Uint64() & r.Uint64()
			}
			copy(wantWords, gotWords)
		}
		got[4].fill()
		*got[3] = page{}
		for i, p := range got {
			require.Equal(t, slow.count(p), fast.count(p))
			for _, q := range got {
				require.Equal(t, slow.countAnd(p, q), fast.countAnd(p, q), "%d at %d", i, offset)
			}
		}
		require.Equal(t, blockUsers, fast.count(got[4]))
		require.Equal(t, blockUsers, fast.countAnd(got[4], got[4]))
		require.Zero(t, fast.count(got[3]))
	}
}

// TestKernelsEvaluate compares the blocks of random expressions by the kernel
// of this machine with those by the portable one, which other machines have.
func TestKernelsEvaluate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	users := func(b block) []uint16 {
		switch {
		case b.words != nil:
			return b.words.append(nil)
		case b.full():
			all := new(page)
			all.fill()
			return all.append(nil)
		}
		return slices.Clone(b.array)
	}
	for round := range 40 {
		var sets []*roaring.Bitmap
		var own []*Set
		for range 4 {
			b := random(r)
			b.RemoveRange(9*blockUsers, 1<<32)
			sets, own = append(sets, b), append(own, FromRoaring(b))
		}
		e, want, text := draw(r, sets, own, 3)
		fast, slow := newEvaluator(e, newKernel()), newEvaluator(e, portable())
		n := 0
		for i := range e.span() {
			b, _ := fast.eval(i)
			got := users(b)
			b, _ = slow.eval(i)
			require.Equal(t, users(b), got, "round %d: %s", round, text)
			require.Equal(t, len(got), fast.count(i), text)
			require.Equal(t, len(got), slow.count(i), text)
			n += len(got)
		}
		require.EqualValues(t, want.GetCardinality(), n, text)
	}
}

// TestScatter adds arrays of all short lengths, and a long one, from any place
// to a page, and nothing to what is around it.
func TestScatter(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	lengths := []int{blockUsers}
	for n := range 201 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for offset := range 4 {
			got, pages := arena(r, offset, 1)
			want := slices.Clone(got)
			array := make([]uint16, offset+n+4)
			for i := range array {
				array[i] = uint16(r.Uint32())
			}
			for _, v := range array[offset:][:n] {
				want[offset+int(v/64)] |= 1 << (v % 64)
			}
			scatter(pages[0], array[offset:][:n])
			if !slices.Equal(want, got) {
				require.Equal(t, want, got, fmt.Sprintf("%d users at %d", n, offset))
			}
		}
	}
}
