package recommend

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// LoadOptions says how a table of interactions is laid out. Nil means the
// defaults, as do zero fields; they read the MovieLens files ratings.dat, u.data
// and (with Header) ratings.csv.
type LoadOptions struct {
	// Separator stands between fields. Default: the first of "::", tab, ";"
	// and "," that the first line holds, else ",". With a separator of one
	// byte a field may be quoted, "" standing for a quote in it; it may not
	// hold the end of a line.
	Separator string
	// Header skips the first line.
	Header bool
	// Columns says what each column holds: "user", "item", "weight", "time",
	// or "" for what is passed over. Further columns are passed over; absent
	// ones at the end of a line are an error. User and item are required.
	// Default: user, item, weight, time.
	Columns []string
	// MinWeight leaves out lines of a smaller weight, such as ratings below 4,
	// before anything else of them is looked at. Default 0: none.
	MinWeight float64
	// Alike gives every line the weight 1 once MinWeight has chosen, as do
	// tables without a weight.
	Alike bool
	// Layout is that of the time, as in [time.Parse]. Default: whole seconds
	// since 1970, or RFC 3339.
	Layout string
	// At is the time of lines in a table without times. Default: the start of
	// 1970, UTC.
	At time.Time
	// User turns a user's id into a number. Default: decimal numbers from 1 to
	// 4294967295.
	User func(id string) (uint32, error)
}

// LoadError says where a table could not be read.
type LoadError struct {
	Line   int    // from 1
	Column int    // from 1, by separators; 0 when the line as a whole is meant
	Name   string // what the column holds, such as "weight"
	Value  string // the offending text, the first 60 bytes of it
	Err    error  // wraps ErrTable, or is what History.Add or the reader said
}

func (e *LoadError) Error() string {
	where := fmt.Sprintf("recommend: Load: line %d", e.Line)
	if e.Column > 0 {
		where += fmt.Sprintf(", column %d (%s)", e.Column, e.Name)
	}
	return fmt.Sprintf("%s: %q: %v", where, e.Value, e.Err)
}

// Unwrap returns the cause.
func (e *LoadError) Unwrap() error { return e.Err }

// ErrTable: a line of a table is not what its layout says.
var ErrTable = errors.New("bad table")

// maxLine bounds the memory of a load, whatever the input.
const maxLine = 64 << 10

// Load adds the interactions of a text table to a history, one line each, by
// [History.Add], and returns how many it added. Empty lines are passed over, a
// byte order mark too; lines are at most 64 KiB and end in \n or \r\n. The
// first line that cannot be read ends the load with a [*LoadError], which wraps
// [ErrTable] or the error of History.Add; the lines before it stay added.
func Load(h *History, r io.Reader, opts *LoadOptions) (rows int, err error) {
	l, err := opts.loader(h, r)
	if err != nil {
		return 0, err
	}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 4096), maxLine)
	for in.Scan() {
		l.line++
		text := in.Text()
		if l.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if l.Separator == "" && text != "" {
			l.Separator = separatorOf(text)
		}
		if text == "" || l.line == 1 && l.Header {
			continue
		}
		added, err := l.add(text)
		if err != nil {
			return rows, err
		}
		if added {
			rows++
		}
	}
	if err := in.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("%w: longer than 64 KiB", ErrTable)
		}
		return rows, &LoadError{Line: l.line + 1, Err: err}
	}
	return rows, nil
}

// loader is one call of Load.
type loader struct {
	LoadOptions
	h      *History
	line   int
	place  map[string]int // column of each name
	fields []string
}

func (o *LoadOptions) loader(h *History, r io.Reader) (*loader, error) {
	l := &loader{h: h, place: map[string]int{}}
	if o != nil {
		l.LoadOptions = *o
	}
	if len(l.Columns) == 0 {
		l.Columns = []string{"user", "item", "weight", "time"}
	}
	if l.At.IsZero() {
		l.At = time.Unix(0, 0).UTC()
	}
	if l.User == nil {
		l.User = userNumber
	}
	switch {
	case !h.made():
		return nil, badOption("Load", nil, "want a history of NewHistory")
	case r == nil:
		return nil, badOption("Load", nil, "the reader is nil")
	case strings.ContainsAny(l.Separator, "\"\r\n"):
		return nil, badOption("LoadOptions.Separator", l.Separator, "a quote and the end of a line separate nothing")
	case !(l.MinWeight >= 0 && l.MinWeight <= maxWeight):
		return nil, badOption("LoadOptions.MinWeight", l.MinWeight, "must be within 0 and 1e12")
	case !validTime(l.At):
		return nil, badOption("LoadOptions.At", l.At, "must be within the years 1 to 9999")
	}
	for i, name := range l.Columns {
		where := fmt.Sprintf("LoadOptions.Columns[%d]", i)
		switch name {
		case "":
			continue
		case "user", "item", "weight", "time":
		default:
			return nil, badOption(where, name, `want "user", "item", "weight", "time" or ""`)
		}
		if _, twice := l.place[name]; twice {
			return nil, badOption(where, name, "named twice")
		}
		l.place[name] = i
	}
	for _, name := range []string{"user", "item"} {
		if _, ok := l.place[name]; !ok {
			return nil, badOption("LoadOptions.Columns", strings.Join(l.Columns, ","), "wants a column "+name)
		}
	}
	return l, nil
}

