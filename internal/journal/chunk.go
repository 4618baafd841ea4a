package journal

import "crypto/cipher"

// What is read at once.
const (
	chunkRecords = 4096
	chunkBytes   = 1 << 20
)

// chunk is a run of records, read by one goroutine and opened by another.
type chunk struct {
	j     *Journal
	arena []byte // the stored records
	items []item
	cache *aeads // of the reader
	err   error  // comes after the items

	done       chan struct{} // opened
	additional []byte
}

// item is a record on its way to the caller.
type item struct {
	seq        uint64
	start, end int // in the arena
	key        key
	live       bool // key is the subject's
	record     Record
}

// open checks the records of a chunk and opens their seals.
func (c *chunk) open() {
	for i := range c.items {
		if err := c.openItem(&c.items[i]); err != nil {
			c.items, c.err = c.items[:i], err
			break
		}
	}
	c.done <- struct{}{}
}

func (c *chunk) openItem(it *item) error {
	var s stored
	if wrong := s.parse(c.arena[it.start:it.end], it.seq, c.j.opts.bugs); wrong != "" {
		return c.j.damaged(it.seq, wrong)
	}
	it.record = Record{Subject: s.subject, Kind: s.kind, Clear: s.clear}
	switch {
	case s.state == plain:
		it.record.Data = s.data
	case s.state == shredded, !it.live:
		it.record.Shredded = true
	default:
		aead, err := c.cipher(s.subject, &it.key)
		if err != nil {
			return err
		}
		c.additional = appendAdditional(c.additional[:0], it.seq, s.kind, s.clear)
		nonce, box := s.data[:nonceSize], s.data[nonceSize:]
		if it.record.Data, err = aead.Open(box[:0], nonce, box, c.additional); err != nil {
			return c.j.damaged(it.seq, "sealed part cannot be opened")
		}
	}
	return nil
}

func (c *chunk) cipher(subject uint64, k *key) (cipher.AEAD, error) {
	if a := c.cache.get(subject); a != nil {
		return a, nil
	}
	a, err := newAEAD(k)
	if err != nil {
		return nil, err
	}
	c.cache.put(subject, a)
	return a, nil
}
