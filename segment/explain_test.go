package segment

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestExplained: what Explain says that a condition compares is what a question
// about it finds, for random rules and rows.
func TestExplained(t *testing.T) {
	s := rand.New(rand.NewPCG(11, 5))
	seen := map[string]int{}
	for range 60 {
		x, err := NewIndex(modelSchema, &Options{Events: modelEvents})
		require.NoError(t, err)
		for user := uint32(1); user < 6; user++ {
			for range s.IntN(6) {
				event := pick(s, "A", "B", "C")
				require.NoError(t, x.Observe(user, event, fieldsOf(s, event, false), modelEpoch.Add(time.Duration(s.IntN(300))*10*time.Minute)))
			}
			require.NoError(t, x.Update(user, attributesOf(s, false), modelEpoch))
		}
		require.NoError(t, x.Advance(modelEpoch.Add(30*time.Hour)))
		w := &writer{source: s}
		for range 8 {
			rule := w.rule()
			define(t, x, "a", rule)
			for _, user := range x.Users().ToArray() {
				e, err := x.Explain("a", user)
				require.NoError(t, err)
				require.Equal(t, x.Contains("a", user), e.Rule.Holds)
				checkExplained(t, x, user, e.Rule, seen)
			}
		}
	}
	for _, kind := range []string{"float64", "string", "bool", "time.Time", "<nil>"} {
		require.Greater(t, seen[kind], 20, "%s: %v", kind, seen)
	}
}

func checkExplained(t *testing.T, x *Index, user uint32, c Condition, seen map[string]int) {
	t.Helper()
	for _, p := range c.Parts {
		checkExplained(t, x, user, p, seen)
	}
	if c.Subject == "" {
		return
	}
	subject := "(" + c.Subject + ")"
	question := subject + " == nil"
	switch v := c.Value.(type) {
	case float64:
		question = subject + " == " + strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		question = subject + " == " + strconv.Quote(v)
	case bool:
		question = fmt.Sprint(subject, " == ", v)
	case time.Time:
		question = fmt.Sprintf("%s == date(%q)", subject, v.Format(time.RFC3339Nano))
	case []string:
		question = fmt.Sprint("len(", subject, ") == ", len(v))
	}
	seen[fmt.Sprintf("%T", c.Value)]++
	users, err := x.Query(question)
	require.NoError(t, err, "%s of %s", question, c.Text)
	require.True(t, users.Contains(user), "user %d: %s of %s", user, question, c.Text)
}

func TestExplainedText(t *testing.T) {
	x := shop(t, nil)
	now := at("2026-01-01T00:00:00Z")
	require.NoError(t, x.Advance(now))
	require.NoError(t, x.Update(1, map[string]any{"ltv": 1e6, "country": "NZ"}, now))
	define(t, x, "a", `ltv >= 2000000 or ltv < 0.5 or 3 > ltv and country in ["AU"] or len(country) == 3 or country == nil`)
	e, err := x.Explain("a", 1)
	require.NoError(t, err)
	require.Contains(t, e.String(), "false: ltv >= 2e+06 (is 1000000)")
	require.Contains(t, e.String(), `false: country in ["AU"] (is "NZ")`)
	require.Contains(t, e.String(), `false: len(country) == 3 (is 2)`)
	require.Contains(t, e.String(), `false: country == nil (is "NZ")`)
	require.NoError(t, x.Update(1, map[string]any{"ltv": nil}, now.Add(time.Second)))
	e, err = x.Explain("a", 1)
	require.NoError(t, err)
	require.Contains(t, e.String(), "false: ltv < 0.5 (is missing)")
}

// What is there is not said to be missing: neither an instant that was not
// declared nor a list of objects, which is no value to show.
func TestExplainedKinds(t *testing.T) {
	now := at("2026-01-01T00:00:00Z")
	attributes := map[string]any{"since": now, "things": []map[string]any{{"name": "pot"}}, "names": []string{"x"}}
	declared, err := NewIndex(Schema{"since": Time, "things": Objects, "names": Strings, "gone": Number}, nil)
	require.NoError(t, err)
	dynamic, err := NewIndex(nil, &Options{Dynamic: true})
	require.NoError(t, err)
	for _, x := range []*Index{declared, dynamic} {
		require.NoError(t, x.Update(1, attributes, now))
		for rule, want := range map[string]Condition{
			`since >= date("2026-01-01")`: {Holds: true, Subject: "since", Value: now},
			`names == nil`:                {Subject: "names", Value: []string{"x"}},
			`things == nil`:               {},
			`gone == nil`:                 {Holds: true, Subject: "gone"},
		} {
			define(t, x, "a", rule)
			e, err := x.Explain("a", 1)
			require.NoError(t, err)
			want.Text, want.Parts, want.Next = e.Rule.Text, e.Rule.Parts, e.Rule.Next
			require.Equal(t, want, e.Rule, rule)
		}
	}
}
