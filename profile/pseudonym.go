package profile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// pseudonymous ends the kinds of keys that are pseudonyms.
const pseudonymous = ".hmac"

// Pseudonyms replaces identifiers by hashes that nobody can invert or make
// without the secret: HMAC-SHA256 of the kind and the clean value, in
// hexadecimal. Before Apply, they keep identifiers out of a store; at the way
// out, they let two parties that share a secret match their users, and nobody
// else. Equal identifiers have equal pseudonyms under one secret, and unrelated
// ones under two.
//
// Immutable; safe for concurrent use.
type Pseudonyms struct {
	secret []byte
	fields map[string]string
	clean  *Store // empty: for how it cleans keys
}

// NewPseudonyms returns the pseudonyms of a secret of at least 16 bytes. Fields
// names what else in an event holds an identifier, by its flat name, with the
// kind of key it is: {"email": "email", "context.traits.phone": "phone"}.
// Identifiers are cleaned as a store of the options does, so that
// "Ann@example.com" and "ann@example.com" are one; nil means the defaults.
// Errors wrap [ErrOptions].
func NewPseudonyms(secret []byte, fields map[string]string, opts *Options) (*Pseudonyms, error) {
	if len(secret) < 16 {
		return nil, optionError("secret", len(secret), "fewer than 16 bytes")
	}
	s, err := New(opts)
	if err != nil {
		return nil, err
	}
	return &Pseudonyms{slices.Clone(secret), maps.Clone(fields), s}, nil
}

// Key returns the pseudonym of a key: of kind "email.hmac" for an "email", which
// is what Options.Priority and other options on kinds then name. A key that is
// one already, or that a store refuses, such as the user id "null", is returned
// as it is; a pseudonym of the latter would make one person of many.
func (p *Pseudonyms) Key(k Key) Key {
	if strings.HasSuffix(k.Kind, pseudonymous) {
		return k
	}
	clean, _, ok := p.clean.cleanKey(k)
	if !ok {
		return k
	}
	b := binary.AppendUvarint(nil, uint64(len(clean.Kind)))
	b = append(append(b, clean.Kind...), clean.Value...)
	mac := hmac.New(sha256.New, p.secret)
	mac.Write(b)
	return Key{clean.Kind + pseudonymous, hex.EncodeToString(mac.Sum(b[:0]))}
}

// Event returns the event with pseudonyms for its keys, and for the texts in the
// fields named at [NewPseudonyms], also within nested objects; a text there that
// is no identifier is left out. Other fields are not looked at: a host that
// keeps names or addresses there keeps them. The event given is not changed.
func (p *Pseudonyms) Event(e Event) Event {
	e.Keys = slices.Clone(e.Keys)
	for i, k := range e.Keys {
		e.Keys[i] = p.Key(k)
	}
	e.Fields = p.object("", e.Fields)
	return e
}

// object replaces what has to be in an object whose fields' names begin with a
// prefix. It is copied if anything has to.
func (p *Pseudonyms) object(prefix string, fields map[string]any) map[string]any {
	out, copied := fields, false
	for name, v := range fields {
		w, keep := v, true
		if kind, named := p.fields[prefix+name]; named {
			w, keep = p.text(kind, v)
		} else if o, nested := v.(map[string]any); nested {
			w = p.object(prefix+name+".", o)
		} else {
			continue
		}
		if !copied {
			out, copied = maps.Clone(fields), true
		}
		if out[name] = w; !keep {
			delete(out, name)
		}
	}
	return out
}

// text returns the pseudonym of a value of a field; nil, which removes an
// attribute, stays.
func (p *Pseudonyms) text(kind string, v any) (any, bool) {
	if v == nil {
		return nil, true
	}
	text, ok := v.(string)
	if !ok {
		return nil, false
	}
	k := p.Key(Key{kind, text})
	return k.Value, strings.HasSuffix(k.Kind, pseudonymous)
}
