package ids_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/ids"
)

func TestCompareOrdersDigitsAsNumbers(t *testing.T) {
	names := []string{"10", "9", "b", "100", "", "a", "aa"}
	slices.SortFunc(names, ids.Compare)
	require.Equal(t, []string{"", "9", "a", "b", "10", "aa", "100"}, names)
}

func TestDictSortedLeavesNoGarbageAndForgetsArrival(t *testing.T) {
	var a, b ids.Dict
	for _, n := range []string{"10", "unused", "9", "x"} {
		a.ID(n)
	}
	for _, n := range []string{"x", "9", "10"} {
		b.ID(n)
	}
	unused, _ := a.Lookup("unused")
	an, rank := a.Sorted(func(id uint32) bool { return id != unused })
	bn, _ := b.Sorted(nil)
	require.Equal(t, bn, an)
	require.Equal(t, -1, rank[unused])
	for i, n := range an {
		id, ok := a.Lookup(n)
		require.True(t, ok)
		require.Equal(t, i, rank[id])
		require.Equal(t, n, a.Name(id))
		found, ok := a.Find([]byte(n))
		require.True(t, ok)
		require.Equal(t, id, found)
	}
	_, ok := a.Find([]byte("never"))
	require.False(t, ok)
	c := a.Clone()
	c.ID("new")
	require.Equal(t, 4, a.Len())
	require.Equal(t, 5, c.Len())
}
