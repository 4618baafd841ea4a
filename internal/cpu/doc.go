// Package cpu knows which vector instructions the processor and the system
// support, for the packages that have kernels in assembly.
package cpu

// Features are the instructions that kernels ask for; those that one needs
// together stand in one field.
type Features struct {
	AVX2 bool // 256-bit integers, with a system that saves the registers
	FMA  bool // AVX2 and fused multiply-add
}
