//go:build !amd64

package bits

func newKernel() kernel { return portable() }
