package journal

import (
	"context"
	"errors"
)

// Truncate is being written.
func (j *Journal) Truncate(before uint64) error { return errors.ErrUnsupported }

// Compact is being written.
func (j *Journal) Compact(ctx context.Context) error { return errors.ErrUnsupported }
