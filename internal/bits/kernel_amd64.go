package bits

import "github.com/zhun-go/zhun/internal/cpu"

//go:noescape
func or4AVX2(dst, a, b, c, d *page)

//go:noescape
func and4AVX2(dst, a, b, c, d *page)

//go:noescape
func andNotAVX2(dst, a, b *page)

//go:noescape
func countAVX2(p *page) int

//go:noescape
func countAndAVX2(a, b *page) int

// newKernel returns the fastest kernel of this machine.
func newKernel() kernel {
	if cpu.Detect().AVX2 {
		return kernel{or4AVX2, and4AVX2, andNotAVX2, countAVX2, countAndAVX2}
	}
	return portable()
}

// scatter adds users to a page.
//
//go:noescape
func scatter(p *page, array []uint16)
