package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
)

// bbolt checks only its two meta pages, trusts the rest of its file, and
// panics, faults or goes on with less when a page is damaged. So the file is
// read once, before bbolt maps it, by code that trusts nothing: every page
// that can be reached is checked to be where and what it should be. What
// follows are the parts of bbolt's file format, version 2, that this needs.
const (
	boltMagic     = 0xED0CDAED
	boltVersion   = 2
	pageHeader    = 16 // id 8, flags 2, count 2, overflow 4
	element       = 16
	flagBranch    = 0x01
	flagLeaf      = 0x02
	flagMeta      = 0x04
	flagBucket    = 0x01 // of a leaf's element
	bucketHeader  = 16   // root page 8, sequence 8
	maxTreeDepth  = 64
	metaChecksum  = 56 // bytes that the checksum of a meta page covers
	metaSize      = 64
	maxBucketName = 16
	minPage       = 1024
	maxPage       = 1 << 16
)

var native = binary.NativeEndian

// pages walks the trees of a bbolt file.
type pages struct {
	f    io.ReaderAt
	name string
	size int64
	page int64  // size of a page
	high uint64 // pages at and above it do not exist
	seen []uint64
	bufs [][]byte
	// offset of the element that visit is called with
	offset int64
}

type visit func(k, v []byte, flags uint32) error

