#include "textflag.h"

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

// func andNotAVX2(dst, a, b *page)
TEXT ·andNotAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	XORQ AX, AX

andnot:
	VMOVDQU (DX)(AX*1), Y0
	VMOVDQU 32(DX)(AX*1), Y1
	VPANDN (SI)(AX*1), Y0, Y0
	VPANDN 32(SI)(AX*1), Y1, Y1
	VMOVDQU Y0, (DI)(AX*1)
	VMOVDQU Y1, 32(DI)(AX*1)
	ADDQ $64, AX
	CMPQ AX, $8192
	JLT andnot
	VZEROUPPER
	RET

// How many bits the numbers below 16 have, and the lower half of a byte.
DATA nibbles<>+0(SB)/8, $0x0302020102010100
DATA nibbles<>+8(SB)/8, $0x0403030203020201
GLOBL nibbles<>(SB), RODATA|NOPTR, $16
DATA half<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL half<>(SB), RODATA|NOPTR, $8

// BITS adds the number of bits of each byte of in to a sum for that byte, by
// looking up its halves.
#define BITS(in, high, sum) \
	VPSRLW $4, in, high      \
	VPAND Y15, in, in        \
	VPAND Y15, high, high    \
	VPSHUFB in, Y14, in      \
	VPSHUFB high, Y14, high  \
	VPADDB in, sum, sum      \
	VPADDB high, sum, sum

// BEGIN sets up what BITS looks up and a sum.
#define BEGIN \
	VBROADCASTI128 nibbles<>(SB), Y14 \
	VPBROADCASTQ half<>(SB), Y15      \
	VPXOR Y13, Y13, Y13               \
	VPXOR Y12, Y12, Y12               \
	XORQ AX, AX

// SUM adds up the bytes of two sums, none of them more than 64.
#define SUM \
	VPADDB Y8, Y9, Y8    \
	VPSADBW Y13, Y8, Y8  \
	VPADDQ Y8, Y12, Y12

// END adds up the four parts of the sum.
#define END \
	VEXTRACTI128 $1, Y12, X0 \
	VPADDQ X0, X12, X0       \
	VPSHUFD $0x4e, X0, X1    \
	VPADDQ X1, X0, X0        \
	VMOVQ X0, AX

// func countAVX2(p *page) int
TEXT ·countAVX2(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), SI
	BEGIN

count:
	VPXOR Y8, Y8, Y8
	VPXOR Y9, Y9, Y9
	VMOVDQU (SI)(AX*1), Y0
	VMOVDQU 32(SI)(AX*1), Y1
	BITS(Y0, Y4, Y8)
	BITS(Y1, Y5, Y9)
	VMOVDQU 64(SI)(AX*1), Y2
	VMOVDQU 96(SI)(AX*1), Y3
	BITS(Y2, Y6, Y8)
	BITS(Y3, Y7, Y9)
	VMOVDQU 128(SI)(AX*1), Y0
	VMOVDQU 160(SI)(AX*1), Y1
	BITS(Y0, Y4, Y8)
	BITS(Y1, Y5, Y9)
	VMOVDQU 192(SI)(AX*1), Y2
	VMOVDQU 224(SI)(AX*1), Y3
	BITS(Y2, Y6, Y8)
	BITS(Y3, Y7, Y9)
	SUM
	ADDQ $256, AX
	CMPQ AX, $8192
	JLT count
	END
	MOVQ AX, ret+8(FP)
	VZEROUPPER
	RET

// func countAndAVX2(a, b *page) int
TEXT ·countAndAVX2(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), SI
	MOVQ b+8(FP), DI
	BEGIN

countand:
	VPXOR Y8, Y8, Y8
	VPXOR Y9, Y9, Y9
	VMOVDQU (SI)(AX*1), Y0
	VMOVDQU 32(SI)(AX*1), Y1
	VPAND (DI)(AX*1), Y0, Y0
	VPAND 32(DI)(AX*1), Y1, Y1
	BITS(Y0, Y4, Y8)
	BITS(Y1, Y5, Y9)
	VMOVDQU 64(SI)(AX*1), Y2
	VMOVDQU 96(SI)(AX*1), Y3
	VPAND 64(DI)(AX*1), Y2, Y2
	VPAND 96(DI)(AX*1), Y3, Y3
	BITS(Y2, Y6, Y8)
	BITS(Y3, Y7, Y9)
	SUM
	ADDQ $128, AX
	CMPQ AX, $8192
	JLT countand
	END
	MOVQ AX, ret+16(FP)
	VZEROUPPER
	RET

// SET adds a user of an array to the page at DI.
#define SET(user) \
	MOVWLZX user, R12     \
	MOVL R12, R13         \
	SHRL $6, R12          \
	MOVQ (DI)(R12*8), DX  \
	BTSQ R13, DX          \
	MOVQ DX, (DI)(R12*8)

// func scatter(p *page, array []uint16)
// Neighbours are often in one word, where each has to wait for the one before;
// so four parts of the array take turns.
TEXT ·scatter(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), DI
	MOVQ array_base+8(FP), SI
	MOVQ array_len+16(FP), CX
	MOVQ CX, BX
	SHRQ $2, BX
	JZ rest
	LEAQ (SI)(BX*2), R8
	LEAQ (R8)(BX*2), R9
	LEAQ (R9)(BX*2), R10
	XORQ AX, AX

four:
	SET((SI)(AX*2))
	SET((R8)(AX*2))
	SET((R9)(AX*2))
	SET((R10)(AX*2))
	INCQ AX
	CMPQ AX, BX
	JLT four
	LEAQ (R10)(BX*2), SI

rest:
	ANDQ $3, CX
	JZ done

one:
	SET((SI))
	ADDQ $2, SI
	DECQ CX
	JNZ one

done:
	RET
