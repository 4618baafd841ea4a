package fairness

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
	"github.com/zhun-go/zhun/internal/wire"
)

var (
	_ encoding.BinaryAppender    = (*Tally)(nil)
	_ encoding.BinaryMarshaler   = (*Tally)(nil)
	_ encoding.BinaryUnmarshaler = (*Tally)(nil)
)

// Outcome is what became of a user, whatever was decided.
type Outcome uint8

const (
	// Unknown: not seen, or not yet.
	Unknown Outcome = iota
	// Negative: the decision should have been no.
	Negative
	// Positive: the decision should have been yes.
	Positive
)

// MaxGroups is how many groups a [Tally] holds at most.
const MaxGroups = 1 << 16

// Tally counts decisions and outcomes by group, where a group is a value of each
// of several attributes. What was added can be taken out again, and tallies of
// shards merge. It takes some 100 bytes a group and knows no users.
//
// Not safe for concurrent use. Do not copy one that is in use.
type Tally struct {
	attributes []string
	cells      []cell // ascending by key
	key        []byte
}

// cell counts the users of a group: not selected and selected, each by outcome.
type cell struct {
	key string // the values, each after its length
	n   [6]int64
}

// maxAttributes is more than anybody has, and few enough to be looked through.
const maxAttributes = 64

// NewTally returns an empty tally of groups by the attributes, one to 64, all
// different.
func NewTally(attributes ...string) (*Tally, error) {
	const fn = "NewTally"
	if len(attributes) == 0 {
		return nil, invalid(fn, "attributes", attributes, "want at least one")
	}
	if len(attributes) > maxAttributes {
		return nil, invalid(fn, "attributes", len(attributes), fmt.Sprintf("want at most %d", maxAttributes))
	}
	for i, a := range attributes {
		if slices.Contains(attributes[:i], a) {
			return nil, invalid(fn, fmt.Sprintf("attributes[%d]", i), a, "want each once")
		}
	}
	return &Tally{attributes: slices.Clone(attributes)}, nil
}

// Add counts a user with a value of each attribute, in the order of [NewTally].
func (t *Tally) Add(values []string, selected bool, outcome Outcome) error {
	return t.count("Add", values, selected, outcome, 1)
}

// Sub takes a user out who was added before, to this tally or to one that is
// merged with it later.
func (t *Tally) Sub(values []string, selected bool, outcome Outcome) error {
	return t.count("Sub", values, selected, outcome, -1)
}

func (t *Tally) count(fn string, values []string, selected bool, outcome Outcome, by int64) error {
	if len(values) != len(t.attributes) {
		return invalid(fn, "values", values, fmt.Sprintf("want one for each of %d attributes", len(t.attributes)))
	}
	if outcome > Positive {
		return invalid(fn, "outcome", outcome, "want Unknown, Negative or Positive")
	}
	t.key = appendKey(t.key[:0], values)
	i, ok := t.find(t.key)
	if !ok {
		if len(t.cells) == MaxGroups {
			return tooMany(fn)
		}
		t.cells = slices.Insert(t.cells, i, cell{key: string(t.key)})
	}
	n := &t.cells[i].n
	n[place(selected, outcome)] += by
	if *n == ([6]int64{}) { // nobody is not held
		t.cells = slices.Delete(t.cells, i, i+1)
	}
	return nil
}

func tooMany(fn string) error { return invalid(fn, "groups", MaxGroups+1, "want fewer") }

func place(selected bool, outcome Outcome) int {
	if selected {
		return 3 + int(outcome)
	}
	return int(outcome)
}

func (t *Tally) find(key []byte) (int, bool) {
	lo, hi := 0, len(t.cells)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); t.cells[mid].key < string(key) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(t.cells) && t.cells[lo].key == string(key)
}

func appendKey(b []byte, values []string) []byte {
	for _, v := range values {
		b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
	}
	return b
}

