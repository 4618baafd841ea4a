package disclosure

import (
	"encoding/binary"
	"fmt"
	"io"
)

// draws draws from a source of random bytes, exactly and in integers. The first
// error sticks.
type draws struct {
	from io.Reader
	n    int
	err  error
}

// maxDraws is how many numbers one sample may take: some twenty are usual, and
// of true randomness nobody will ever see a tenth of this.
const maxDraws = 100_000

// laplace samples z with P(z) = (e^(s/t) − 1)/(e^(s/t) + 1)·e^(−|z|·s/t), by
// algorithm 2 of Canonne, Kamath and Steinke. S and t are at least 1 and below
// 2³².
func (d *draws) laplace(s, t uint64) int64 {
	g := gcd(s, t)
	s, t = s/g, t/g
	for d.err == nil {
		u := d.below(t)
		if !d.decays(u, t) {
			continue
		}
		v := uint64(0)
		for d.decays(1, 1) {
			v++
		}
		y := int64((u + t*v) / s)
		negative := d.below(2) == 1
		if negative && y == 0 {
			continue // or 0 would come twice as often
		}
		if negative {
			y = -y
		}
		return y
	}
	return 0
}

// decays is true with probability e^(−a/b), for a ≤ b (algorithm 1): the first k
// for which a coin of a/(b·k) fails is odd.
func (d *draws) decays(a, b uint64) bool {
	k := uint64(1)
	for d.err == nil && d.below(b*k) < a {
		k++
	}
	return d.err == nil && k%2 == 1
}

// below returns a uniform number below n.
func (d *draws) below(n uint64) uint64 {
	over := -n % n // 2⁶⁴ mod n: as many of the numbers are one too many
	for d.err == nil {
		var b [8]byte
		if _, err := io.ReadFull(d.from, b[:]); err != nil {
			d.err = fmt.Errorf("disclosure: %w: %w", ErrRandom, err)
			break
		}
		if d.n++; d.n > maxDraws {
			d.err = fmt.Errorf("disclosure: %w: %d draws made no sample", ErrRandom, maxDraws)
			break
		}
		if v := binary.LittleEndian.Uint64(b[:]); v >= over {
			return v % n
		}
	}
	return 0
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
