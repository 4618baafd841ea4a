package disclosure

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/stats"
)

// pmf is P(z) at a scale of 1/ε.
func pmf(z int, epsilon float64) float64 {
	q := math.Exp(-epsilon)
	return (1 - q) / (1 + q) * math.Pow(q, math.Abs(float64(z)))
}

func sample(epsilon float64, n int, seed byte) map[int]int {
	e, _ := millionths(epsilon, 1000)
	d := draws{from: rand.NewChaCha8([32]byte{seed})}
	seen := map[int]int{}
	for range n {
		d.n = 0
		seen[int(d.laplace(uint64(e), 1e6))]++
	}
	if d.err != nil {
		panic(d.err)
	}
	return seen
}

// fit is the p-value of a chi-square test of samples against the exact
// distribution; values of fewer than ten expected samples stand together.
func fit(seen map[int]int, n int, epsilon float64) float64 {
	chi, df, inside, expected := 0.0, 0, 0, 0.0
	for z := 0; ; z = next(z) {
		e := float64(n) * pmf(z, epsilon)
		if e < 10 {
			break
		}
		d := float64(seen[z]) - e
		chi += d * d / e
		df++
		inside += seen[z]
		expected += e
	}
	if rest := float64(n) - expected; rest > 5 {
		d := float64(n-inside) - rest
		chi += d * d / rest
	} else {
		df--
	}
	return stats.ChiSquareSF(chi, float64(df))
}

// next walks 0, 1, −1, 2, −2, …
func next(z int) int {
	if z > 0 {
		return -z
	}
	return 1 - z
}

func TestNoiseIsDiscreteLaplace(t *testing.T) {
	const n = 60_000
	for i, epsilon := range []float64{.02, .1, .333333, math.Ln2, 1, 2.5, 7} {
		seen := sample(epsilon, n, byte(i+1))
		p := fit(seen, n, epsilon)
		require.Greater(t, p, 1e-4, "ε = %g", epsilon)
		require.Less(t, p, 1-1e-4, "ε = %g: too good", epsilon)
		if epsilon <= 2.5 {
			require.Less(t, fit(seen, n, epsilon*1.05), 1e-4, "the test tells ε = %g from one 5 %% above", epsilon)
		}
		beyond := 0
		for z, k := range seen {
			if m := margin(epsilon); z > m || z < -m {
				beyond += k
			}
		}
		require.LessOrEqual(t, float64(beyond)/n, .055, "ε = %g: beyond the margin", epsilon)
	}
}

func TestMargin(t *testing.T) {
	for _, epsilon := range []float64{.001, .02, .1, .5, 1, 2.5, 3.6, 10, 1000} {
		inside, m := pmf(0, epsilon), 0
		for ; inside < .95; m++ {
			inside += 2 * pmf(m+1, epsilon)
		}
		require.Equal(t, m, margin(epsilon), "ε = %g", epsilon)
	}
}

// The coin of e^(−γ) by itself, where it is hardest to tell from one nearby.
func TestDecays(t *testing.T) {
	const n = 200_000
	d := draws{from: rand.NewChaCha8([32]byte{9})}
	for _, c := range [][2]uint64{{0, 5}, {1, 1}, {1, 3}, {999_999, 1_000_000}, {1, 1_000_000}} {
		heads := 0
		for range n {
			d.n = 0
			if d.decays(c[0], c[1]) {
				heads++
			}
		}
		p := math.Exp(-float64(c[0]) / float64(c[1]))
		require.InDelta(t, p, float64(heads)/n, 4*math.Sqrt(p*(1-p)/n)+1e-12, "γ = %d/%d", c[0], c[1])
	}
	require.NoError(t, d.err)
}

// One user more makes no answer more than e^ε times as likely, by the noise
// that comes out.
func TestSensitivity(t *testing.T) {
	const n, epsilon = 400_000, .5
	with, without := map[int]int{}, sample(epsilon, n, 21)
	for z, k := range sample(epsilon, n, 22) {
		with[z+1] = k
	}
	tested := 0
	for z, a := range without {
		b := with[z]
		if a < 200 || b < 200 {
			continue
		}
		se := math.Sqrt(1/float64(a) + 1/float64(b))
		ratio := math.Log(float64(a) / float64(b))
		require.LessOrEqual(t, math.Abs(ratio), epsilon+5*se, "at %d", z)
		require.GreaterOrEqual(t, math.Abs(ratio), epsilon-5*se, "at %d: all of ε is used", z)
		tested++
	}
	require.Greater(t, tested, 15)
}

func TestBudget(t *testing.T) {
	g := guard(t, &Options{Random: rand.NewChaCha8([32]byte{})})
	for i := range 10 {
		n, err := g.Noisy(1000, .1)
		require.NoError(t, err)
		require.Equal(t, .1, n.Epsilon)
		require.Equal(t, float64(9-i)/10, n.Left, "ten tenths are one, exactly")
		require.Equal(t, 30, n.Margin)
	}
	_, err := g.Noisy(1000, .000001)
	var refusal *Refusal
	require.ErrorAs(t, err, &refusal)
	require.ErrorIs(t, err, ErrBudget)
	require.Zero(t, refusal.Left)

	// What was spent survives, also where the budget is smaller by then.
	data, err := g.MarshalBinary()
	require.NoError(t, err)
	for budget, left := range map[float64]float64{1.5: .5, .2: 0} {
		h := guard(t, &Options{Budget: budget})
		require.NoError(t, h.UnmarshalBinary(data))
		require.Equal(t, left, h.Left())
		_, err = h.Noisy(10, .51)
		require.ErrorIs(t, err, ErrBudget)
	}
	for _, epsilon := range []float64{0, -1, 1e-9, 1001, math.NaN(), math.Inf(1)} {
		_, err := g.Noisy(10, epsilon)
		require.Error(t, err)
		require.NotErrorIs(t, err, ErrBudget)
	}
	_, err = g.Noisy(-1, .1)
	require.Error(t, err)
}

type constant byte

func (c constant) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

// A source that fails or is not random is an error, never an endless loop or an
// answer without noise; nothing is spent.
func TestBadRandomness(t *testing.T) {
	broken := errors.New("broken")
	for _, o := range []Options{
		{Random: iotest.ErrReader(broken)},
		{Random: bytes.NewReader(make([]byte, 13))},
		{Random: constant(0)},
	} {
		g := guard(t, &o)
		_, err := g.Noisy(1000, .1)
		require.ErrorIs(t, err, ErrRandom)
		require.Equal(t, 1.0, g.Left())
	}
	g := guard(t, &Options{Random: iotest.OneByteReader(rand.NewChaCha8([32]byte{}))})
	_, err := g.Noisy(1000, .1)
	require.NoError(t, err)
	for c := range 256 {
		g := guard(t, &Options{Random: constant(c)})
		if _, err := g.Noisy(1000, .1); err != nil {
			require.ErrorIs(t, err, ErrRandom)
		}
	}
}
