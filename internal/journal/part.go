package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// A part's file is a header and chunks:
//
//	"zhunpart"  8 bytes
//	version     4 bytes
//	crc         4 bytes   CRC-32C of the 12 bytes above
//	chunks:     length    4 bytes, at most 256 KiB
//	            crc       4 bytes   CRC-32C of length, number of the chunk
//	                                (8 bytes) and payload
//	            payload
//
// and one chunk of length 0 at the end; integers in little endian. The
// published set holds the size and a checksum of all chunks' checksums, so
// that a file of another set is not taken for this one's.
const (
	partMagic   = "zhunpart"
	partHeader  = 16
	chunkHeader = 8
	chunkSize   = 256 << 10
	// After so much a part is flushed, so that the journal's own flushes
	// never wait behind a gigabyte.
	flushEvery = 4 << 20
)

// file is what a published set knows of a part's file.
type file struct {
	size    int64  // of the file
	content int64  // of what was written into it
	crc     uint32 // of the checksums of the chunks
}

func chunkCRC(header []byte, number uint64, payload []byte) uint32 {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], number)
	crc := crc32.Update(0, castagnoli, header[:4])
	crc = crc32.Update(crc, castagnoli, n[:])
	return crc32.Update(crc, castagnoli, payload)
}

// partWriter writes a part's file in chunks.
type partWriter struct {
	f       *os.File
	hook    func(string) error
	buf     []byte // header and payload of the chunk being filled
	number  uint64
	flushed int64
	file    file
	err     error
}

func newPartWriter(f *os.File, hook func(string) error) *partWriter {
	w := &partWriter{f: f, hook: hook, buf: make([]byte, chunkHeader, 4096)}
	h := append(make([]byte, 0, partHeader), partMagic...)
	h = binary.LittleEndian.AppendUint32(h, layout)
	h = binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, castagnoli))
	w.write(h)
	return w
}

func (w *partWriter) write(b []byte) {
	if w.err != nil {
		return
	}
	if w.err = w.hook("snapshot.write"); w.err != nil {
		return
	}
	var n int
	n, w.err = w.f.Write(b)
	w.file.size += int64(n)
	if w.err == nil && w.file.size-w.flushed >= flushEvery {
		w.flushed = w.file.size
		w.err = w.f.Sync()
	}
}

// Write implements io.Writer.
func (w *partWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 && w.err == nil {
		k := min(len(b), chunkHeader+chunkSize-len(w.buf))
		w.buf = append(w.buf, b[:k]...)
		b = b[k:]
		n += k
		if len(w.buf) == chunkHeader+chunkSize {
			w.chunk()
		}
	}
	return n, w.err
}

func (w *partWriter) chunk() {
	payload := w.buf[chunkHeader:]
	binary.LittleEndian.PutUint32(w.buf, uint32(len(payload)))
	crc := chunkCRC(w.buf, w.number, payload)
	binary.LittleEndian.PutUint32(w.buf[4:], crc)
	w.file.crc = crc32.Update(w.file.crc, castagnoli, w.buf[4:chunkHeader])
	w.file.content += int64(len(payload))
	w.number++
	w.write(w.buf)
	w.buf = w.buf[:chunkHeader]
}

// finish writes what is left and the end.
func (w *partWriter) finish() (file, error) {
	if len(w.buf) > chunkHeader {
		w.chunk()
	}
	w.chunk()
	return w.file, w.err
}

// readPart reads a part's file, checks all of it, and hands its content to
// sink chunk by chunk, which is valid during the call only.
func readPart(path, name string, want file, sink func([]byte) error) error {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return &Error{File: name, Offset: -1, Reason: "the file is missing", Err: ErrCorrupt, Cause: err}
	}
	if err != nil {
		return system(name, "opening", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return system(name, "looking", err)
	}
	return scanPart(f, info.Size(), name, want, sink)
}

// scanPart is readPart for a file that is open, of a size.
func scanPart(f io.Reader, size int64, name string, want file, sink func([]byte) error) error {
	if size != want.size {
		return corrupt(name, min(size, want.size), "the file has %d bytes, there should be %d", size, want.size)
	}
	var head [partHeader + chunkHeader]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return corrupt(name, 0, "no header: %v", err)
	}
	if string(head[:8]) != partMagic || crc32.Checksum(head[:12], castagnoli) != binary.LittleEndian.Uint32(head[12:]) {
		return corrupt(name, 0, "bad header")
	}
	if v := binary.LittleEndian.Uint32(head[8:]); v != layout {
		return &Error{File: name, Offset: 8, Err: ErrVersion, Reason: fmt.Sprintf("layout %d, this build reads %d", v, layout)}
	}
	var got file
	at, number := int64(partHeader), uint64(0)
	// A payload and the header after it.
	buf := make([]byte, min(chunkSize, max(0, want.size))+chunkHeader)
	h := head[partHeader:]
	for {
		n := int64(binary.LittleEndian.Uint32(h))
		crc := binary.LittleEndian.Uint32(h[4:])
		next := at + chunkHeader + n
		if n > chunkSize || next > want.size || (n == 0) != (next == want.size) {
			return corrupt(name, at, "chunk of %d bytes", n)
		}
		b := buf[:n]
		if n > 0 {
			b = buf[:n+chunkHeader]
		}
		if _, err := io.ReadFull(f, b); err != nil {
			return corrupt(name, at, "chunk %d: %v", number, err)
		}
		if chunkCRC(h, number, b[:n]) != crc {
			return corrupt(name, at, "checksum of chunk %d differs", number)
		}
		got.crc = crc32.Update(got.crc, castagnoli, h[4:chunkHeader])
		got.content += n
		number++
		if n == 0 {
			break
		}
		if got.content > want.content {
			return corrupt(name, at, "more content than was written")
		}
		if err := sink(b[:n]); err != nil {
			return err
		}
		copy(head[partHeader:], b[n:])
		at = next
	}
	if got.content != want.content || got.crc != want.crc {
		return corrupt(name, -1, "not the file that was published")
	}
	return nil
}
