package attribution

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CSVOptions say how [ReadCSV] finds its way. Nil and zero fields mean the
// defaults.
type CSVOptions struct {
	// Separator stands between the channels of a path; default ">". Spaces
	// around channels do not count.
	Separator string
	// Comma stands between columns; default ','.
	Comma byte
	// The names of the columns in the first line. By default the path is
	// "path", and the others are "conversions", "value" and "nulls", each also
	// with "total_" before it, and as "total_conversion_value" and
	// "total_null". A column of Value or Nulls that is not there is 0.
	Path, Conversions, Value, Nulls string
	// MaxLine bounds the bytes of one line; default 1 MiB.
	MaxLine int
}

// CSVError says which line of a file could not be read.
type CSVError struct {
	Line   int    // from 1
	Column string // the name of the column, if the fault is in one
	Value  string
	Err    error
}

func (e *CSVError) Error() string {
	s := fmt.Sprintf("attribution: ReadCSV: line %d", e.Line)
	if e.Column != "" {
		s += fmt.Sprintf(": %s %q", e.Column, e.Value)
	}
	return fmt.Sprintf("%s: %v", s, e.Err)
}

// Unwrap returns what was wrong: [ErrInput], or the reader's own error.
func (e *CSVError) Unwrap() error { return e.Err }

// ReadCSV reads paths from aggregated rows, such as
//
//	path,conversions,value,nulls
//	search > social > email,2,59.80,7
//
// The first line names the columns, others than the four are skipped. Cells
// may be quoted, with quotes doubled within, but do not reach over lines. An
// empty path is a row without channels (see [Paths.Add]). The first line that
// cannot be read ends it with a [*CSVError].
func ReadCSV(r io.Reader, opts *CSVOptions) (*Paths, error) {
	var o CSVOptions
	if opts != nil {
		o = *opts
	}
	if o.Separator == "" {
		o.Separator = ">"
	}
	if o.Comma == 0 {
		o.Comma = ','
	}
	if o.MaxLine == 0 {
		o.MaxLine = 1 << 20
	}
	if o.Comma == '"' || o.Comma == '\n' || o.Comma == '\r' || o.Comma >= utf8.RuneSelf {
		return nil, inputError("ReadCSV", 0, "Comma", string(rune(o.Comma)), "cannot stand between columns")
	}
	if o.MaxLine < 0 {
		return nil, inputError("ReadCSV", 0, "MaxLine", o.MaxLine, "negative")
	}
	if r == nil {
		return nil, inputError("ReadCSV", 0, "r", nil, "nothing to read from")
	}
	c := csvReader{opts: o, separator: []byte(o.Separator)}
	c.paths.seqs.start()
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, min(64<<10, o.MaxLine)), o.MaxLine)
	for lines.Scan() {
		c.line++
		line := lines.Bytes()
		if c.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := c.read(line); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("%w: longer than %d bytes", ErrInput, o.MaxLine)
		}
		return nil, &CSVError{Line: c.line + 1, Err: err}
	}
	if c.columns == nil {
		return nil, &CSVError{Line: 1, Err: fmt.Errorf("%w: no line with the names of the columns", ErrInput)}
	}
	c.flush()
	c.paths.settle()
	return &c.paths, nil
}

// The columns by number.
const (
	colPath = iota
	colConversions
	colValue
	colNulls
	colCount
)

type csvReader struct {
	opts      CSVOptions
	separator []byte
	line      int
	columns   []int // what the i-th column is, -1 for nothing
	paths     Paths
	cells     [][]byte
	seq       []uint32
	known     [512]knownName
	batch     []csvRow
	seqs      []uint32 // the paths of the batch, end to end
	found     [csvBatch]uint32
	touched   float64 // keeps the looks at memory from being left out
}

func (c *csvReader) read(line []byte) error {
	cells, ok := c.split(line)
	if !ok {
		return c.fail("", "", "a quote that does not end, or text after one")
	}
	if c.columns == nil {
		return c.header(cells)
	}
	if len(cells) != len(c.columns) {
		return c.fail("", "", fmt.Sprintf("%d cells, the first line names %d columns", len(cells), len(c.columns)))
	}
	var numbers [colCount]float64
	var path []byte
	for i, what := range c.columns {
		switch what {
		case -1:
		case colPath:
			path = cells[i]
		default:
			x, ok := parseNumber(bytes.TrimSpace(cells[i]))
			if !ok || what != colValue && x < 0 || tiny(x) {
				return c.fail(columnNames[what], string(cells[i]), "not a number, out of range or negative")
			}
			numbers[what] = x
		}
	}
	if err := c.path(path); err != nil {
		return err
	}
	c.batch = append(c.batch, csvRow{len(c.seqs), c.paths.seqs.hash(c.seq), numbers})
	c.seqs = append(c.seqs, c.seq...)
	if len(c.batch) == csvBatch {
		c.flush()
	}
	return nil
}

// csvRow is a row that waits to be added; its path ends where the next begins.
type csvRow struct {
	first   int
	hash    uint32
	numbers [colCount]float64
}

// csvBatch is how many rows are looked up together. Each look goes to places
// in memory that are far apart; side by side they take hardly longer than one.
const csvBatch = 64

func (c *csvReader) flush() {
	p := &c.paths
	var hashes [csvBatch]uint32
	for i := range c.batch {
		hashes[i] = c.batch[i].hash
	}
	for _, id := range p.seqs.warm(hashes[:len(c.batch)], c.found[:0]) {
		c.touched += p.rows[id].conv.Value()
	}
	for i := range c.batch {
		b := &c.batch[i]
		end := len(c.seqs)
		if i+1 < len(c.batch) {
			end = c.batch[i+1].first
		}
		row := &p.rows[p.intern(c.seqs[b.first:end])] // the rest follows in settle
		row.conv.Add(b.numbers[colConversions])
		row.value.Add(b.numbers[colValue])
		row.null.Add(b.numbers[colNulls])
	}
	c.batch, c.seqs = c.batch[:0], c.seqs[:0]
}

