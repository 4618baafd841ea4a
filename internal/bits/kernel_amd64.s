#include "textflag.h"

// func cpuid(eax, ecx uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL eax+0(FP), AX
	MOVL ecx+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func xgetbv() (a, d uint32)
TEXT ·xgetbv(SB), NOSPLIT, $0-8
	XORL CX, CX
	XGETBV
	MOVL AX, a+0(FP)
	MOVL DX, d+4(FP)
	RET

// func or4AVX2(dst, a, b, c, d *page)
TEXT ·or4AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ c+24(FP), CX
	MOVQ d+32(FP), BX
	XORQ AX, AX

or:
	VMOVDQU (SI)(AX*1), Y0
	VMOVDQU 32(SI)(AX*1), Y1
	VPOR (DX)(AX*1), Y0, Y0
	VPOR 32(DX)(AX*1), Y1, Y1
	VPOR (CX)(AX*1), Y0, Y0
	VPOR 32(CX)(AX*1), Y1, Y1
	VPOR (BX)(AX*1), Y0, Y0
	VPOR 32(BX)(AX*1), Y1, Y1
	VMOVDQU Y0, (DI)(AX*1)
	VMOVDQU Y1, 32(DI)(AX*1)
	ADDQ $64, AX
	CMPQ AX, $8192
	JLT or
	VZEROUPPER
	RET

// func and4AVX2(dst, a, b, c, d *page)
TEXT ·and4AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ c+24(FP), CX
	MOVQ d+32(FP), BX
	XORQ AX, AX

and:
	VMOVDQU (SI)(AX*1), Y0
	VMOVDQU 32(SI)(AX*1), Y1
	VPAND (DX)(AX*1), Y0, Y0
	VPAND 32(DX)(AX*1), Y1, Y1
	VPAND (CX)(AX*1), Y0, Y0
	VPAND 32(CX)(AX*1), Y1, Y1
	VPAND (BX)(AX*1), Y0, Y0
	VPAND 32(BX)(AX*1), Y1, Y1
	VMOVDQU Y0, (DI)(AX*1)
	VMOVDQU Y1, 32(DI)(AX*1)
	ADDQ $64, AX
	CMPQ AX, $8192
	JLT and
	VZEROUPPER
	RET
