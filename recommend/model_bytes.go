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
	s.Bool(m.full)
	s.Bool(m.narrow != nil)
	for i := 0; i < len(m.ptr)-1; i++ {
		s.Count(m.ptr[i+1] - m.ptr[i])
		prev := uint32(0)
		for _, j := range m.row(uint32(i)) {
			s.Uvarint(uint64(j - prev))
			prev = j
		}
	}
	floats := make([]byte, 0, 8*len(m.weight)+4*len(m.narrow))
	for _, f := range m.weight {
		floats = binary.LittleEndian.AppendUint64(floats, math.Float64bits(f))
	}
	for _, f := range m.narrow {
		floats = binary.LittleEndian.AppendUint32(floats, math.Float32bits(f))
	}
	s.Bytes(floats)
	return w.AppendTo(b), nil
}

// UnmarshalBinary replaces the model by what AppendBinary wrote. Section
// "items" holds the name, the number of users, and by ascending id the items
// with their numbers of users; section "weights" the share cut, whether every
// weight is kept and whether they are narrow, then, unless every one is kept,
// for each source the number of its targets and the steps between them, and
// last the weights, row by row of the source, in 64 bits or narrow in 32.
//
// Damaged bytes, and those of another kind, wrap [ErrCorrupt], those of a later
// format [ErrVersion]; the model is then unchanged. The bytes are copied. Unlike every other method it must not
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
	m.ptr, m.target, m.full = fresh.ptr, fresh.target, fresh.full
	m.weight, m.narrow = fresh.weight, fresh.narrow
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
	m.full = r.Bool()
	narrow := r.Bool()
	weights := n * n
	if m.full && n > math.MaxInt32/2 {
		r.Fail("every weight of %d items", n)
	}
	if !m.full {
		m.readTargets(r)
		weights = len(m.target)
	}
	b := r.Bytes()
	width := 8
	if narrow {
		width = 4
	}
	if r.Err() == nil && (len(b)%width != 0 || len(b)/width != weights) {
		r.Fail("%d bytes for %d weights", len(b), weights)
	}
	if r.Err() != nil {
		return r.Close()
	}
	if narrow {
		m.narrow = make([]float32, weights)
		for i := range m.narrow {
			m.narrow[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	} else {
		m.weight = make([]float64, weights)
		for i := range m.weight {
			m.weight[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	for i := range weights {
		if x := m.weightAt(i); math.IsNaN(x) || math.IsInf(x, 0) {
			r.Fail("weight %v", x)
			break
		}
	}
	return r.Close()
}

func (m *Model) readTargets(r *wire.Reader) {
	n := len(m.cat.names)
	m.ptr = make([]int, 1, n+1)
	for range n {
		prev := uint32(0)
		for k := range r.Count(1) {
			step := r.Uint32()
			if r.Err() == nil && (k > 0 && step == 0 || uint64(prev)+uint64(step) >= uint64(n)) {
				r.Fail("targets out of order")
			}
			if r.Err() != nil {
				return
			}
			prev += step
			m.target = append(m.target, prev)
		}
		m.ptr = append(m.ptr, len(m.target))
	}
}
