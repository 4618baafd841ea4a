package experiment

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSwitchback(t *testing.T) {
	arms := []Arm{{"a", 1}, {"b", 1}}
	e := mustNew(t, "surge", arms, &Options{Period: 3 * time.Hour, Traffic: .8, Forced: map[string]string{"test city": "b"}})
	for city := range 30 {
		unit := fmt.Sprint("city-", city)
		_, in := e.Assign(unit)
		count := map[string]int{}
		const periods = 400
		for p := range periods {
			start := day0.Add(time.Duration(p) * 3 * time.Hour)
			a, err := e.Decide(Subject{Unit: unit, At: start})
			require.NoError(t, err)
			require.Equal(t, in, a.In, "a city takes part always or never")
			require.Equal(t, unit+"@"+start.Format(time.RFC3339), a.Unit)
			same, err := e.Decide(Subject{Unit: unit, At: start.Add(3*time.Hour - 1).In(time.FixedZone("", 3600))})
			require.NoError(t, err)
			require.Equal(t, a, same)
			count[a.Arm]++
		}
		if in {
			require.InDelta(t, periods/2, count["a"], 4*math.Sqrt(periods)/2)
		}
	}
	forced, err := e.Decide(Subject{Unit: "test city"})
	require.NoError(t, err)
	require.Equal(t, "b", forced.Arm)
	_, err = e.Decide(Subject{Unit: "city-1"})
	require.ErrorIs(t, err, ErrTime)
	_, err = New("k", arms, &Options{Period: time.Millisecond})
	require.ErrorIs(t, err, ErrInvalid)
	data, err := e.MarshalJSON()
	require.NoError(t, err)
	back, err := Parse(data, nil)
	require.NoError(t, err)
	again, err := back.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, string(data), string(again))
	require.Contains(t, string(data), `"period":"3h0m0s"`)
	_, err = Parse([]byte(`{"key":"k","arms":[{"name":"a"}],"period":"soon"}`), nil)
	require.ErrorIs(t, err, ErrInvalid)
}

type counting struct {
	Sticky
	saves int
}

func (c *counting) Load(string, string) (Memory, bool, error) { return Memory{}, false, nil }
func (c *counting) Save(string, string, Memory) error         { c.saves++; return nil }

func TestPeekRemembersNothing(t *testing.T) {
	s := new(counting)
	e := mustNew(t, "k", []Arm{{"a", 1}, {"b", 1}}, &Options{Sticky: s})
	seen, err := e.Peek(Subject{Unit: "7"})
	require.NoError(t, err)
	require.Zero(t, s.saves)
	got, err := e.Decide(Subject{Unit: "7"})
	require.NoError(t, err)
	require.Equal(t, seen, got)
	require.Equal(t, 1, s.saves)
}

func TestExposures(t *testing.T) {
	x := &Exposures{Size: 100}
	of := func(i int) Assignment { return Assignment{Experiment: "e", Unit: fmt.Sprint(i), Arm: "a", In: true} }
	require.False(t, x.First(Assignment{Experiment: "e", Unit: "7"}), "nobody is exposed who is not in")
	for i := range 1000 {
		require.True(t, x.First(of(i)))
		for back := range min(i, 99) {
			require.False(t, x.First(of(i-back)))
		}
		require.LessOrEqual(t, len(x.now)+len(x.old), 200)
	}
	other := of(999)
	other.Arm = "b"
	require.True(t, x.First(other))
	other.Epoch = 1
	require.True(t, x.First(other))

	var zero Exposures
	var wait sync.WaitGroup
	var mu sync.Mutex
	firsts := 0
	for range 4 {
		wait.Go(func() {
			for i := range 500 {
				if zero.First(of(i)) {
					mu.Lock()
					firsts++
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
	require.Equal(t, 500, firsts)
}

// A pause lets in nobody but testers: not even those who were in before.
func TestPauseAndMemory(t *testing.T) {
	s := &shelf{m: map[string]Memory{}}
	arms := []Arm{{"a", 1}, {"b", 1}}
	a, err := mustNew(t, "k", arms, &Options{Sticky: s}).Decide(Subject{Unit: "x"})
	require.NoError(t, err)
	require.True(t, a.In)
	e := mustNew(t, "k", arms, &Options{Sticky: s, Paused: true, Forced: map[string]string{"tester": "b"}})
	a, err = e.Decide(Subject{Unit: "x"})
	require.NoError(t, err)
	require.Equal(t, NoTraffic, a.Reason)
	a, err = e.Decide(Subject{Unit: "tester"})
	require.NoError(t, err)
	require.Equal(t, [2]string{"b", string(Forced)}, [2]string{a.Arm, string(a.Reason)})
}
