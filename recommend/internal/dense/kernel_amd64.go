package dense

import "github.com/zhun-go/zhun/internal/cpu"

// New returns the fastest kernel of this machine.
func New() *Kernel {
	if cpu.Detect().FMA {
		return &Kernel{tile: tileAVX2, name: "avx2"}
	}
	return Portable()
}

// tileAVX2 is the kernel's tile with 256-bit fused multiply-adds.
//
//go:noescape
func tileAVX2(depth int, a, b, c *float64, ldc int)
