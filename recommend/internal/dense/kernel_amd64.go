package dense

// New returns the fastest kernel of this machine.
func New() *Kernel {
	if hasAVX2() {
		return &Kernel{tile: tileAVX2, name: "avx2"}
	}
	return Portable()
}

// tileAVX2 is the kernel's tile with 256-bit fused multiply-adds.
//
//go:noescape
func tileAVX2(depth int, a, b, c *float64, ldc int)

func cpuid(eax, ecx uint32) (a, b, c, d uint32)

func xgetbv() (a, d uint32)

// hasAVX2 reports whether processor and system support AVX2 and FMA.
func hasAVX2() bool {
	const (
		fma     = 1 << 12 // leaf 1, ecx
		osxsave = 1 << 27
		avx     = 1 << 28
		avx2    = 1 << 5 // leaf 7, ebx
		ymm     = 6      // xcr0: the system saves xmm and ymm
	)
	if top, _, _, _ := cpuid(0, 0); top < 7 {
		return false
	}
	if _, _, c, _ := cpuid(1, 0); c&(fma|osxsave|avx) != fma|osxsave|avx {
		return false
	}
	if a, _ := xgetbv(); a&ymm != ymm {
		return false
	}
	_, b, _, _ := cpuid(7, 0)
	return b&avx2 != 0
}
