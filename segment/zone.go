package segment

import (
	"sync"
	"time"
)

// zones remembers time zones by name: loading one reads a file. Safe for
// concurrent use.
type zones struct{ byName sync.Map }

// location returns the named zone, and the given one for a name that is empty
// or unknown. "Local" is unknown: it is this machine's, not the user's.
func (z *zones) location(name string, otherwise *time.Location) *time.Location {
	if name == "" || name == "Local" {
		return otherwise
	}
	if l, ok := z.byName.Load(name); ok {
		if l == (*time.Location)(nil) {
			return otherwise
		}
		return l.(*time.Location)
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		l = nil
	}
	z.byName.Store(name, l)
	if l == nil {
		return otherwise
	}
	return l
}
