package journal

import (
	"bytes"
	"encoding/binary"
)

// verify reads the whole database and checks that it holds what its head
// says, and that every record and key is what was written.
func verify(path string, bug bugs) (m meta, err error) {
	err = openPages(path, func(p *pages, root uint64) (err error) {
		m, err = p.verify(root, bug)
		return err
	})
	return m, err
}

func (p *pages) verify(root uint64, bug bugs) (meta, error) {
	var found head // of the records and keys
	var s stored
	values := map[string][]byte{}
	err := p.buckets(root, map[string]visit{
		bucketMeta: func(k, v []byte, _ uint32) error {
			values[string(k)] = bytes.Clone(v)
			return nil
		},
		bucketKeys: func(k, v []byte, _ uint32) error {
			if len(k) != 8 {
				return p.corrupt(p.offset, "bad subject")
			}
			_, live, wrong := decodeKey(binary.BigEndian.Uint64(k), v)
			if wrong != "" {
				return p.corrupt(p.offset, "%s", wrong)
			}
			if live {
				found.live++
			} else {
				found.destroyed++
			}
			found.keys += uint64(storedCRC(v))
			return nil
		},
		bucketRecords: func(k, v []byte, _ uint32) error {
			if len(k) != 8 {
				return p.corrupt(p.offset, "bad sequence")
			}
			seq := binary.BigEndian.Uint64(k)
			if found.first == 0 {
				found.first, found.last = seq, seq-1
			}
			if seq != found.last+1 {
				return p.corrupt(p.offset, "record %d follows record %d", seq, found.last)
			}
			if wrong := s.parse(v, seq, bug); wrong != "" {
				return p.corrupt(p.offset, "%s (sequence %d)", wrong, seq)
			}
			found.last = seq
			if s.state == hole {
				found.last += s.n - 1
			}
			return nil
		},
	})
	if err != nil {
		return meta{}, err
	}
	m, err := decodeMeta(func(name string) []byte { return values[name] })
	if err != nil {
		return meta{}, err
	}
	if found.first == 0 {
		found.first, found.last = m.head.first, m.head.first-1
	}
	if found.first != m.head.first || found.last != m.head.last {
		return meta{}, p.corrupt(-1, "records %d to %d, there should be %d to %d", found.first, found.last, m.head.first, m.head.last)
	}
	if found.live != m.head.live || found.destroyed != m.head.destroyed || found.keys != m.head.keys {
		return meta{}, p.corrupt(-1, "%d keys and %d destroyed ones, there should be %d and %d, or they are not those",
			found.live, found.destroyed, m.head.live, m.head.destroyed)
	}
	return m, nil
}

// locate returns where in the file the record of a sequence is, -1 if it
// cannot be found.
func locate(path string, seq uint64) int64 {
	at := int64(-1)
	ignore := func(_, _ []byte, _ uint32) error { return nil }
	_ = openPages(path, func(p *pages, root uint64) error {
		return p.buckets(root, map[string]visit{
			bucketMeta: ignore, bucketKeys: ignore,
			bucketRecords: func(k, _ []byte, _ uint32) error {
				if len(k) == 8 && binary.BigEndian.Uint64(k) == seq {
					at = p.offset
				}
				return nil
			},
		})
	})
	return at
}
