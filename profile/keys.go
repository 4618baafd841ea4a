package profile

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// cleanKey returns a key as the store compares it, and what is wrong with it
// otherwise: blocked reports a value that identifies nobody.
func (s *Store) cleanKey(k Key) (clean Key, blocked, ok bool) {
	kind, v := strings.TrimSpace(k.Kind), strings.TrimSpace(k.Value)
	if kind == "" || len(kind) > maxName || len(v) > maxKey || !utf8.ValidString(kind) || !utf8.ValidString(v) {
		return Key{}, false, false
	}
	v, _ = composed(v)
	if len(v) > maxKey {
		return Key{}, false, false
	}
	if s.isBlocked(v) {
		return Key{}, true, false
	}
	switch kind {
	case Email:
		v, ok = cleanEmail(v)
	case Phone:
		v, ok = s.norm.phone(v)
	default:
		ok = true
	}
	if ok && slices.ContainsFunc(s.opts.BlockedPatterns, func(p *regexp.Regexp) bool { return p.MatchString(v) }) {
		return Key{}, true, false
	}
	return Key{kind, v}, false, ok
}

func (s *Store) isBlocked(v string) bool {
	if strings.Trim(v, "0-") == "" {
		return true
	}
	if len(v) > s.longestBlocked {
		return false
	}
	if _, yes := s.blocked[v]; yes {
		return true
	}
	_, yes := s.blocked[strings.ToLower(v)]
	return yes
}

// cleanEmail lowers an address and requires something on both sides of its
// last @.
func cleanEmail(v string) (string, bool) {
	at := strings.LastIndexByte(v, '@')
	if at < 1 || at == len(v)-1 || strings.ContainsAny(v, " \t\r\n") {
		return "", false
	}
	return strings.ToLower(v), true
}

// cleanPhone keeps the digits and a leading +, which 00 stands for too. Five
// to fifteen digits are a number.
func cleanPhone(v string) (string, bool) {
	b := make([]byte, 0, len(v)+1)
	digits, zeros := 0, 0
	for i := range len(v) {
		switch c := v[i]; {
		case c >= '0' && c <= '9':
			b = append(b, c)
			digits++
			if c == '0' {
				zeros++
			}
		case c == '+' && len(b) == 0:
			b = append(b, c)
		case c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/' || c == '\t':
		default:
			return "", false
		}
	}
	if len(b) > 2 && b[0] == '0' && b[1] == '0' {
		b = append([]byte{'+'}, b[2:]...)
		digits -= 2
		zeros -= 2
	}
	if digits < 5 || digits > 15 || digits == zeros {
		return "", false
	}
	return string(b), true
}
