package segment

import (
	"fmt"
	"iter"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/internal/bits"
)

// Preview is what defining a rule would do. Its bitmaps are the caller's own.
type Preview struct {
	Size   int             // members it would have
	Users  int             // users held
	Enters *roaring.Bitmap // who would enter
	Leaves *roaring.Bitmap // who would leave
}

// String tells the figures in a line.
func (p Preview) String() string {
	var in, out uint64
	if p.Enters != nil && p.Leaves != nil {
		in, out = p.Enters.GetCardinality(), p.Leaves.GetCardinality()
	}
	return fmt.Sprintf("%d of %d users: %d enter, %d leave", p.Size, p.Users, in, out)
}

// Preview answers what Define would do to the audience, without doing it. An
// audience that is not defined has no members yet. Errors are of type
// [*RuleError].
func (x *Index) Preview(name, rule string) (Preview, error) { return x.all().Preview(name, rule) }

// Preview is [Index.Preview] within the mask.
func (w *Within) Preview(name, rule string) (Preview, error) {
	x := w.x
	x.mu.RLock()
	defer x.mu.RUnlock()
	f, err := x.compile(rule, false)
	if err != nil {
		return Preview{}, err
	}
	a := x.byName[name]
	if err := x.resolve(f, rule, a); err != nil {
		return Preview{}, err
	}
	next := w.find(f)
	p := Preview{Size: int(next.GetCardinality()), Users: w.held()}
	now := roaring.New()
	if a != nil {
		x.settle()
		now = w.meet(&a.members)
	}
	p.Enters, p.Leaves = roaring.AndNot(next, now), roaring.AndNot(now, next)
	return p, nil
}

// Overlap is how audiences share users: Both[i][j] counts the users in both
// the i-th and the j-th, Both[i][i] those of one. Immutable; safe for
// concurrent use.
type Overlap struct {
	Names []string
	Users int // users held
	Both  [][]int
}

// String prints the counts as a table.
func (o Overlap) String() string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "of %d users\t%s\t\n", o.Users, strings.Join(o.Names, "\t"))
	for i, row := range o.Both {
		fmt.Fprint(t, o.Names[i])
		for _, n := range row {
			fmt.Fprintf(t, "\t%d", n)
		}
		fmt.Fprint(t, "\t\n")
	}
	t.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// Overlap counts the users that each two of the named audiences share. The
// error wraps [ErrAudience].
func (x *Index) Overlap(names ...string) (Overlap, error) { return x.all().Overlap(names...) }

// Overlap is [Index.Overlap] within the mask.
func (w *Within) Overlap(names ...string) (Overlap, error) {
	sets, users, err := w.sets(names)
	if err != nil {
		return Overlap{}, err
	}
	o := Overlap{Names: append([]string(nil), names...), Users: users, Both: make([][]int, len(sets))}
	var pairs [][2]int
	for i, a := range sets {
		o.Both[i] = make([]int, len(sets))
		o.Both[i][i] = a.Len()
		for j := range i {
			pairs = append(pairs, [2]int{i, j})
		}
	}
	bits.Split(len(pairs), w.x.opts.Workers, func(mine iter.Seq[int]) {
		for k := range mine {
			i, j := pairs[k][0], pairs[k][1]
			n := bits.And(bits.Of(sets[i]), bits.Of(sets[j])).Count(1)
			o.Both[i][j], o.Both[j][i] = n, n
		}
	})
	return o, nil
}

// sets copies the members of audiences under the lock, into blocks that are
// quick to intersect.
func (w *Within) sets(names []string) ([]*bits.Set, int, error) {
	x := w.x
	x.mu.RLock()
	defer x.mu.RUnlock()
	x.settle()
	sets := make([]*bits.Set, len(names))
	for i, n := range names {
		a := x.byName[n]
		if a == nil {
			return nil, 0, audienceError("overlap", n)
		}
		sets[i] = w.copy(&a.members)
	}
	return sets, w.held(), nil
}

// held counts the users of the index who are in the mask.
func (w *Within) held() int {
	if w.users == nil {
		return w.x.table.n
	}
	return w.everybody().Count(w.x.opts.Workers)
}

// Jaccard returns the share of the users of either audience who are in both,
// 0 when there are none.
func (o Overlap) Jaccard(i, j int) float64 {
	either := o.Both[i][i] + o.Both[j][j] - o.Both[i][j]
	if either == 0 {
		return 0
	}
	return float64(o.Both[i][j]) / float64(either)
}

// Lift returns how many times as frequent the j-th audience is within the i-th
// as among all users: 1 when they have nothing to do with each other. It is
// symmetric, and NaN when one of them is empty.
func (o Overlap) Lift(i, j int) float64 {
	return float64(o.Both[i][j]) * float64(o.Users) / (float64(o.Both[i][i]) * float64(o.Both[j][j]))
}

// table returns the 2×2 table of being in the one and in the other.
func (o Overlap) table(i, j int) (both, onlyI, onlyJ, neither float64) {
	b := o.Both[i][j]
	return float64(b), float64(o.Both[i][i] - b), float64(o.Both[j][j] - b), float64(o.Users - o.Both[i][i] - o.Both[j][j] + b)
}

// ChiSquare returns Pearson's statistic of independence of two audiences, of
// one degree of freedom and without continuity correction. It is NaN when one
// of them holds nobody or everybody.
func (o Overlap) ChiSquare(i, j int) float64 {
	a, b, c, d := o.table(i, j)
	det := a*d - b*c
	return (a + b + c + d) * det * det / ((a + b) * (c + d) * (a + c) * (b + d))
}

// LLR returns the log-likelihood ratio statistic of independence of two
// audiences, 2·Σ n·ln(n/expected) (Dunning, "Accurate Methods for the
// Statistics of Surprise and Coincidence", 1993). It is 0 or more, and 0 when
// one of them holds nobody or everybody.
func (o Overlap) LLR(i, j int) float64 {
	a, b, c, d := o.table(i, j)
	n := a + b + c + d
	term := func(k, row, col float64) float64 {
		if k == 0 {
			return 0
		}
		return k * math.Log(k*n/(row*col))
	}
	sum := term(a, a+b, a+c) + term(b, a+b, b+d) + term(c, c+d, a+c) + term(d, c+d, b+d)
	return max(2*sum, 0)
}
