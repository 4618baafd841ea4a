package segment

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzRule: whatever is given as a rule is an answer or a placed error, and a
// rule that is accepted means what its canonical spelling means.
func FuzzRule(f *testing.F) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(doc)) {
		if text, ok := strings.CutPrefix(line, "//\t"); ok {
			rule, _, _ := strings.Cut(text, "//")
			f.Add(rule)
		}
	}
	w := &writer{source: rand.New(rand.NewPCG(1, 2))}
	for range 50 {
		f.Add(w.rule())
	}
	for _, s := range []string{"", "(", "a.", "#", ".x", "ltv in", "ltv ..", "not", "sequence()", "x?.y", "[1,[2]]", "ltv | abs", "if a {b} else {c}", "\x00", "1 == 1", "nil == nil", "$env", "first(tags)", "#index"} {
		f.Add(s)
	}
	x := documented(f)
	f.Fuzz(func(t *testing.T, rule string) {
		got, err := x.Query(rule)
		var e *RuleError
		if err != nil {
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("%q: %v", rule, err)
			}
			return
		}
		a, err := x.Define("fuzz", rule)
		if err != nil {
			t.Fatalf("%q can be asked but not defined: %v", rule, err)
		}
		members, _ := x.Members("fuzz")
		if !members.Equals(got) {
			t.Fatalf("%q: members %v, query %v", rule, members, got)
		}
		again, err := x.Query(a.Normal)
		if errors.Is(err, ErrLimit) {
			return // spelled out, it may be too long
		}
		if err != nil || !again.Equals(got) {
			t.Fatalf("%q: %v, its canonical spelling %q: %v, %v", rule, got, a.Normal, again, err)
		}
		if err := x.Remove("fuzz"); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzUnmarshal: damaged bytes are an error that leaves the index as it was.
func FuzzUnmarshal(f *testing.F) {
	source := lawIndex(f, Options{})
	now := at("2026-01-01T00:00:00Z")
	for i := range 5 {
		_ = source.Update(uint32(i+1), map[string]any{"n": i, "s": "u", "tags": []string{"a"}, "t": now}, now.Add(time.Duration(i)*time.Minute))
		_ = source.Observe(uint32(i+1), "A", map[string]any{"x": i, "products": []map[string]any{{"p": 1}}}, now)
	}
	data, err := source.AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte("zhun"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := lawIndex(t, Options{})
		if err := x.Update(9, map[string]any{"n": 4, "s": "u"}, now); err != nil {
			t.Fatal(err)
		}
		if err := x.UnmarshalBinary(data); err != nil {
			if !x.Contains("rich", 9) {
				t.Fatal("a failed UnmarshalBinary changed the index")
			}
			return
		}
		again, err := x.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.UnmarshalBinary(again); err != nil {
			t.Fatalf("own bytes are refused: %v", err)
		}
		if err := x.Advance(now.AddDate(0, 1, 0)); err != nil {
			t.Fatal(err)
		}
	})
}
