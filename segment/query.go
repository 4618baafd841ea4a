package segment

import "github.com/RoaringBitmap/roaring/v2"

// Query returns the users for whom a rule holds now, without defining it: the
// same language and the same answer as a defined audience. The bitmap is the
// caller's own. Errors are of type [*RuleError].
func (x *Index) Query(rule string) (*roaring.Bitmap, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f, err := x.prepare(rule)
	if err != nil {
		return nil, err
	}
	b := roaring.New()
	out := adder{to: b}
	c := &scan{x: x, now: x.second()}
	for r := range x.table.all() {
		c.r = r
		if f.eval(c) {
			out.add(r.user)
		}
	}
	out.flush()
	return b, nil
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
