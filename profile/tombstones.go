package profile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// tombstones remember erased keys by keyed hash, with the instant up to which
// their events are refused.
type tombstones struct {
	mac    hash.Hash
	until  map[[32]byte]instant
	buf    []byte
	digest [32]byte
}

func (t *tombstones) init(secret []byte) {
	t.mac = hmac.New(sha256.New, secret)
	t.until = make(map[[32]byte]instant)
}

func (t *tombstones) hash(k Key) [32]byte {
	t.buf = binary.AppendUvarint(t.buf[:0], uint64(len(k.Kind)))
	t.buf = append(append(t.buf, k.Kind...), k.Value...)
	t.mac.Reset()
	t.mac.Write(t.buf)
	t.mac.Sum(t.digest[:0])
	clear(t.buf)
	return t.digest
}

// refuses reports whether an event with the key at that instant is refused.
func (t *tombstones) refuses(k Key, at instant) bool {
	if len(t.until) == 0 {
		return false
	}
	until, ok := t.until[t.hash(k)]
	return ok && at.compare(until) <= 0
}

func (t *tombstones) add(h [32]byte, until instant) {
	if old, ok := t.until[h]; !ok || old.before(until) {
		t.until[h] = until
	}
}
