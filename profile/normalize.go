package profile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/zhun-go/zhun/internal/value"
)

// FieldKind says what a declared field holds, see [Options].Schema.
type FieldKind uint8

// The kinds of declared fields. A value of another form is repaired where it
// can be, and dropped otherwise.
const (
	NumberField   FieldKind = iota + 1 // a number; texts such as "1,234.50", "1 234,5" and "12" are read as one
	BoolField                          // true and false; "true", "yes", "1", "on" and their opposites are read as one
	TextField                          // a text; numbers and bools are written out
	TimeField                          // a time; texts in RFC 3339 or "2006-01-02", and Unix seconds, are read as one
	EmailField                         // an address as in keys of kind "email"
	PhoneField                         // a number as in keys of kind "phone"
	CountryField                       // a country as ISO 3166 alpha-2; alpha-3 codes and usual names are read as one
	CurrencyField                      // a currency as ISO 4217
)

// MissingValues are the texts that stand for no value, compared without
// regard to case and surrounding spaces.
func MissingValues() []string {
	return []string{"", "null", "(null)", "undefined", "nan", "n/a", "#n/a", "(not set)"}
}

// normalizer brings texts and declared fields into one form. Immutable.
type normalizer struct {
	schema     map[string]FieldKind
	within     map[string]bool // what declared names begin with, up to one of their dots
	missing    map[string]bool
	longest    int
	begins     [256]bool         // how a missing value may begin, spaces included
	countries  map[string]string // alpha-2 by folded code or name
	calling    map[string]string // by alpha-2
	currencies map[string]bool
	home       string // the calling code of Options.PhoneCountry
	trunk      string // what stands before national numbers there
}

func newNormalizer(o *Options) (normalizer, error) {
	n := normalizer{schema: maps.Clone(o.Schema), missing: make(map[string]bool), within: make(map[string]bool)}
	for _, f := range slices.Sorted(maps.Keys(o.Schema)) {
		if k := o.Schema[f]; k < NumberField || k > CurrencyField {
			return n, optionError(fmt.Sprintf("Schema[%q]", f), k, "unknown")
		}
		for i := range len(f) {
			if f[i] == '.' {
				n.within[f[:i]] = true
			}
		}
	}
	missing := o.Missing
	if missing == nil {
		missing = MissingValues()
	}
	for _, m := range missing {
		m = strings.ToLower(strings.TrimSpace(m))
		n.missing[m] = true
		n.longest = max(n.longest, len(m))
		if m != "" {
			n.begins[m[0]], n.begins[strings.ToUpper(m)[0]] = true, true
		}
	}
	if len(o.Schema) == 0 && o.PhoneCountry == "" {
		return n, nil
	}
	n.countries, n.calling, n.currencies = make(map[string]string), make(map[string]string), make(map[string]bool)
	for line := range strings.Lines(countryTable) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		for i, p := range parts {
			if i != 2 {
				n.countries[folded(p)] = parts[0]
			}
		}
		n.calling[parts[0]] = parts[2]
	}
	for c := range strings.FieldsSeq(currencyTable) {
		n.currencies[c] = true
	}
	if o.PhoneCountry != "" {
		home, ok := n.countries[folded(o.PhoneCountry)]
		if n.home = n.calling[home]; !ok || n.home == "" {
			return n, optionError("PhoneCountry", o.PhoneCountry, "not a country with telephones")
		}
		n.trunk = "0"
		switch n.home {
		case "1", "7":
			n.trunk = map[string]string{"1": "1", "7": "8"}[n.home]
		case "39", "378": // the zero is part of the number
			n.trunk = ""
		case "34", "45", "47", "48", "30", "351", "352", "356", "357", "370", "371", "372", "420", "65", "852", "853":
			n.trunk = ""
		}
	}
	return n, nil
}

// folded returns a name for comparison: letters and digits without accents,
// in lower case, "&" as "and", "St." as "saint", without "the".
func folded(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case r == '&':
			b.WriteString(" and ")
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r) || r == '.' || r == '\'' || r == '’':
		default:
			b.WriteByte(' ')
		}
	}
	words := strings.Fields(b.String())
	out := words[:0]
	for _, w := range words {
		switch w {
		case "the":
		case "st":
			out = append(out, "saint")
		default:
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// composed returns a text in Unicode's normal form C and whether it was in
// another.
func composed(s string) (string, bool) {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			if norm.NFC.IsNormalString(s) {
				return s, false
			}
			return norm.NFC.String(s), true
		}
	}
	return s, false
}

func (n *normalizer) isMissing(s string) bool {
	if len(s) > n.longest+16 || len(s) > 0 && s[0] > ' ' && s[0] < utf8.RuneSelf && !n.begins[s[0]] {
		return false
	}
	if t := strings.TrimSpace(s); len(t) <= n.longest {
		return n.missing[t] || n.missing[strings.ToLower(t)]
	}
	return false
}

