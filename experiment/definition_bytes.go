package experiment

import (
	"bytes"

	"github.com/zhun-go/zhun/internal/wire"
)

const (
	definitionKind    = "experiment.Experiment"
	definitionVersion = 0
)

// AppendBinary appends the experiment's definition to b, versioned and
// checksummed. Equal definitions give equal bytes. The zero Experiment is
// [ErrInvalid].
func (e *Experiment) AppendBinary(b []byte) ([]byte, error) {
	if len(e.arms) == 0 {
		return b, &OptionError{"AppendBinary", "experiment", "", "an experiment comes from New, Parse or bytes"}
	}
	def, err := e.MarshalJSON()
	if err != nil {
		return b, err
	}
	w := wire.NewWriter(definitionKind, definitionVersion)
	w.Section("definition").Bytes(def)
	return w.AppendTo(b), nil
}

// MarshalBinary is AppendBinary to nothing.
func (e *Experiment) MarshalBinary() ([]byte, error) { return e.AppendBinary(nil) }

// UnmarshalBinary replaces the experiment by the one whose definition
// [Experiment.AppendBinary] wrote: section "definition" holds its JSON. What
// is code stays: the audience and what is sticky. The data is copied.
//
// Damaged bytes, and definitions that [New] would refuse, give an error that
// wraps [ErrCorrupt], those of a later format [ErrVersion]; the experiment is
// then unchanged. Unlike every other method it must not run beside others.
func (e *Experiment) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, definitionKind, definitionVersion)
	if err != nil {
		return err
	}
	r := f.Section("definition")
	def := r.Bytes()
	if err := r.Close(); err != nil {
		return err
	}
	fresh, err := Parse(def, &e.opts)
	if err != nil {
		r.Fail("%v", err)
		return r.Close()
	}
	// One definition has one text.
	if again, err := fresh.MarshalJSON(); err != nil || !bytes.Equal(again, def) {
		r.Fail("a definition written in another way")
		return r.Close()
	}
	*e = *fresh
	return nil
}
