package disclosure

import (
	"encoding"
	"fmt"

	"github.com/zhun-go/zhun/internal/wire"
)

var (
	_ encoding.BinaryAppender    = (*Guard)(nil)
	_ encoding.BinaryMarshaler   = (*Guard)(nil)
	_ encoding.BinaryUnmarshaler = (*Guard)(nil)
)

const guardKind, guardVersion = "disclosure.Guard", 0

// AppendBinary appends what was released and spent to b. The same releases in
// another order give the same bytes. Options are not written.
func (g *Guard) AppendBinary(b []byte) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := wire.NewWriter(guardKind, guardVersion)
	w.Section("spent").Uvarint(uint64(g.spent))
	s := w.Section("released")
	p := &g.released
	s.Count(len(p.users))
	// Groups are numbered by their first users.
	number := make([]uint32, len(p.sizes))
	last, next := uint32(0), uint32(1)
	for i, user := range p.users {
		n := &number[p.groups[i]]
		if *n == 0 {
			*n = next
			next++
		}
		s.Uvarint(uint64(user - last))
		s.Uvarint(uint64(*n - 1))
		last = user
	}
	return w.AppendTo(b), nil
}

// MarshalBinary is AppendBinary of nothing.
func (g *Guard) MarshalBinary() ([]byte, error) { return g.AppendBinary(nil) }

// UnmarshalBinary replaces what was released and spent by what AppendBinary
// wrote; the options stay the receiver's. Damaged bytes are an error that wraps
// segment.ErrCorrupt or segment.ErrVersion and leave g as it was.
func (g *Guard) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, guardKind, guardVersion)
	if err != nil {
		return fmt.Errorf("disclosure: %w", err)
	}
	r := f.Section("spent")
	spent := r.Uvarint()
	if spent > 1e12 {
		r.Fail("more spent than any budget")
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("disclosure: %w", err)
	}
	r = f.Section("released")
	n := r.Count(2)
	p := partition{users: make([]uint32, n), groups: make([]uint32, n)}
	last := uint64(0)
	for i := range n {
		step := uint64(r.Uint32())
		group := r.Index(len(p.sizes) + 1)
		last += step
		if step == 0 && i > 0 || last >= 1<<32 {
			r.Fail("users are not ascending")
		}
		if r.Err() != nil {
			break
		}
		if group == len(p.sizes) {
			p.sizes = append(p.sizes, 0)
		}
		p.sizes[group]++
		p.users[i], p.groups[i] = uint32(last), uint32(group)
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("disclosure: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.released, g.spent = p, int64(spent)
	return nil
}