// values splits a key, which appendKey made of so many values; nil otherwise.
func values(key string, n int) []string {
	list, rest := make([]string, 0, n), []byte(key)
	for len(list) < n {
		size, k := binary.Uvarint(rest)
		if k <= 0 || size > uint64(len(rest)-k) {
			return nil
		}
		list = append(list, string(rest[k:k+int(size)]))
		rest = rest[k+int(size):]
	}
	if string(appendKey(nil, list)) != key {
		return nil
	}
	return list
}

// Merge adds what o holds. The error says that its attributes are others, or
// that there would be more than [MaxGroups] groups.
func (t *Tally) Merge(o *Tally) error {
	if o == nil {
		return invalid("Merge", "o", o, "want a tally")
	}
	if !slices.Equal(t.attributes, o.attributes) {
		return &experiment.ValueError{Func: "fairness.Merge", What: "attributes", Value: fmt.Sprint(o.attributes), Err: experiment.ErrOptions}
	}
	merged := make([]cell, 0, len(t.cells)+len(o.cells))
	a, b := t.cells, o.cells
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].key < b[0].key:
			merged, a = append(merged, a[0]), a[1:]
		case len(a) == 0 || b[0].key < a[0].key:
			merged, b = append(merged, b[0]), b[1:]
		default:
			c := a[0]
			for j := range c.n {
				c.n[j] += b[0].n[j]
			}
			if c.n != ([6]int64{}) {
				merged = append(merged, c)
			}
			a, b = a[1:], b[1:]
		}
	}
	if len(merged) > MaxGroups {
		return tooMany("Merge")
	}
	t.cells = merged
	return nil
}

// Group is how many of the users of a group were selected: of all, and of those
// whose outcome is known and positive or negative.
type Group struct {
	Name                    string
	All, Positive, Negative exact.Count // Successes are those who were selected
}

// Groups returns the groups by some of the attributes, by all of them when none
// is named: intersections, which may fare worse than each attribute by itself
// shows. Names are the values, joined by ", ", of which one that could be taken
// for several is quoted; the order is that of the values.
func (t *Tally) Groups(attributes ...string) ([]Group, error) {
	if len(attributes) == 0 {
		attributes = t.attributes
	}
	at, err := t.places("Groups", attributes)
	if err != nil {
		return nil, err
	}
	byKey := map[string]*Group{}
	var all []row[*Group]
	for _, c := range t.cells {
		some := t.some(c, at)
		key := string(appendKey(nil, some))
		if byKey[key] == nil {
			byKey[key] = &Group{Name: joined(some)}
			all = append(all, row[*Group]{some, byKey[key]})
		}
		byKey[key].add(c.n)
	}
	groups := make([]Group, len(all))
	for i, g := range ordered(all) {
		groups[i] = *g
	}
	return groups, nil
}

// Offers returns the users with two values of an attribute, a group and its
// reference, and how many of them were selected, in strata of other attributes,
// for [ConditionalOffers]. The order is that of the strata's values.
func (t *Tally) Offers(attribute, group, reference string, within ...string) ([]Offers, error) {
	const fn = "Offers"
	if group == reference {
		return nil, invalid(fn, "reference", reference, "want another value than the group's")
	}
	at, err := t.places(fn, append([]string{attribute}, within...))
	if err != nil {
		return nil, err
	}
	byKey := map[string]*Offers{}
	var all []row[*Offers]
	for _, c := range t.cells {
		some := t.some(c, at)
		if some[0] != group && some[0] != reference {
			continue
		}
		key := string(appendKey(nil, some[1:]))
		o := byKey[key]
		if o == nil {
			o = &Offers{Stratum: joined(some[1:])}
			byKey[key] = o
			all = append(all, row[*Offers]{some[1:], o})
		}
		var g Group
		g.add(c.n)
		to := &o.Group
		if some[0] == reference {
			to = &o.Reference
		}
		to.Users += g.All.Users
		to.Successes += g.All.Successes
	}
	strata := make([]Offers, len(all))
	for i, o := range ordered(all) {
		strata[i] = *o
	}
	return strata, nil
}

