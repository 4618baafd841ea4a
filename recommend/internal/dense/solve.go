package dense

import "math"

// solveBlock is the width of the panels of Solver: small, because the systems
// are, and what is done outside the kernel grows with it.
const solveBlock = 16

// Solver solves positive definite systems one after another. Not safe for
// concurrent use.
type Solver struct {
	k      *Kernel
	ap, bp []float64
}

// NewSolver returns a solver on a kernel.
func NewSolver(k *Kernel) *Solver { return &Solver{k: k} }

// Solve solves A·x = b in place of b for the symmetric positive definite A of
// order n, row-major with its lower half given; A is overwritten. A pivot that
// rounding makes smaller than 1e-14 of its diagonal is taken as that.
//
// Right-looking Cholesky by blocks: O(n³/6) multiply-adds, all but O(n²) times
// the block's width of them in the kernel.
func (s *Solver) Solve(a, b []float64, n int) {
	for k0 := 0; k0 < n; k0 += solveBlock {
		k1 := min(k0+solveBlock, n)
		for i := k0; i < n; i++ {
			ri := a[i*n+k0 : i*n+k1]
			for j := k0; j < min(i, k1); j++ {
				rj := a[j*n+k0:][: j-k0+1 : j-k0+1]
				ri[j-k0] = (ri[j-k0] - dot(ri[:j-k0], rj[:j-k0])) * rj[j-k0]
			}
			if i < k1 {
				// The inverse of the pivot, to multiply with.
				d := ri[i-k0]
				ri[i-k0] = 1 / math.Sqrt(max(d-dot(ri[:i-k0], ri[:i-k0]), 1e-14*d))
			}
		}
		if rest := n - k1; rest > 0 {
			panel := a[k1*n+k0:]
			s.ap = pack(s.ap, mr, panel, n, rest, k1-k0)
			s.bp = pack(s.bp, nr, panel, n, rest, k1-k0)
			s.k.subtract(a[k1*n+k1:], n, rest, rest, k1-k0, s.ap, s.bp, 0, (rest+mr-1)/mr, lower)
		}
	}
	for i := range n {
		b[i] = (b[i] - dot(a[i*n:][:i], b[:i])) * a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		b[i] *= a[i*n+i]
		x := b[i]
		for j, l := range a[i*n:][:i] {
			b[j] -= l * x
		}
	}
}

// lower returns the last column tile that reaches the diagonal of a row tile.
func lower(tile int) int { return (tile*mr + mr - 1) / nr }

// dot returns Σ x·y in four interleaved sums.
func dot(x, y []float64) float64 {
	y = y[:len(x)]
	var a, b, c, d float64
	for len(x) >= 4 && len(y) >= 4 {
		a += x[0] * y[0]
		b += x[1] * y[1]
		c += x[2] * y[2]
		d += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		a += v * y[i]
	}
	return (a + b) + (c + d)
}
