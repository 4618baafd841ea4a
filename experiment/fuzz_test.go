package experiment

import (
	"bytes"
	"slices"
	"testing"
)

func FuzzReadoutUnmarshal(f *testing.F) {
	r, _ := NewReadout("exp", nil)
	for i := range uint32(4) {
		_ = r.Expose(i+1, Exposure{Arm: "a", Unit: "u", Epoch: int(i), At: at(float64(i))})
		_ = r.Record(i+1, "revenue", float64(i), at(float64(i)))
	}
	data, _ := r.MarshalBinary()
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Add([]byte("zhun"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, _ := NewReadout("exp", nil)
		if err := x.UnmarshalBinary(data); err != nil {
			if got, _ := x.MarshalBinary(); bytes.Equal(got, data) {
				t.Fatal("refused its own bytes")
			}
		} else if got, err := x.MarshalBinary(); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("accepted bytes that are not canonical: %v", err)
		}
		if err := x.Expose(1, Exposure{Arm: "a", At: at(0)}); err != nil {
			t.Fatal(err)
		}
		_, _ = x.Compare("revenue", "a", "b", nil)
	})
}

func FuzzMomentsUnmarshal(f *testing.F) {
	var m Moments
	m.AddAll([]float64{1, 2.5, -3})
	data, _ := m.MarshalBinary()
	f.Add(data)
	f.Add(data[:10])
	f.Add(slices.Concat(data, data))
	f.Fuzz(func(t *testing.T, data []byte) {
		var x Moments
		if err := x.UnmarshalBinary(data); err == nil {
			got, err := x.MarshalBinary()
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("accepted bytes that are not canonical: %v", err)
			}
		}
		x.Add(1)
		if _, err := Welch(&x, &m, nil); err == nil && x.N() < 2 {
			t.Fatal("compared too few")
		}
	})
}
