package expiry_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/expiry"
)

func TestDueIsWhoeverIsNotedBeforeTheHorizon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type note struct {
			user uint32
			at   int64
		}
		var q expiry.Queue
		var notes []note
		horizon := int64(0)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "note") {
				n := note{rapid.Uint32Range(1, 5).Draw(t, "user"), rapid.Int64Range(0, 40).Draw(t, "at")}
				notes = append(notes, n)
				q.Note(n.user, n.at)
				continue
			}
			horizon += rapid.Int64Range(0, 5).Draw(t, "step")
			var want []uint32
			notes = slices.DeleteFunc(notes, func(n note) bool {
				if n.at <= horizon {
					want = append(want, n.user)
				}
				return n.at <= horizon
			})
			slices.Sort(want)
			require.Equal(t, slices.Compact(want), q.Due(horizon))
		}
		q.Clear()
		require.Empty(t, q.Due(1<<40))
	})
}
