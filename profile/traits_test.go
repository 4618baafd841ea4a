package profile

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each of many traits is found again, whatever the order in which persons come
// to have them: every other one has a window.
func TestManyTraits(t *testing.T) {
	const n = 200
	o := Options{}
	for i := range n {
		x := Trait{Name: fmt.Sprint("trait ", i), Kind: Count, Events: []string{fmt.Sprint("event ", i)}}
		if i%2 == 1 {
			x.Window = time.Hour
		}
		o.Traits = append(o.Traits, x)
	}
	s := newTest(t, o)
	r := rand.New(rand.NewPCG(3, 5))
	want := map[int]int64{}
	var user uint32
	for k := range 3 * n {
		i := r.IntN(n)
		want[i]++
		e := event(fmt.Sprint("event ", i), epoch, ann)
		e.ID = fmt.Sprint(k)
		user = s.must(t, e).User
	}
	p, _ := s.Profile(user)
	require.Len(t, p.Attributes, len(want))
	for i := range n {
		got, ok := s.Attribute(user, fmt.Sprint("trait ", i))
		require.Equal(t, want[i] > 0, ok)
		if ok {
			require.Equal(t, want[i], got)
		}
	}
	require.NoError(t, s.Advance(epoch.Add(time.Hour), nil))
	for i := range n {
		_, ok := s.Attribute(user, fmt.Sprint("trait ", i))
		require.Equal(t, want[i] > 0 && i%2 == 0, ok)
	}
}
