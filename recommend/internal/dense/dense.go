// Package dense has the dense symmetric algebra that the linear models need:
// solving and inverting positive definite systems, by blocks, on one kernel of
// 6 × 8 values.
//
// The kernel is assembly where the processor has AVX2 and fused multiply-add,
// else portable Go with the same operations in the same order, so that both
// give the same bits.
package dense

import "math"

const (
	mr = 6 // rows of the kernel's tile
	nr = 8 // columns
)

// Kernel computes C −= A·Bᵀ on a tile of mr × nr values of C, row-major with
// leading dimension ldc: for each p below depth in turn, c[i][j] loses
// a[p·mr+i]·b[p·nr+j] in one rounding. Immutable; safe for concurrent use.
type Kernel struct {
	tile func(depth int, a, b, c *float64, ldc int)
	name string
}

// Portable returns the kernel in Go.
func Portable() *Kernel { return &Kernel{name: "go"} }

// Name returns "avx2" or "go".
func (k *Kernel) Name() string { return k.name }

// run works on the tile of c that starts at its first value.
func (k *Kernel) run(depth int, a, b, c []float64, ldc int) {
	_, _, _ = a[depth*mr-1], b[depth*nr-1], c[(mr-1)*ldc+nr-1]
	if k.tile != nil {
		k.tile(depth, &a[0], &b[0], &c[0], ldc)
		return
	}
	for i := range mr {
		for j := 0; j < nr; j += 4 {
			row := c[i*ldc+j:][:4]
			w, x, y, z := row[0], row[1], row[2], row[3]
			for p := range depth {
				m, v := -a[p*mr+i], b[p*nr+j:][:4]
				w = math.FMA(m, v[0], w)
				x = math.FMA(m, v[1], x)
				y = math.FMA(m, v[2], y)
				z = math.FMA(m, v[3], z)
			}
			row[0], row[1], row[2], row[3] = w, x, y, z
		}
	}
}

// pack copies rows of a row-major matrix into panels of width rows, values of
// one column beside each other, and fills the last panel up with zeros.
func pack(dst []float64, width int, a []float64, lda, rows, depth int) []float64 {
	panels := (rows + width - 1) / width
	size := panels * width * depth
	if cap(dst) < size {
		dst = make([]float64, size)
	}
	dst = dst[:size]
	for p := range panels {
		panel := dst[p*width*depth:][:width*depth]
		for i := range width {
			r := p*width + i
			if r >= rows {
				for q := range depth {
					panel[q*width+i] = 0
				}
				continue
			}
			for q, v := range a[r*lda:][:depth] {
				panel[q*width+i] = v
			}
		}
	}
	return dst
}

// subtract computes C −= A·Bᵀ for the row tiles from lo to hi of C and the
// column tiles that first gives for each up to last, which keeps to a triangle
// if it likes; a and b are packed. Tiles that stick out of C, which has rows ×
// cols values, are worked on in a copy.
func (k *Kernel) subtract(c []float64, ldc, rows, cols, depth int, a, b []float64, lo, hi int, last func(tile int) int) {
	var edge [mr * nr]float64
	for tj := range (cols + nr - 1) / nr {
		bp := b[tj*nr*depth:][:nr*depth]
		for ti := lo; ti < hi; ti++ {
			if tj > last(ti) {
				continue
			}
			ap := a[ti*mr*depth:][:mr*depth]
			i, j := ti*mr, tj*nr
			at := i*ldc + j
			// The last tile of the last row needs no room behind it.
			if i+mr <= rows && j+nr <= cols && at+(mr-1)*ldc+nr <= len(c) {
				k.run(depth, ap, bp, c[at:], ldc)
				continue
			}
			h, w := min(mr, rows-i), min(nr, cols-j)
			for r := range h {
				copy(edge[r*nr:][:w], c[at+r*ldc:][:w])
			}
			k.run(depth, ap, bp, edge[:], nr)
			for r := range h {
				copy(c[at+r*ldc:][:w], edge[r*nr:][:w])
			}
		}
	}
}