// field returns a value in the form declared for its field; changed reports
// that it had another, ok that it could be brought into it.
func (n *normalizer) field(kind FieldKind, v any) (out any, changed, ok bool) {
	s, isText := v.(string)
	switch kind {
	case NumberField:
		switch v.(type) {
		case int64, float64:
			return v, false, true
		}
		if isText {
			out, ok = number(s)
		}
		return out, true, ok
	case BoolField:
		if _, is := v.(bool); is {
			return v, false, true
		}
		return boolean(v)
	case TextField:
		switch x := v.(type) {
		case string:
			return x, false, true
		case int64:
			return strconv.FormatInt(x, 10), true, true
		case float64:
			return strconv.FormatFloat(x, 'f', -1, 64), true, true
		case bool:
			return strconv.FormatBool(x), true, true
		}
		return nil, false, false
	case TimeField:
		if _, is := v.(time.Time); is {
			return v, false, true
		}
		return moment(v)
	}
	if !isText {
		if i, whole := v.(int64); whole && kind == PhoneField {
			s = strconv.FormatInt(i, 10)
		} else {
			return nil, false, false
		}
	}
	clean := ""
	switch kind {
	case EmailField:
		clean, ok = cleanEmail(strings.TrimSpace(s))
	case PhoneField:
		clean, ok = n.phone(s)
	case CountryField:
		clean, ok = n.countries[folded(s)]
	default:
		clean = strings.ToUpper(strings.TrimSpace(s))
		ok = n.currencies[clean]
	}
	return clean, any(clean) != v, ok
}

// phone is cleanPhone with the calling code of the host's country before
// national numbers.
func (n *normalizer) phone(v string) (string, bool) {
	v, ok := cleanPhone(v)
	if !ok || n.home == "" || v[0] == '+' {
		return v, ok
	}
	v = "+" + n.home + strings.TrimPrefix(v, n.trunk)
	return v, len(v) <= 16
}

// number reads a text as a number. Spaces and apostrophes group digits, and
// so do the commas or points that come before another separator or several
// times; a comma alone before exactly three digits groups too.
func number(s string) (any, bool) {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '\'' || r == '’' {
			return -1
		}
		return r
	}, s)
	comma, point := strings.LastIndexByte(s, ','), strings.LastIndexByte(s, '.')
	switch commas, points := strings.Count(s, ","), strings.Count(s, "."); {
	case len(s) == 0 || len(s) > 64 || strings.ContainsAny(s, "_xXpPiIaA") || commas > 1 && points > 1:
		return nil, false
	case commas > 0 && points > 0 && comma < point, commas > 1, commas == 1 && points == 0 && len(s)-comma == 4:
		if commas > 1 && points == 1 && point < comma {
			return nil, false
		}
		s = strings.ReplaceAll(s, ",", "")
	case points > 1 || points > 0 && commas > 0:
		s = strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), ",", ".")
	default:
		s = strings.Replace(s, ",", ".", 1)
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i, i >= -value.MaxInt && i <= value.MaxInt
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && f-f == 0
}

func boolean(v any) (out any, changed, ok bool) {
	text := ""
	switch x := v.(type) {
	case string:
		text = strings.ToLower(strings.TrimSpace(x))
	case int64:
		text = strconv.FormatInt(x, 10)
	}
	switch text {
	case "true", "yes", "1", "on", "y", "t":
		return true, true, true
	case "false", "no", "0", "off", "n", "f":
		return false, true, true
	}
	return nil, false, false
}

func moment(v any) (out any, changed, ok bool) {
	var t time.Time
	switch x := v.(type) {
	case int64:
		t = time.Unix(x, 0).UTC()
	case string:
		for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
			var err error
			if t, err = time.Parse(form, strings.TrimSpace(x)); err == nil {
				break
			}
		}
	}
	return t.UTC(), true, usable(t)
}

// normalized brings a clean field into the store's form and reports whether it
// had another, and whether there is anything left to hold. What it is given is
// not changed.
func (s *Store) normalized(name string, v any) (out any, changed, ok bool) {
	switch x := v.(type) {
	case string:
		if s.norm.isMissing(x) {
			s.counts.FieldsMissing++
			return nil, true, false
		}
		if x, changed = composed(x); changed {
			s.counts.FieldsRepaired++
			v = x
		}
	case []string:
		v, changed = s.normalizedTexts(x)
	case []map[string]any:
		v, changed = s.normalizedObjects(name, x)
	}
	if len(s.norm.schema) == 0 {
		return v, changed, true
	}
	kind, declared := s.norm.schema[name]
	if !declared || v == nil {
		return v, changed, true
	}
	out, repaired, ok := s.norm.field(kind, v)
	switch {
	case !ok:
		s.counts.FieldsUnfit++
		return nil, true, false
	case repaired:
		s.counts.FieldsRepaired++
	}
	return out, changed || repaired, true
}

func (s *Store) normalizedTexts(list []string) (out []string, changed bool) {
	for i, x := range list {
		if c, repaired := composed(x); repaired {
			if s.counts.FieldsRepaired++; !changed {
				list, changed = slices.Clone(list), true
			}
			list[i] = c
		}
	}
	return list, changed
}

// normalizedObjects does the same for the fields of a list's objects, whose
// names follow that of the list.
func (s *Store) normalizedObjects(name string, list []map[string]any) (out []map[string]any, changed bool) {
	declared := s.norm.within[name]
	for i, m := range list {
		mine := false
		for k, v := range m {
			full := ""
			if declared {
				full = name + "." + k
			}
			clean, repaired, ok := s.normalized(full, v)
			if !repaired {
				continue
			}
			if !changed {
				list, changed = slices.Clone(list), true
			}
			if !mine {
				list[i], mine = maps.Clone(m), true
			}
			if list[i][k] = clean; !ok {
				delete(list[i], k)
			}
		}
	}
	return list, changed
}
