//go:build !amd64

package dense

// New returns the fastest kernel of this machine.
func New() *Kernel { return Portable() }
