package recommend

import (
	"encoding/binary"
	"math"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/wire"
)

const (
	modelKind    = "recommend.Model"
	modelVersion = 0
)

// AppendBinary appends the model to b. Equal models give equal bytes. The zero
// Model is [ErrEmpty].
func (m *Model) AppendBinary(b []byte) ([]byte, error) {
	if m.cat == nil {
		return b, &Error{Where: "Model.AppendBinary", Reason: "a model comes from a fit or from bytes", Err: ErrEmpty}
	}
	w := wire.NewWriter(modelKind, modelVersion)
	s := w.Section("items")
	s.String(m.name)
	s.Uvarint(uint64(m.cat.users))
	s.Count(len(m.cat.names))
	for i, name := range m.cat.names {
		s.String(name)
		s.Uvarint(uint64(m.cat.counts[i]))
	}
	s = w.Section("weights")
	s.Float(m.cut)
	s.Bool(m.full != nil)
	if m.full != nil {
		s.Bytes(appendFloats(nil, m.full))
		return w.AppendTo(b), nil
	}
	for i := range m.cat.names {
		s.Count(m.ptr[i+1] - m.ptr[i])
		prev := uint32(0)
		for _, j := range m.target[m.ptr[i]:m.ptr[i+1]] {
			s.Uvarint(uint64(j - prev))
			prev = j
		}
	}
	s.Bytes(appendFloats(nil, m.weight))
	return w.AppendTo(b), nil
}

func appendFloats(b []byte, x []float64) []byte {
	for _, f := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	return b
}

// UnmarshalBinary replaces the model by what AppendBinary wrote. Section
// "items" holds the name, the number of users, and by ascending id the items
// with their numbers of users; section "weights" the
// share cut, a flag, and either all
// weights, row by row of the source, or for each source the number
// of its targets and the steps between them, and then all weights.
//
// Damaged bytes, and those of another kind, wrap [ErrCorrupt]; the model is
// then unchanged. The bytes are copied. Unlike every other method it must not
// run beside others, and it unbinds the item sets made before.
func (m *Model) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, modelKind, modelVersion)
	if err != nil {
		return err
	}
	fresh := &Model{}
	if err := fresh.readItems(f.Section("items")); err != nil {
		return err
	}
	if err := fresh.readWeights(f.Section("weights")); err != nil {
		return err
	}
	m.name, m.cat, m.cut = fresh.name, fresh.cat, fresh.cut
	m.ptr, m.target, m.weight, m.full = fresh.ptr, fresh.target, fresh.weight, fresh.full
	return nil
}

func (m *Model) readItems(r *wire.Reader) error {
	m.name = r.String()
	users := r.Uint32()
	n := r.Count(3)
	names, counts := make([]string, 0, n), make([]uint32, 0, n)
	for i := range n {
		name, count := r.String(), r.Uint32()
		if r.Err() != nil {
			break
		}
		if !usableItem(name) || i > 0 && ids.Compare(names[i-1], name) >= 0 || count == 0 || count > users {
			r.Fail("item %.60q unusable or out of order", name)
			break
		}
		names, counts = append(names, name), append(counts, count)
	}
	if err := r.Close(); err != nil {
		return err
	}
	m.cat = newCatalogue(names, counts, int(users), 1)
	return nil
}

func (m *Model) readWeights(r *wire.Reader) error {
	n := len(m.cat.names)
	if m.cut = r.Float(); !(m.cut >= 0 && m.cut <= 1) {
		r.Fail("share cut of %v", m.cut)
	}
	if r.Bool() {
		b := r.Bytes()
		if r.Err() == nil && (n > math.MaxInt32/2 || len(b) != 8*n*n) {
			r.Fail("%d bytes of weights for %d items", len(b), n)
		}
		if r.Err() == nil {
			m.full = readFloats(r, b)
		}
		return r.Close()
	}
	m.ptr = make([]int, 1, n+1)
	for range n {
		prev := uint32(0)
		for k := range r.Count(1) {
			step := r.Uint32()
			if r.Err() == nil && (k > 0 && step == 0 || uint64(prev)+uint64(step) >= uint64(n)) {
				r.Fail("targets out of order")
			}
			if r.Err() != nil {
				return r.Close()
			}
			prev += step
			m.target = append(m.target, prev)
		}
		m.ptr = append(m.ptr, len(m.target))
	}
	b := r.Bytes()
	if r.Err() == nil && len(b) != 8*len(m.target) {
		r.Fail("%d bytes for %d weights", len(b), len(m.target))
	}
	if r.Err() == nil {
		m.weight = readFloats(r, b)
	}
	return r.Close()
}

func readFloats(r *wire.Reader, b []byte) []float64 {
	out := make([]float64, len(b)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		if x := out[i]; math.IsNaN(x) || math.IsInf(x, 0) {
			r.Fail("weight %v", x)
			return nil
		}
	}
	return out
}
