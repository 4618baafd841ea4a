package bits

// kernel combines four pages in one pass; dst may be one of them.
type kernel struct{ or4, and4 func(dst, a, b, c, d *page) }

// portable is the kernel without vector instructions.
func portable() kernel { return kernel{or4, and4} }

func or4(dst, a, b, c, d *page) {
	for i := range dst {
		dst[i] = a[i] | b[i] | c[i] | d[i]
	}
}

func and4(dst, a, b, c, d *page) {
	for i := range dst {
		dst[i] = a[i] & b[i] & c[i] & d[i]
	}
}

// kernelFor returns the kernel for so many blocks. Asking the processor what it
// can do takes as long as some of them.
func kernelFor(blocks int) kernel {
	if blocks < 16 {
		return portable()
	}
	return newKernel()
}
