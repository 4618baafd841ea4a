package dense

import (
	"context"
	"errors"
	"math"
	"sync"
)

// invertBlock is the number of columns swept at once: a panel of eight rows of
// it fits the first cache.
const invertBlock = 128

// ErrNotPositive means that a matrix is not positive definite.
var ErrNotPositive = errors.New("dense: matrix not positive definite")

// Bytes returns how much memory Invert takes for order n, the matrix included.
func Bytes(n int) int64 { return 8 * (int64(n)*int64(n) + 4*int64(n+nr)*invertBlock) }

// Invert replaces the symmetric positive definite A of order n, row-major with
// its lower half given, by its inverse, both halves.
//
// It sweeps blocks of columns (Beaton's sweep operator; Gauss–Jordan on a
// symmetric matrix): with D the inverse of a diagonal block and C the columns
// of the block, the rest loses C·D·Cᵀ, the columns become C·D and the block −D.
// After all blocks the matrix is −A⁻¹. O(n³/2) multiply-adds, all but O(n²)
// times the block's width of them in the kernel, and no second matrix. The
// result does not depend on the number of workers.
func Invert(ctx context.Context, k *Kernel, a []float64, n, workers int) error {
	s := sweeper{k: k, a: a, n: n, workers: max(1, workers)}
	for k0 := 0; k0 < n; k0 += invertBlock {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.sweep(k0, min(k0+invertBlock, n)); err != nil {
			return err
		}
	}
	for i := range n {
		for j := range i + 1 {
			v := -a[i*n+j]
			a[i*n+j], a[j*n+i] = v, v
		}
	}
	return nil
}

type sweeper struct {
	k          *Kernel
	a          []float64
	n, workers int
	c, b       []float64 // the block's columns, and those times D
	d          []float64 // −D
	cp, bp, dp []float64 // packed
}

func (s *sweeper) sweep(k0, k1 int) error {
	n, w := s.n, k1-k0
	if s.c == nil {
		s.c, s.b = make([]float64, n*w), make([]float64, n*w)
		s.d = make([]float64, w*w)
	}
	c, b, d := s.c[:n*w], s.b[:n*w], s.d[:w*w]
	// Rows of the block itself stay zero: they must not change in the update.
	clear(c)
	for t := range w {
		for i, v := range s.a[(k0+t)*n:][:k0] {
			c[i*w+t] = v
		}
	}
	for i := k1; i < n; i++ {
		copy(c[i*w:][:w], s.a[i*n+k0:][:w])
	}
	for i := range w {
		copy(d[i*w:][:i+1], s.a[(k0+i)*n+k0:][:i+1])
	}
	if !invertSmall(d, w) {
		return ErrNotPositive
	}
	for i := range d {
		d[i] = -d[i]
	}

	// B = C·D, as 0 − C·(−D).
	clear(b)
	s.bp = pack(s.bp, mr, c, w, n, w)
	s.dp = pack(s.dp, nr, d, w, w, w)
	tiles := (n + mr - 1) / mr
	s.parallel(tiles, func(lo, hi int) {
		s.k.subtract(b, w, n, w, w, s.bp, s.dp, lo, hi, func(int) int { return w })
	})
	s.bp = pack(s.bp, mr, b, w, n, w)
	s.cp = pack(s.cp, nr, c, w, n, w)
	s.parallel(tiles, func(lo, hi int) {
		s.k.subtract(s.a, n, n, n, w, s.bp, s.cp, lo, hi, lower)
	})

	for i := range k0 {
		for t := range w {
			s.a[(k0+t)*n+i] = b[i*w+t]
		}
	}
	for i := range w {
		copy(s.a[(k0+i)*n+k0:][:i+1], d[i*w:][:i+1])
	}
	for i := k1; i < n; i++ {
		copy(s.a[i*n+k0:][:w], b[i*w:][:w])
	}
	return nil
}

// rowTiles is how many row tiles are worked on together, so that their panels
// stay in the second cache.
const rowTiles = 32

// parallel calls f on ranges of tiles from several goroutines. A tile is
// computed alone, so the division does not show. Later tiles reach further in
// a triangle and are handed out first.
func (s *sweeper) parallel(tiles int, f func(lo, hi int)) {
	var wait sync.WaitGroup
	chunks := (tiles + rowTiles - 1) / rowTiles
	for me := range min(s.workers, chunks) {
		wait.Go(func() {
			for x := chunks - 1 - me; x >= 0; x -= s.workers {
				f(x*rowTiles, min((x+1)*rowTiles, tiles))
			}
		})
	}
	wait.Wait()
}

// invertSmall replaces the matrix given by its lower half by its inverse, both
// halves, and reports whether it is positive definite: A = L·Lᵀ, then L⁻¹, then
// L⁻ᵀ·L⁻¹.
func invertSmall(a []float64, n int) bool {
	for i := range n {
		ri := a[i*n:][:n]
		for j := range i {
			rj := a[j*n:][:n]
			ri[j] = (ri[j] - dot(ri[:j], rj[:j])) / rj[j]
		}
		d := ri[i] - dot(ri[:i], ri[:i])
		if !(d > 0) || math.IsInf(d, 1) {
			return false
		}
		ri[i] = math.Sqrt(d)
	}
	// L⁻¹ by columns, into the upper half transposed: row j holds column j.
	for j := range n {
		rj := a[j*n:][:n]
		inv := 1 / rj[j]
		for i := j + 1; i < n; i++ {
			ri := a[i*n:][:n]
			sum := ri[j] * inv
			sum += dot(ri[j+1:i], rj[j+1:i])
			rj[i] = -sum / ri[i]
		}
	}
	for i := range n {
		a[i*n+i] = 1 / a[i*n+i]
	}
	// Row j of the upper half is column j of L⁻¹, from the diagonal on, so the
	// inverse at (i, j) is the product of two rows from the larger index on.
	for i := range n {
		for j := range i + 1 {
			a[i*n+j] = dot(a[i*n+i:][:n-i], a[j*n+i:][:n-i])
		}
	}
	for i := range n {
		for j := range i {
			a[j*n+i] = a[i*n+j]
		}
	}
	return true
}
