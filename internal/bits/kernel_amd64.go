package bits

//go:noescape
func or4AVX2(dst, a, b, c, d *page)

//go:noescape
func and4AVX2(dst, a, b, c, d *page)

func cpuid(eax, ecx uint32) (a, b, c, d uint32)

func xgetbv() (a, d uint32)

// newKernel returns the fastest kernel of this machine.
func newKernel() kernel {
	if hasAVX2() {
		return kernel{or4AVX2, and4AVX2}
	}
	return portable()
}

// hasAVX2 reports whether processor and system support AVX2.
func hasAVX2() bool {
	const (
		osxsave = 1 << 27 // leaf 1, ecx
		avx     = 1 << 28
		avx2    = 1 << 5 // leaf 7, ebx
		ymm     = 6      // xcr0: the system saves xmm and ymm
	)
	if top, _, _, _ := cpuid(0, 0); top < 7 {
		return false
	}
	if _, _, c, _ := cpuid(1, 0); c&(osxsave|avx) != osxsave|avx {
		return false
	}
	if a, _ := xgetbv(); a&ymm != ymm {
		return false
	}
	_, b, _, _ := cpuid(7, 0)
	return b&avx2 != 0
}