// joined names values: other values have another name.
func joined(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	parts := slices.Clone(values)
	for i, v := range parts {
		if strings.Contains(v, ",") || strings.HasPrefix(v, `"`) {
			parts[i] = strconv.Quote(v)
		}
	}
	return strings.Join(parts, ", ")
}

// places returns where the attributes are among the tally's.
func (t *Tally) places(fn string, attributes []string) (at []int, err error) {
	for i, a := range attributes {
		k := slices.Index(t.attributes, a)
		if k < 0 || slices.Contains(at, k) {
			return nil, invalid(fn, fmt.Sprintf("attributes[%d]", i), a, "want attributes of the tally, each once")
		}
		at = append(at, k)
	}
	return at, nil
}

// some returns a cell's values of some attributes.
func (t *Tally) some(c cell, at []int) []string {
	full, list := values(c.key, len(t.attributes)), make([]string, len(at))
	for i, k := range at {
		list[i] = full[k]
	}
	return list
}

// row is what is said of some values.
type row[T any] struct {
	values []string
	of     T
}

func ordered[T any](rows []row[T]) []T {
	slices.SortFunc(rows, func(a, b row[T]) int { return slices.Compare(a.values, b.values) })
	list := make([]T, len(rows))
	for i, r := range rows {
		list[i] = r.of
	}
	return list
}

func (g *Group) add(n [6]int64) {
	for outcome, c := range []*exact.Count{nil, &g.Negative, &g.Positive} {
		no, yes := n[place(false, Outcome(outcome))], n[place(true, Outcome(outcome))]
		for _, c := range []*exact.Count{&g.All, c} {
			if c != nil {
				c.Users += no + yes
				c.Successes += yes
			}
		}
	}
}

const tallyKind, tallyVersion = "fairness.Tally", 0

// AppendBinary appends the tally to b.
func (t *Tally) AppendBinary(b []byte) ([]byte, error) {
	w := wire.NewWriter(tallyKind, tallyVersion)
	w.Section("attributes").Strings(t.attributes)
	s := w.Section("cells")
	s.Count(len(t.cells))
	for _, c := range t.cells {
		s.String(c.key)
		for _, n := range c.n {
			s.Varint(n)
		}
	}
	return w.AppendTo(b), nil
}

// MarshalBinary is AppendBinary of nothing.
func (t *Tally) MarshalBinary() ([]byte, error) { return t.AppendBinary(nil) }

// UnmarshalBinary replaces t, attributes and all, by what AppendBinary wrote.
// Damaged bytes are an error that wraps experiment.ErrCorrupt or
// experiment.ErrVersion and leave t as it was.
func (t *Tally) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, tallyKind, tallyVersion)
	if err != nil {
		return fmt.Errorf("fairness: %w", err)
	}
	r := f.Section("attributes")
	d, err := NewTally(r.Strings()...)
	if err != nil {
		r.Fail("attributes are none, too many, or not all different")
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("fairness: %w", err)
	}
	r = f.Section("cells")
	n := r.Count(7 + len(d.attributes))
	if n > MaxGroups {
		r.Fail("more than %d groups", MaxGroups)
		n = 0
	}
	d.cells = make([]cell, n)
	for i := range d.cells {
		c := &d.cells[i]
		c.key = r.String()
		for j := range c.n {
			c.n[j] = r.Varint()
		}
		switch {
		case r.Err() != nil:
		case values(c.key, len(d.attributes)) == nil:
			r.Fail("not a key of %d values", len(d.attributes))
		case i > 0 && c.key <= d.cells[i-1].key:
			r.Fail("groups are not ascending")
		case c.n == [6]int64{}:
			r.Fail("a group of nobody")
		}
		if r.Err() != nil {
			break
		}
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("fairness: %w", err)
	}
	*t = *d
	return nil
}
