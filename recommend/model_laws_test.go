package recommend

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/laws"
)

func TestModelLaws(t *testing.T) {
	laws.CheckBytes(t, laws.BytesSpec[*Model]{
		New: func() *Model { return new(Model) },
		Draw: func(r *rand.Rand) *Model {
			h, err := NewHistory(nil)
			require.NoError(t, err)
			items := 3 + r.IntN(8)
			for range 8 + r.IntN(40) {
				require.NoError(t, h.Add(uint32(1+r.IntN(9)), strconv.Itoa(r.IntN(items)), 1, day0.Add(time.Duration(r.IntN(9))*time.Hour)))
			}
			fit := func() (*Model, error) { return FitItemKNN(context.Background(), h, nil) }
			if r.IntN(2) == 0 {
				fit = func() (*Model, error) { return FitEASE(context.Background(), h, nil) }
			}
			m, err := fit()
			require.NoError(t, err)
			return m
		},
	})
}
