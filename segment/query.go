package segment

import "github.com/RoaringBitmap/roaring/v2"

// Query returns the users for whom a rule holds now, without defining it: the
// same language and the same answer as a defined audience. The bitmap is the
// caller's own. Errors are of type [*RuleError].
//
// What questions need is made by the first of them and kept up to date by every
// change. Numbers and instants are held in columns at 12 bytes a user, strings
// at 4. Truth values, and the strings and conditions that rules ask for, are
// sets, at 2 bytes for each of their users or 1 bit for everybody; of conditions
// there are at most 32 an attribute.
func (x *Index) Query(rule string) (*roaring.Bitmap, error) { return x.all().Query(rule) }

// Count returns for how many users a rule holds now. Errors are of type
// [*RuleError].
func (x *Index) Count(rule string) (int, error) { return x.all().Count(rule) }

// AtLeast reports whether a rule holds for at least n users now. It stops as
// soon as it knows. Errors are of type [*RuleError].
func (x *Index) AtLeast(rule string, n int) (bool, error) { return x.all().AtLeast(rule, n) }

// all is the index without a mask.
func (x *Index) all() *Within { return &Within{x: x} }

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
