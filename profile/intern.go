package profile

import (
	"strings"

	"github.com/zhun-go/zhun/internal/value"
)

// interned holds copies of the texts that came last, so that a value that
// comes again and again (a product, an agent) is copied once. It is a cache of
// bounded size: when it is full it starts anew.
type interned[T any] map[string]T

const (
	maxInterned     = 4096
	maxInternedText = 256
)

func (c *interned[T]) put(text string, v T) {
	if len(text) > maxInternedText {
		return
	}
	if *c == nil || len(*c) >= maxInterned {
		*c = make(interned[T])
	}
	(*c)[text] = v
}

// kept returns a value that shares no memory with the event it came with.
func (s *Store) kept(v any) any {
	text, ok := v.(string)
	if !ok {
		return value.Own(v)
	}
	if have, ok := s.texts[text]; ok {
		return have
	}
	text = strings.Clone(text)
	v = text
	s.texts.put(text, v)
	return v
}
