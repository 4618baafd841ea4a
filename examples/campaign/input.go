package main

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"sync/atomic"
)

// input is a file, plain or gzipped, whose bytes are counted as they are read.
type input struct {
	io.Reader
	size  int64 // of the file as stored; 0 if not known
	taken atomic.Int64
	file  io.Closer
}

// openInput opens a file, or the standard input for the name "-". Whether it is
// gzipped is told by its first bytes, not by its name.
func openInput(name string, stdin io.Reader) (*input, error) {
	in := new(input)
	var raw io.Reader = stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			in.size = st.Size()
		}
		in.file, raw = f, f
	}
	b := bufio.NewReaderSize(&counter{raw, &in.taken}, 1<<16)
	in.Reader = b
	if magic, _ := b.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		gz, err := gzip.NewReader(b)
		if err != nil {
			_ = in.Close()
			return nil, err
		}
		in.Reader = gz
	}
	return in, nil
}

// Close closes the file.
func (in *input) Close() error {
	if in.file == nil {
		return nil
	}
	return in.file.Close()
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
