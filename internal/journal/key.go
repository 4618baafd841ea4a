package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync/atomic"
)

// A stored key is a state, the key itself unless destroyed, and CRC-32C over
// the subject and all that. A destroyed key leaves a mark: an absent key is
// damage, never mistaken for a person who was forgotten.
const (
	keyLive      = 1
	keyDestroyed = 2
	keySize      = 32
)

type key [keySize]byte

func keyCRC(subject uint64, v []byte) uint32 {
	var s [8]byte
	binary.BigEndian.PutUint64(s[:], subject)
	return crc32.Update(crc32.Update(0, castagnoli, s[:]), castagnoli, v)
}

// encodeKey returns what is stored for a subject; k is nil for a destroyed
// key.
func encodeKey(subject uint64, k *key) []byte {
	v := make([]byte, 0, 1+keySize+4)
	if k == nil {
		v = append(v, keyDestroyed)
	} else {
		v = append(append(v, keyLive), k[:]...)
	}
	return binary.LittleEndian.AppendUint32(v, keyCRC(subject, v))
}

// decodeKey returns the key, live false if it has been destroyed, and what is
// wrong with the bytes, "" if nothing.
func decodeKey(subject uint64, v []byte) (k key, live bool, wrong string) {
	if len(v) < 1+4 {
		return k, false, "key is too short"
	}
	body, crc := v[:len(v)-4], binary.LittleEndian.Uint32(v[len(v)-4:])
	if keyCRC(subject, body) != crc {
		return k, false, "checksum of the key differs"
	}
	switch {
	case body[0] == keyDestroyed && len(body) == 1:
		return k, false, ""
	case body[0] == keyLive && len(body) == 1+keySize:
		copy(k[:], body[1:])
		return k, true, ""
	}
	return k, false, "bad key"
}

func newAEAD(k *key) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return aead, nil
}

// aeads keeps the ciphers of recent subjects: each subject has one place of
// 2^bits, and the later of two with the same place stays. A cipher takes about
// a kilobyte. Once made, get and put are safe for concurrent use.
type aeads struct {
	bits   int
	places []atomic.Pointer[place] // made when the first is put
}

type place struct {
	subject uint64
	aead    cipher.AEAD
}

func (c *aeads) make() {
	if c.places == nil {
		c.places = make([]atomic.Pointer[place], 1<<c.bits)
	}
}

func (c *aeads) place(subject uint64) *atomic.Pointer[place] {
	// Fibonacci hashing: subjects are mostly consecutive numbers.
	return &c.places[(subject*0x9E3779B97F4A7C15)>>32&uint64(len(c.places)-1)]
}

func (c *aeads) get(subject uint64) cipher.AEAD {
	if c.places == nil {
		return nil
	}
	if p := c.place(subject).Load(); p != nil && p.subject == subject {
		return p.aead
	}
	return nil
}

func (c *aeads) put(subject uint64, a cipher.AEAD) {
	c.make()
	c.place(subject).Store(&place{subject, a})
}

func (c *aeads) drop(subject uint64) {
	if c.get(subject) != nil {
		c.place(subject).Store(nil)
	}
}

func (c *aeads) clear() { clear(c.places) }