func userNumber(id string) (uint32, error) {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%w: want a whole number from 1 to 4294967295", ErrTable)
	}
	return uint32(n), nil
}

func separatorOf(line string) string {
	for _, s := range []string{"::", "\t", ";"} {
		if strings.Contains(line, s) {
			return s
		}
	}
	return ","
}

// add reads one line and adds what it says.
func (l *loader) add(text string) (added bool, err error) {
	if err := l.split(text); err != nil {
		return false, l.fail("", text, err)
	}
	if len(l.fields) < len(l.Columns) {
		return false, l.fail("", text, fmt.Errorf("%w: %d fields, want %d", ErrTable, len(l.fields), len(l.Columns)))
	}
	weight := 1.0
	if i, ok := l.place["weight"]; ok {
		weight, err = strconv.ParseFloat(l.fields[i], 64)
		if err != nil || math.IsNaN(weight) || math.IsInf(weight, 0) {
			return false, l.fail("weight", l.fields[i], fmt.Errorf("%w: want a finite number", ErrTable))
		}
		if l.MinWeight > 0 && weight < l.MinWeight {
			return false, nil
		}
		if l.Alike {
			weight = 1
		}
	}
	at := l.At
	if i, ok := l.place["time"]; ok {
		if at, err = l.time(l.fields[i]); err != nil {
			return false, l.fail("time", l.fields[i], err)
		}
	}
	id := l.fields[l.place["user"]]
	user, err := l.User(id)
	if err != nil {
		return false, l.fail("user", id, err)
	}
	if err := l.h.Add(user, l.fields[l.place["item"]], weight, at); err != nil {
		for name, sentinel := range map[string]error{"user": ErrUser, "item": ErrItem, "weight": ErrWeight, "time": ErrTime} {
			if i, ok := l.place[name]; ok && errors.Is(err, sentinel) {
				return false, l.fail(name, l.fields[i], err)
			}
		}
		return false, l.fail("", text, err)
	}
	return true, nil
}

func (l *loader) fail(name, value string, err error) error {
	e := &LoadError{Line: l.line, Name: name, Value: value, Err: err}
	if name != "" {
		e.Column = l.place[name] + 1
	}
	if len(value) > 60 {
		n := 60
		for n > 57 && !utf8.RuneStart(value[n]) {
			n--
		}
		e.Value = value[:n]
	}
	return e
}

func (l *loader) time(text string) (time.Time, error) {
	if l.Layout != "" {
		at, err := time.Parse(l.Layout, text)
		if err != nil {
			return at, fmt.Errorf("%w: want the layout %q", ErrTable, l.Layout)
		}
		return at, nil
	}
	if sec, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(sec, 0).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Errorf("%w: want seconds since 1970 or RFC 3339", ErrTable)
	}
	return at, nil
}

// split cuts a line into its fields.
func (l *loader) split(text string) error {
	l.fields = l.fields[:0]
	if len(l.Separator) > 1 || !strings.Contains(text, `"`) {
		for field := range strings.SplitSeq(text, l.Separator) {
			l.fields = append(l.fields, field)
		}
		return nil
	}
	for {
		if !strings.HasPrefix(text, `"`) {
			field, rest, more := strings.Cut(text, l.Separator)
			l.fields = append(l.fields, field)
			if !more {
				return nil
			}
			text = rest
			continue
		}
		end := 1
		for {
			k := strings.IndexByte(text[end:], '"')
			if k < 0 {
				return fmt.Errorf("%w: a quote is not closed", ErrTable)
			}
			end += k + 1
			if !strings.HasPrefix(text[end:], `"`) {
				break
			}
			end++
		}
		l.fields = append(l.fields, strings.ReplaceAll(text[1:end-1], `""`, `"`))
		if text = text[end:]; text == "" {
			return nil
		}
		rest, ok := strings.CutPrefix(text, l.Separator)
		if !ok {
			return fmt.Errorf("%w: text after a closing quote", ErrTable)
		}
		text = rest
	}
}
