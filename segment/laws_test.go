package segment

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zhun-go/zhun/internal/laws"
)

// lawIndex is an index with some of everything: each kind, audiences with
// windows, references and the clock.
func lawIndex(t testing.TB, opts Options) *Index {
	t.Helper()
	opts.Events = map[string]Schema{
		"A": {"x": Number, "y": String, "flag": Bool, "at": Time, "products": Objects, "products.p": Number, "products.c": String, "list": Strings},
		"B": {"x": Number, "objects": Objects},
		"C": {},
	}
	x, err := NewIndex(Schema{"n": Number, "s": String, "b": Bool, "t": Time, "tags": Strings, "any": Any}, &opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range [][2]string{
		{"rich", `n >= 3 and s in ["u", "v"]`},
		{"not rich", `not segment("rich")`},
		{"often", `count(events("A", "1h"), .x > 1) >= 2`},
		{"sum", `sum(events("A", "2h"), .x) > 3 or any(events("B", "1d"), .x == nil)`},
		{"quiet", `len(events("C", "30m")) == 0 and t < ago("10m")`},
	} {
		if _, err := x.Define(d[0], d[1]); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func anyValue(r *rand.Rand) any {
	switch r.IntN(10) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return []string{"u", "v", "w"}[r.IntN(3)]
	case 3:
		return lawTime(r)
	case 4:
		return []string{"u", "v"}[:r.IntN(3)]
	case 5:
		return []map[string]any{{"p": r.IntN(3), "c": "u", "other": 1.5}, {"p": 2.5}, {"c": 7}}[:r.IntN(4)]
	case 6:
		return float64(r.IntN(8)) / 2
	}
	return r.IntN(5)
}

func lawTime(r *rand.Rand) time.Time {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(40)) * 10 * time.Minute)
	if r.IntN(4) == 0 {
		at = at.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
	}
	return at
}

func TestLaws(t *testing.T) {
	for name, opts := range map[string]Options{"declared": {}, "dynamic": {Dynamic: true}, "manual": {Clock: Manual}} {
		t.Run(name, func(t *testing.T) {
			laws.CheckView(t, laws.ViewSpec[*Index]{
				New: func() *Index { return lawIndex(t, opts) },
				Row: func(r *rand.Rand) laws.Row {
					row := laws.Row{User: 1 + uint32(r.IntN(4)), At: lawTime(r), Fields: map[string]any{}}
					names := []string{"n", "s", "b", "t", "tags", "any", "unknown"}
					if r.IntN(2) == 0 {
						row.Event = []string{"A", "B", "C", "D"}[r.IntN(4)]
						names = []string{"x", "y", "flag", "at", "products", "list", "objects", "unknown"}
					}
					for range r.IntN(4) {
						row.Fields[names[r.IntN(len(names))]] = anyValue(r)
					}
					return row
				},
				Rounds: 60,
			})
		})
	}
}
