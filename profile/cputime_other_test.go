//go:build !unix

package profile

import "time"

var started = time.Now()

// cpuTime stands in for the processor time, which is not known here.
func cpuTime() time.Duration { return time.Since(started) }