// openPages opens a file for f, which is given the root page of the tree of
// buckets, after its meta pages and its size were checked.
func openPages(path string, f func(p *pages, root uint64) error) error {
	name := filepath.Base(path)
	file, err := os.Open(path)
	if err != nil {
		return system(name, "opening", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return system(name, "looking", err)
	}
	return readPages(file, info.Size(), name, f)
}

// readPages is openPages for a file that is open, of a size.
func readPages(file io.ReaderAt, size int64, name string, f func(p *pages, root uint64) error) error {
	p := &pages{f: file, name: name, size: size, page: minPage}
	root, err := p.meta()
	if err != nil {
		return err
	}
	return f(p, root)
}

func (p *pages) corrupt(offset int64, format string, args ...any) error {
	return corrupt(p.name, offset, format, args...)
}

// meta checks both meta pages. bbolt goes back to the older one when the
// newer is damaged, which would lose a transaction that was acknowledged. No
// crash leaves a damaged one: a meta page is written by itself, and what
// counts of it lies in one sector.
func (p *pages) meta() (root uint64, err error) {
	var tx [2]uint64
	for i := range tx {
		var b [pageHeader + metaSize]byte
		at := int64(i) * p.page
		if n, err := p.f.ReadAt(b[:], at); err == io.EOF {
			return 0, p.corrupt(at+int64(n), "the file ends within meta page %d", i)
		} else if err != nil {
			return 0, system(p.name, "reading", err)
		}
		m := b[pageHeader:]
		if native.Uint32(m) != boltMagic {
			return 0, p.corrupt(at+pageHeader, "meta page %d is not one of a bbolt file", i)
		}
		sum := fnv.New64a()
		sum.Write(m[:metaChecksum])
		if native.Uint64(m[metaChecksum:]) != sum.Sum64() {
			return 0, p.corrupt(at+pageHeader, "checksum of meta page %d differs", i)
		}
		if v := native.Uint32(m[4:]); v != boltVersion {
			return 0, &Error{File: p.name, Offset: at + pageHeader + 4, Err: ErrVersion, Reason: fmt.Sprintf("bbolt format %d, this build reads %d", v, boltVersion)}
		}
		v := int64(native.Uint32(m[8:]))
		if v < minPage || v > maxPage || v&(v-1) != 0 || i > 0 && v != p.page {
			return 0, p.corrupt(at+pageHeader+8, "pages of %d bytes", v)
		}
		p.page = v
		if native.Uint64(b[:]) != uint64(i) || native.Uint16(b[8:]) != flagMeta {
			return 0, p.corrupt(at, "bad header of meta page %d", i)
		}
		tx[i] = native.Uint64(m[48:])
		if i == 0 || tx[1] > tx[0] {
			root, p.high = native.Uint64(m[16:]), native.Uint64(m[40:])
		}
	}
	if tx[0]+1 != tx[1] && tx[1]+1 != tx[0] {
		return 0, p.corrupt(pageHeader, "transactions %d and %d of the meta pages do not follow each other", tx[0], tx[1])
	}
	if p.high < 4 || p.high > uint64(p.size/p.page) {
		return 0, p.corrupt(p.size, "the file ends, it should have %d pages of %d bytes", p.high, p.page)
	}
	p.seen = make([]uint64, p.high/64+1)
	p.mark(0)
	p.mark(1)
	return root, nil
}

// mark returns false if the page was marked before.
func (p *pages) mark(id uint64) bool {
	if p.seen[id/64]&(1<<(id%64)) != 0 {
		return false
	}
	p.seen[id/64] |= 1 << (id % 64)
	return true
}

// read returns a page with its overflow.
func (p *pages) read(id uint64, depth int) ([]byte, error) {
	at := int64(id) * p.page
	if id >= p.high {
		return nil, p.corrupt(p.offset, "page %d does not exist", id)
	}
	for len(p.bufs) <= depth {
		p.bufs = append(p.bufs, make([]byte, p.page))
	}
	b := p.bufs[depth]
	if _, err := p.f.ReadAt(b[:p.page], at); err != nil {
		return nil, system(p.name, "reading", err)
	}
	if native.Uint64(b) != id {
		return nil, p.corrupt(at, "page %d carries the number %d", id, native.Uint64(b))
	}
	over := uint64(native.Uint32(b[12:]))
	if over >= p.high-id {
		return nil, p.corrupt(at+12, "page %d reaches beyond the last page", id)
	}
	for i := range over + 1 {
		if !p.mark(id + i) {
			return nil, p.corrupt(at, "page %d is used twice", id+i)
		}
	}
	size := int(over+1) * int(p.page)
	if size > len(b) {
		b = append(b[:p.page], make([]byte, size-int(p.page))...)
		p.bufs[depth] = b
		if _, err := p.f.ReadAt(b[p.page:], at+p.page); err != nil {
			return nil, system(p.name, "reading", err)
		}
	} else if size > int(p.page) {
		if _, err := p.f.ReadAt(b[p.page:size], at+p.page); err != nil {
			return nil, system(p.name, "reading", err)
		}
	}
	return b[:size], nil
}

// walk visits the entries of the tree under a page, whose keys must lie in
// [low, high); nil is no bound.
func (p *pages) walk(id uint64, depth int, low, high []byte, f visit) error {
	if depth > maxTreeDepth {
		return p.corrupt(int64(id)*p.page, "tree of more than %d levels", maxTreeDepth)
	}
	b, err := p.read(id, depth)
	if err != nil {
		return err
	}
	at := int64(id) * p.page
	switch native.Uint16(b[8:]) {
	case flagLeaf:
		return p.leaf(b, at, low, high, f)
	case flagBranch:
		return p.branch(b, at, depth, low, high, f)
	}
	return p.corrupt(at+8, "page %d is neither branch nor leaf", id)
}

// span returns part of a page whose position is relative to its element.
func span(b []byte, e int, pos, length uint32) ([]byte, bool) {
	start := uint64(e) + uint64(pos)
	if start < pageHeader || start+uint64(length) > uint64(len(b)) {
		return nil, false
	}
	return b[start : start+uint64(length) : start+uint64(length)], true
}

func (p *pages) leaf(b []byte, at int64, low, high []byte, f visit) error {
	n := int(native.Uint16(b[10:]))
	if pageHeader+n*element > len(b) {
		return p.corrupt(at+10, "page of %d entries", n)
	}
	var last []byte
	for i := range n {
		e := pageHeader + i*element
		k, ok := span(b, e, native.Uint32(b[e+4:]), native.Uint32(b[e+8:]))
		if !ok || len(k) == 0 {
			return p.corrupt(at+int64(e), "key outside its page")
		}
		v, ok := span(b, e, native.Uint32(b[e+4:])+uint32(len(k)), native.Uint32(b[e+12:]))
		if !ok {
			return p.corrupt(at+int64(e), "value outside its page")
		}
		if i > 0 && bytes.Compare(last, k) >= 0 || low != nil && bytes.Compare(low, k) > 0 || high != nil && bytes.Compare(k, high) >= 0 {
			return p.corrupt(at+int64(e), "key out of order")
		}
		last = k
		p.offset = at + int64(e) + int64(native.Uint32(b[e+4:])) + int64(len(k))
		if err := f(k, v, native.Uint32(b[e:])); err != nil {
			return err
		}
	}
	return nil
}

func (p *pages) branch(b []byte, at int64, depth int, low, high []byte, f visit) error {
	n := int(native.Uint16(b[10:]))
	if n == 0 || pageHeader+n*element > len(b) {
		return p.corrupt(at+10, "page of %d entries", n)
	}
	child := func(i int) ([]byte, error) {
		e := pageHeader + i*element
		k, ok := span(b, e, native.Uint32(b[e:]), native.Uint32(b[e+4:]))
		if !ok || len(k) == 0 {
			return nil, p.corrupt(at+int64(e), "key outside its page")
		}
		if low != nil && bytes.Compare(low, k) > 0 || high != nil && bytes.Compare(k, high) >= 0 {
			return nil, p.corrupt(at+int64(e), "key out of order")
		}
		return k, nil
	}
	k, err := child(0)
	if err != nil {
		return err
	}
	for i := range n {
		next := high
		if i+1 < n {
			if next, err = child(i + 1); err != nil {
				return err
			}
			if bytes.Compare(k, next) >= 0 {
				return p.corrupt(at+int64(pageHeader+i*element), "key out of order")
			}
		}
		e := pageHeader + i*element
		p.offset = at + int64(e)
		if err := p.walk(native.Uint64(b[e+8:]), depth+1, k, next, f); err != nil {
			return err
		}
		k = next
	}
	return nil
}

// buckets walks the tree of buckets and then each bucket, in the order of
// their names.
func (p *pages) buckets(root uint64, visits map[string]visit) error {
	type bucket struct {
		name  string
		value []byte
		at    int64
	}
	var all []bucket
	err := p.walk(root, 0, nil, nil, func(k, v []byte, flags uint32) error {
		if flags != flagBucket || len(k) > maxBucketName || visits[string(k)] == nil {
			return p.corrupt(p.offset, "unknown bucket")
		}
		if len(v) < bucketHeader {
			return p.corrupt(p.offset, "bad bucket %q", k)
		}
		all = append(all, bucket{string(k), bytes.Clone(v), p.offset})
		return nil
	})
	if err != nil {
		return err
	}
	if len(all) != len(visits) {
		return p.corrupt(int64(root)*p.page, "%d buckets, there should be %d", len(all), len(visits))
	}
	for _, b := range all {
		f := func(k, v []byte, flags uint32) error {
			if flags != 0 {
				return p.corrupt(p.offset, "bad entry of bucket %q", b.name)
			}
			return visits[b.name](k, v, flags)
		}
		p.offset = b.at
		id := native.Uint64(b.value)
		if id != 0 {
			if len(b.value) != bucketHeader {
				return p.corrupt(b.at, "bad bucket %q", b.name)
			}
			err = p.walk(id, 0, nil, nil, f)
		} else {
			page := b.value[bucketHeader:]
			if len(page) < pageHeader || native.Uint64(page) != 0 || native.Uint16(page[8:]) != flagLeaf || native.Uint32(page[12:]) != 0 {
				return p.corrupt(b.at, "bad bucket %q", b.name)
			}
			err = p.leaf(page, b.at+bucketHeader, nil, nil, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
