package bits

import "github.com/zhun-go/zhun/internal/cpu"

//go:noescape
func or4AVX2(dst, a, b, c, d *page)

//go:noescape
func and4AVX2(dst, a, b, c, d *page)

//go:noescape
func andNotAVX2(dst, a, b *page)

//go:noescape
func countPOPCNT(p *page) int

//go:noescape
func countAndPOPCNT(a, b *page) int

// newKernel returns the fastest kernel of this machine.
func newKernel() kernel {
	if f := cpu.Detect(); f.AVX2 && f.POPCNT {
		return kernel{or4AVX2, and4AVX2, andNotAVX2, countPOPCNT, countAndPOPCNT}
	}
	return portable()
}
