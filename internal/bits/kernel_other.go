//go:build !amd64

package bits

func newKernel() kernel { return portable() }

// scatter adds users to a page.
func scatter(p *page, array []uint16) {
	for _, v := range array {
		p[v/64] |= 1 << (v % 64)
	}
}
