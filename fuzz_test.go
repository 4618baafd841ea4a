package zhun_test

import (
	"bytes"
	"encoding"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/wire"
)

// Every decoder meets sections of any content whose checksums are right. What
// it accepts is a state like any other: it encodes, and decodes again to the
// same bytes.
func FuzzDecode(f *testing.F) {
	type kind struct {
		name          string
		frame         *wire.Frame
		first, second encoding.BinaryUnmarshaler
	}
	var kinds []kind
	for i, s := range states(f, 4, 12, 50) {
		data, err := s.value.AppendBinary(nil)
		require.NoError(f, err)
		frame, err := wire.Inspect(data)
		require.NoError(f, err)
		for j, n := range frame.Names() {
			f.Add(uint8(i), uint8(j), frame.Payload(n))
			f.Add(uint8(i), uint8(j), frame.Payload(n)[:len(frame.Payload(n))/2])
		}
		kinds = append(kinds, kind{s.name, frame, s.fresh(), s.fresh()})
	}
	f.Fuzz(func(t *testing.T, of, section uint8, payload []byte) {
		k := kinds[int(of)%len(kinds)]
		names := k.frame.Names()
		w := wire.NewWriter(k.frame.Kind, k.frame.Version)
		for i, n := range names {
			if i == int(section)%len(names) {
				w.Section(n).Raw(payload)
			} else {
				w.Section(n).Raw(k.frame.Payload(n))
			}
		}
		if err := k.first.UnmarshalBinary(w.AppendTo(nil)); err != nil {
			if names[int(section)%len(names)] != wire.Meta && !errors.Is(err, wire.ErrCorrupt) && !errors.Is(err, wire.ErrVersion) {
				t.Fatalf("%s: %v", k.name, err)
			}
			return
		}
		data, err := k.first.(encoding.BinaryAppender).AppendBinary(nil)
		if err != nil {
			t.Fatalf("%s: accepted, but does not encode: %v", k.name, err)
		}
		if err := k.second.UnmarshalBinary(data); err != nil {
			t.Fatalf("%s: accepted, but what it encodes to is not: %v", k.name, err)
		}
		again, err := k.second.(encoding.BinaryAppender).AppendBinary(nil)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%s: accepted, but has no stable encoding: %v", k.name, err)
		}
	})
}
