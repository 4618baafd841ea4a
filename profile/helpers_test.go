package profile

import (
	"errors"
	"strings"
)

func isErased(err error) bool { return errors.Is(err, ErrErased) }

func cutKey(key string) (kind, value string) {
	kind, value, _ = strings.Cut(key, ":")
	return kind, value
}