// settle derives from the rows what [Paths.Add] keeps up with them. Nothing of
// them is negative but values.
func (p *Paths) settle() {
	for id := range p.rows {
		t := &p.rows[id]
		p.bySet[p.setOf[id]].merge(*t)
		at := p.seqs.places[id]
		p.columns[at.block].set(at.pos, t)
		if p.seqs.blocks[at.block].length > 0 {
			p.counts.untimed.Merge(t.conv)
		}
	}
}

// path splits the channels of a path.
func (c *csvReader) path(cell []byte) error {
	c.seq = c.seq[:0]
	if len(bytes.TrimSpace(cell)) == 0 {
		return nil
	}
	for rest, more := cell, true; more; {
		var name []byte
		name, rest, more = bytes.Cut(rest, c.separator)
		name = bytes.TrimSpace(name)
		k := &c.known[nameHash(name)%uint32(len(c.known))]
		if k.name != string(name) || k.name == "" {
			if len(name) == 0 || !utf8.Valid(name) {
				return c.fail("path", string(cell), "a channel without a name, or not in UTF-8")
			}
			id := c.paths.channels.ID(string(name))
			*k = knownName{c.paths.channels.Name(id), id}
		}
		c.seq = append(c.seq, k.id)
	}
	return nil
}

// knownName is a channel that was met before.
type knownName struct {
	name string
	id   uint32
}

// nameHash mixes the ends of a name: enough to tell most channels of one file
// apart, and those that collide are only looked up again.
func nameHash(name []byte) uint32 {
	h := uint32(len(name))
	for _, b := range name[:min(4, len(name))] {
		h = h*31 + uint32(b)
	}
	for _, b := range name[max(0, len(name)-4):] {
		h = h*31 + uint32(b)
	}
	return h ^ h>>9
}

func (c *csvReader) fail(column, value, reason string) error {
	return &CSVError{Line: c.line, Column: column, Value: value, Err: fmt.Errorf("%w: %s", ErrInput, reason)}
}

var columnNames = [colCount]string{"path", "conversions", "value", "nulls"}

func (c *csvReader) header(cells [][]byte) error {
	names := [colCount][]string{
		{"path"},
		{"conversions", "total_conversions"},
		{"value", "total_value", "total_conversion_value"},
		{"nulls", "total_nulls", "total_null"},
	}
	for i, own := range []string{c.opts.Path, c.opts.Conversions, c.opts.Value, c.opts.Nulls} {
		if own != "" {
			names[i] = []string{strings.ToLower(own)}
		}
	}
	c.columns = make([]int, len(cells))
	var found [colCount]bool
	for i, cell := range cells {
		c.columns[i] = -1
		name := strings.ToLower(string(bytes.TrimSpace(cell)))
		for what := range names {
			for _, n := range names[what] {
				if n == name {
					if found[what] {
						return c.fail(columnNames[what], name, "two columns of this kind")
					}
					c.columns[i], found[what] = what, true
				}
			}
		}
	}
	for _, what := range []int{colPath, colConversions} {
		if !found[what] {
			return c.fail("", "", "no column "+strings.Join(names[what], " or "))
		}
	}
	return nil
}

// split cuts a line into cells, which live until the next call.
func (c *csvReader) split(line []byte) ([][]byte, bool) {
	c.cells = c.cells[:0]
	if bytes.IndexByte(line, '"') < 0 {
		for {
			i := bytes.IndexByte(line, c.opts.Comma)
			if i < 0 {
				c.cells = append(c.cells, line)
				return c.cells, true
			}
			c.cells = append(c.cells, line[:i])
			line = line[i+1:]
		}
	}
	for {
		cell, rest, more, ok := c.quoted(line)
		if !ok {
			return nil, false
		}
		c.cells = append(c.cells, cell)
		if !more {
			return c.cells, true
		}
		line = rest
	}
}

// quoted cuts one cell, quoted or not, from a line.
func (c *csvReader) quoted(line []byte) (cell, rest []byte, more, ok bool) {
	if len(line) == 0 || line[0] != '"' {
		cell, rest, more = bytes.Cut(line, []byte{c.opts.Comma})
		return cell, rest, more, bytes.IndexByte(cell, '"') < 0
	}
	for i := 1; i < len(line); i++ {
		if line[i] != '"' {
			cell = append(cell, line[i])
			continue
		}
		if i+1 == len(line) {
			return cell, nil, false, true
		}
		switch line[i+1] {
		case '"':
			cell = append(cell, '"')
			i++
		case c.opts.Comma:
			return cell, line[i+2:], true, true
		default:
			return nil, nil, false, false
		}
	}
	return nil, nil, false, false
}

// powers are exact.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// parseNumber reads a number within what sums can bear. Most are short
// decimals: the quotient of two exact floats is rounded once, as it should be.
func parseNumber(b []byte) (float64, bool) {
	if len(b) > 0 && len(b) <= 15 {
		var n int64
		point, digits := -1, 0
		for i, d := range b {
			switch {
			case d >= '0' && d <= '9':
				n = n*10 + int64(d-'0')
				digits++
				continue
			case d == '.' && point < 0:
				point = i
				continue
			}
			digits = 0
			break
		}
		if clean := digits == len(b) || point >= 0 && digits == len(b)-1; clean && digits > 0 {
			if point < 0 {
				return float64(n), true
			}
			return float64(n) / powers[len(b)-1-point], true
		}
	}
	x, err := strconv.ParseFloat(string(b), 64)
	return x, err == nil && finite(x)
}
