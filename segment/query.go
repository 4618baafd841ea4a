package segment

import (
	"math/bits"

	"github.com/RoaringBitmap/roaring/v2"
)

// Query returns the users for whom a rule holds now, without defining it: the
// same language and the same answer as a defined audience. The bitmap is the
// caller's own. Errors are of type [*RuleError].
//
// Users are gone through in blocks of 4,096, the parts of the rule that decide
// most for the least work first. Numbers and strings are compared in columns,
// which the first question about an attribute makes and every change keeps up
// to date, at 8 and 4 bytes a user.
func (x *Index) Query(rule string) (*roaring.Bitmap, error) {
	b := roaring.New()
	out := adder{to: b}
	err := x.ask(rule, func(base uint32, m *mask) bool {
		out.addMask(base, m)
		return true
	})
	if err != nil {
		return nil, err
	}
	out.flush()
	return b, nil
}

// Count returns for how many users a rule holds now. Errors are of type
// [*RuleError].
func (x *Index) Count(rule string) (int, error) {
	n := 0
	err := x.ask(rule, func(_ uint32, m *mask) bool {
		n += m.count()
		return true
	})
	return n, err
}

// AtLeast reports whether a rule holds for at least n users now. It stops as
// soon as it knows. Errors are of type [*RuleError].
func (x *Index) AtLeast(rule string, n int) (bool, error) {
	found := 0
	err := x.ask(rule, func(_ uint32, m *mask) bool {
		found += m.count()
		return found < n
	})
	return err == nil && found >= n, err
}

// ask evaluates a rule block by block until yield has enough.
func (x *Index) ask(rule string, yield func(base uint32, m *mask) bool) error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f, err := x.prepare(rule)
	if err != nil {
		return err
	}
	x.evaluateBlocks(f, yield)
	return nil
}

func (x *Index) evaluateBlocks(f *formula, yield func(base uint32, m *mask) bool) {
	q := x.planQuery(f, nil)
	b := &blockScan{scan: scan{x: x, now: x.second()}}
	for i, p := range x.table.pages {
		if p == nil {
			continue
		}
		b.block, b.page = i, p
		var out mask
		q.eval(b, &p.held, &out)
		if out != (mask{}) && !yield(uint32(i*blockUsers), &out) {
			return
		}
	}
}

// prepare compiles a rule that is not kept.
func (x *Index) prepare(rule string) (*formula, error) {
	f, err := x.compile(rule, false)
	if err != nil {
		return nil, err
	}
	if err := x.resolve(f, rule, nil); err != nil {
		return nil, err
	}
	return f, nil
}

func (m *mask) count() int {
	n := 0
	for _, w := range m {
		n += bits.OnesCount64(w)
	}
	return n
}
