package journal

import (
	"fmt"
	"runtime/debug"
	"strconv"
)

// guard runs f, which reads memory that is mapped from a file. A file that
// was cut or overwritten while it is open makes bbolt panic or the memory
// fault; both become ErrCorrupt.
func guard(name string, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &Error{File: name, Offset: -1, Reason: fmt.Sprintf("reading the file failed: %v", p), Err: ErrCorrupt}
		}
	}()
	return f()
}

func quote(s string) string { return strconv.Quote(s) }
