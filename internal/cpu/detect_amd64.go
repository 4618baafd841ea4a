package cpu

func cpuid(eax, ecx uint32) (a, b, c, d uint32)

func xgetbv() (a, d uint32)

// features is a table of constants: asking the processor takes a microsecond or,
// on a virtual machine, up to a hundred, as long as a whole question.
var features = detect()

// Detect returns what the processor said when the program began.
func Detect() Features { return features }

func detect() Features {
	const (
		fma     = 1 << 12 // leaf 1, ecx
		osxsave = 1 << 27
		avx     = 1 << 28
		avx2    = 1 << 5 // leaf 7, ebx
		ymm     = 6      // xcr0: the system saves xmm and ymm
	)
	var f Features
	top, _, _, _ := cpuid(0, 0)
	_, _, c, _ := cpuid(1, 0)
	if top < 7 || c&(osxsave|avx) != osxsave|avx {
		return f
	}
	if a, _ := xgetbv(); a&ymm != ymm {
		return f
	}
	_, b, _, _ := cpuid(7, 0)
	f.AVX2 = b&avx2 != 0
	f.FMA = f.AVX2 && c&fma != 0
	return f
}
