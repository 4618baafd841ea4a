//go:build unix && !linux

package journal

import (
	"errors"
	"testing"
)

func dirty(string) (int, error) { return 0, errors.ErrUnsupported }

func dirtyWorks(testing.TB) bool { return false }
