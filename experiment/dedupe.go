package experiment

import (
	"strconv"
	"sync"

	"github.com/zeebo/xxh3"
)

// Exposures tells first exposures from repeated ones, so that a page that is
// rendered a hundred times sends one event. It remembers hashes of at least the
// last Size assignments and at most twice as many, in about 40 bytes each. A
// repeated event does no harm to a [Readout], only costs; what is forgotten is
// sent again.
//
// The zero value is ready. Safe for concurrent use.
type Exposures struct {
	// Size is how many assignments to remember. Default: 100,000. Set it before
	// first use.
	Size int

	mu       sync.Mutex
	now, old map[uint64]struct{}
}

// First tells whether an assignment is to be sent as an exposure: it is in, and
// it was not asked about before.
func (x *Exposures) First(a Assignment) bool {
	if !a.In {
		return false
	}
	h := xxh3.HashString(a.Experiment + sep + a.Unit + sep + a.Arm + sep + strconv.Itoa(a.Epoch))
	size := x.Size
	if size <= 0 {
		size = 100_000
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	_, seen := x.now[h]
	if !seen {
		_, seen = x.old[h]
		if len(x.now) >= size || x.now == nil {
			x.old, x.now = x.now, make(map[uint64]struct{}, min(size, 1024))
		}
		x.now[h] = struct{}{}
	}
	return !seen
}
