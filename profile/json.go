package profile

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON (RFC 8259) straight into the flat fields of events, so
// that an event is decoded in one pass without an intermediate tree. The
// first error sticks. Strings without escapes are parts of the text.
type scanner struct {
	s   string
	i   int
	err *SyntaxError
	buf []byte
}

const maxDepth = 32

func (c *scanner) fail(at int, reason string) {
	if c.err == nil {
		c.err = &SyntaxError{Column: at + 1, Reason: reason}
	}
	c.i = len(c.s)
}

// peek skips white space and returns the next byte, 0 at the end.
func (c *scanner) peek() byte {
	for c.i < len(c.s) {
		switch b := c.s[c.i]; b {
		case ' ', '\t', '\r', '\n':
			c.i++
		default:
			return b
		}
	}
	return 0
}

func (c *scanner) unexpected(want string) {
	if c.peek() == 0 && c.i >= len(c.s) {
		c.fail(len(c.s), "ends early, want "+want)
		return
	}
	c.fail(c.i, "unexpected "+strconv.QuoteRune(firstRune(c.s[c.i:]))+", want "+want)
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// object calls f with each name of an object, at its value, which f must
// consume.
func (c *scanner) object(depth int, f func(name string)) {
	if c.peek() != '{' {
		c.unexpected("an object")
		return
	}
	if depth > maxDepth {
		c.fail(c.i, "nested more than 32 deep")
		return
	}
	c.i++
	if c.peek() == '}' {
		c.i++
		return
	}
	for c.err == nil {
		if c.peek() != '"' {
			c.unexpected("a name")
			return
		}
		name := c.str()
		if c.err != nil {
			return
		}
		if c.peek() != ':' {
			c.unexpected("':'")
			return
		}
		c.i++
		f(name)
		if c.err != nil {
			return
		}
		switch c.peek() {
		case ',':
			c.i++
		case '}':
			c.i++
			return
		default:
			c.unexpected("',' or '}'")
			return
		}
	}
}

// array calls f at each element, which f must consume.
func (c *scanner) array(depth int, f func()) {
	if c.peek() != '[' {
		c.unexpected("an array")
		return
	}
	if depth > maxDepth {
		c.fail(c.i, "nested more than 32 deep")
		return
	}
	c.i++
	if c.peek() == ']' {
		c.i++
		return
	}
	for c.err == nil {
		f()
		if c.err != nil {
			return
		}
		switch c.peek() {
		case ',':
			c.i++
		case ']':
			c.i++
			return
		default:
			c.unexpected("',' or ']'")
			return
		}
	}
}

// str reads a string.
func (c *scanner) str() string {
	if c.peek() != '"' {
		c.unexpected("a string")
		return ""
	}
	c.i++
	start := c.i
	ascii := true
	for i := start; i < len(c.s); i++ {
		switch b := c.s[i]; {
		case b == '"':
			c.i = i + 1
			s := c.s[start:i]
			if !ascii && !utf8.ValidString(s) {
				c.fail(start, "string is not UTF-8")
				return ""
			}
			return s
		case b == '\\':
			return c.escaped(start, i)
		case b < ' ':
			c.fail(i, "control character in a string")
			return ""
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	c.fail(len(c.s), "string without an end")
	return ""
}

// escaped reads the rest of a string that has an escape at i.
func (c *scanner) escaped(start, i int) string {
	b := append(make([]byte, 0, i-start+32), c.s[start:i]...)
	for i < len(c.s) {
		switch ch := c.s[i]; {
		case ch == '"':
			c.i = i + 1
			if !utf8.Valid(b) {
				c.fail(start, "string is not UTF-8")
				return ""
			}
			return string(b)
		case ch == '\\':
			if i+1 == len(c.s) {
				c.fail(len(c.s), "string without an end")
				return ""
			}
			i++
			switch e := c.s[i]; e {
			case '"', '\\', '/':
				b = append(b, e)
			case 'b':
				b = append(b, '\b')
			case 'f':
				b = append(b, '\f')
			case 'n':
				b = append(b, '\n')
			case 'r':
				b = append(b, '\r')
			case 't':
				b = append(b, '\t')
			case 'u':
				r, ok := c.hex4(i + 1)
				if !ok {
					c.fail(i, "bad \\u escape")
					return ""
				}
				i += 4
				if utf16.IsSurrogate(r) {
					low, ok := rune(0), false
					if i+2 < len(c.s) && c.s[i+1] == '\\' && c.s[i+2] == 'u' {
						low, ok = c.hex4(i + 3)
					}
					if d := utf16.DecodeRune(r, low); ok && d != utf8.RuneError {
						r = d
						i += 6
					} else {
						r = utf8.RuneError
					}
				}
				b = utf8.AppendRune(b, r)
			default:
				c.fail(i, "unknown escape "+strconv.QuoteRune(rune(e)))
				return ""
			}
			i++
		case ch < ' ':
			c.fail(i, "control character in a string")
			return ""
		default:
			b = append(b, ch)
			i++
		}
	}
	c.fail(len(c.s), "string without an end")
	return ""
}

func (c *scanner) hex4(i int) (rune, bool) {
	if i+4 > len(c.s) {
		return 0, false
	}
	var r rune
	for _, b := range []byte(c.s[i : i+4]) {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}

// number reads a number's text, and whether it is an integer.
func (c *scanner) number() (text string, integer bool) {
	start := c.i
	i := c.i
	digits := func() int {
		n := i
		for i < len(c.s) && c.s[i] >= '0' && c.s[i] <= '9' {
			i++
		}
		return i - n
	}
	if i < len(c.s) && c.s[i] == '-' {
		i++
	}
	zero := i < len(c.s) && c.s[i] == '0'
	if n := digits(); n == 0 || zero && n > 1 {
		c.fail(start, "bad number")
		return "", false
	}
	integer = true
	if i < len(c.s) && c.s[i] == '.' {
		i++
		integer = false
		if digits() == 0 {
			c.fail(start, "bad number")
			return "", false
		}
	}
	if i < len(c.s) && (c.s[i] == 'e' || c.s[i] == 'E') {
		i++
		integer = false
		if i < len(c.s) && (c.s[i] == '+' || c.s[i] == '-') {
			i++
		}
		if digits() == 0 {
			c.fail(start, "bad number")
			return "", false
		}
	}
	c.i = i
	return c.s[start:i], integer
}

func (c *scanner) literal(word string) {
	if !strings.HasPrefix(c.s[c.i:], word) {
		c.unexpected("a value")
		return
	}
	c.i += len(word)
}

// scalar reads a value that is neither an object nor an array. A number that
// no field can hold is left as json.Number.
func (c *scanner) scalar() any {
	switch b := c.peek(); {
	case b == '"':
		return c.str()
	case b == 't':
		c.literal("true")
		return true
	case b == 'f':
		c.literal("false")
		return false
	case b == 'n':
		c.literal("null")
		return nil
	case b == '-' || b >= '0' && b <= '9':
		text, integer := c.number()
		if c.err != nil {
			return nil
		}
		if integer {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return n
			}
		} else if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
		return json.Number(text)
	}
	c.unexpected("a value")
	return nil
}

// skip reads a value and forgets it.
func (c *scanner) skip(depth int) {
	switch c.peek() {
	case '{':
		c.object(depth, func(string) { c.skip(depth + 1) })
	case '[':
		c.array(depth, func() { c.skip(depth + 1) })
	default:
		c.scalar()
	}
}

// fields reads an object into m, with nested objects flattened; every name is
// prefixed.
func (c *scanner) fields(m map[string]any, prefix string, depth int) {
	c.object(depth, func(name string) { c.field(m, c.name(prefix, name), depth) })
}

// field reads a value into m.
func (c *scanner) field(m map[string]any, name string, depth int) {
	switch c.peek() {
	case '{':
		c.fields(m, name+".", depth+1)
	case '[':
		m[name] = c.list(depth + 1)
	default:
		m[name] = c.scalar()
	}
}

// list reads an array: []string, []map[string]any with flat elements, or
// []any for what no field can hold.
func (c *scanner) list(depth int) any {
	var texts []string
	var objects []map[string]any
	var rest []any
	n := 0
	c.array(depth, func() {
		switch c.peek() {
		case '"':
			texts = append(texts, c.str())
		case '{':
			m := make(map[string]any)
			c.fields(m, "", depth+1)
			objects = append(objects, m)
		default:
			c.skip(depth + 1)
			rest = append(rest, nil)
		}
		n++
	})
	switch {
	case n == len(texts):
		if texts == nil {
			texts = []string{}
		}
		return texts
	case n == len(objects):
		return objects
	}
	return rest
}

// name joins a prefix and a name, without allocation for the common ones.
func (c *scanner) name(prefix, name string) string {
	if prefix == "" {
		return name
	}
	c.buf = append(append(c.buf[:0], prefix...), name...)
	switch string(c.buf) {
	case "context.ip":
		return "context.ip"
	case "context.userAgent":
		return "context.userAgent"
	case "context.locale":
		return "context.locale"
	case "context.timezone":
		return "context.timezone"
	case "context.page":
		return "context.page"
	case "context.page.url":
		return "context.page.url"
	case "context.page.path":
		return "context.page.path"
	case "context.page.title":
		return "context.page.title"
	case "context.page.search":
		return "context.page.search"
	case "context.page.referrer":
		return "context.page.referrer"
	case "context.campaign":
		return "context.campaign"
	case "context.campaign.source":
		return "context.campaign.source"
	case "context.campaign.medium":
		return "context.campaign.medium"
	case "context.campaign.name":
		return "context.campaign.name"
	case "context.campaign.term":
		return "context.campaign.term"
	case "context.campaign.content":
		return "context.campaign.content"
	case "context.library":
		return "context.library"
	case "context.library.name":
		return "context.library.name"
	case "context.library.version":
		return "context.library.version"
	}
	return string(c.buf)
}

// end requires that nothing follows.
func (c *scanner) end() {
	if c.err == nil && c.peek() != 0 {
		c.fail(c.i, "something follows the event")
	}
	if c.err == nil && c.i < len(c.s) {
		c.fail(c.i, "unexpected character NUL")
	}
}
