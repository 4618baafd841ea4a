//go:build unix

package profile

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time that this process has used. Benchmarks of
// what one core does go by it, so that what else runs on the machine counts
// less.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
