//go:build !amd64

package cpu

// Detect returns no features: kernels in assembly exist for amd64 only.
func Detect() Features { return Features{} }
