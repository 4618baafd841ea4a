package segment

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// documented is the index the package documentation speaks of.
func documented(t testing.TB) *Index {
	t.Helper()
	events := DefaultEvents()
	events["Signed Up"]["signed"] = Time
	events["Product Added"]["added"] = Time
	x, err := NewIndex(Schema{
		"ltv": Number, "country": String, "plan": String, "subscribed": Bool, "born": Time, "tags": Strings,
	}, &Options{Events: events, Clock: Manual})
	require.NoError(t, err)
	now := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	require.NoError(t, x.Advance(now))
	days := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	order := func(total float64, currency string, categories ...string) map[string]any {
		var products []map[string]any
		for _, c := range categories {
			products = append(products, map[string]any{"category": c})
		}
		return map[string]any{"total": total, "currency": currency, "products": products}
	}
	require.NoError(t, x.Update(1, map[string]any{
		"ltv": 620, "country": "NZ", "plan": "gold", "subscribed": true,
		"born": time.Date(1990, 6, 18, 0, 0, 0, 0, time.UTC), "tags": []string{"interest.baby", "vip"},
	}, now))
	require.NoError(t, x.Update(2, map[string]any{"ltv": 40, "country": "AU", "subscribed": false, "tags": []string{"interest.sport"}}, now))
	for _, e := range []struct {
		user   uint32
		event  string
		fields map[string]any
		at     time.Time
	}{
		{1, "Order Completed", order(120, "NZD", "shoes", "hats"), days(3)},
		{1, "Order Completed", order(80, "NZD", "shoes"), days(40)},
		{2, "Order Completed", order(30, "AUD", "hats"), days(10)},
		{2, "Order Refunded", order(30, "AUD"), days(5)},
		{2, "Product Added", map[string]any{"added": now.Add(-2 * time.Hour)}, now.Add(-2 * time.Hour)},
		{3, "Signed Up", map[string]any{"signed": days(100)}, days(100)},
	} {
		require.NoError(t, x.Observe(e.user, e.event, e.fields, e.at))
	}
	_, err = x.Define("vip", "ltv >= 500")
	require.NoError(t, err)
	return x
}

// TestLanguage executes every rule of the language reference.
func TestLanguage(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(doc), "# Language")
	require.True(t, ok)
	x := documented(t)
	rules := 0
	for line := range strings.Lines(section) {
		text, ok := strings.CutPrefix(line, "//\t")
		if !ok || strings.HasPrefix(text, "user ") || strings.HasPrefix(text, " ") {
			continue
		}
		rule, users, ok := strings.Cut(text, "//")
		require.True(t, ok, "no answer: %s", text)
		rules++
		got, err := x.Query(rule)
		require.NoError(t, err, rule)
		want := strings.TrimSpace(users)
		require.Equal(t, want, strings.Trim(fmt.Sprint(got.ToArray()), "[]"), rule)
		a, err := x.Define("a", rule)
		require.NoError(t, err, rule)
		got, err = x.Members("a")
		require.NoError(t, err)
		require.Equal(t, want, strings.Trim(fmt.Sprint(got.ToArray()), "[]"), "defined: %s", rule)

		// The canonical spelling means the same, and is its own.
		b, err := x.Define("b", a.Normal)
		require.NoError(t, err, "%s, written %s", rule, a.Normal)
		require.Equal(t, a.Normal, b.Normal, rule)
		got, err = x.Members("b")
		require.NoError(t, err)
		require.Equal(t, want, strings.Trim(fmt.Sprint(got.ToArray()), "[]"), "canonical: %s", a.Normal)
	}
	require.Greater(t, rules, 55)
}

func TestRuleErrors(t *testing.T) {
	x := documented(t)
	for _, c := range []struct {
		rule    string
		err     error
		line    int
		column  int
		nearest string
	}{
		{`contry == "NZ"`, ErrUnknown, 1, 1, "country"},
		{`ltv > 1 and lvt < 5`, ErrUnknown, 1, 13, "ltv"},
		{"ltv > 1 and\n  zzzzzzzz", ErrUnknown, 2, 3, ""},
		{`len(events("Order Complete", "30d")) > 0`, ErrUnknown, 1, 12, "Order Completed"},
		{`count(events("Order Completed", "30d"), .totl > 1) > 0`, ErrUnknown, 1, 42, "total"},
		{`any(events("Order Completed"), any(.products, .categry == ""))`, ErrUnknown, 1, 48, "category"},
		{`segment("vp")`, ErrUnknown, 1, 9, "vip"},
		{`cuont(events("Order Completed"), true) > 1`, ErrUnknown, 1, 1, "count"},
		{`ltv >`, ErrSyntax, 1, 5, ""},
		{`ltv > 1 ) `, ErrSyntax, 1, 9, ""},
		{`plan matches "("`, ErrSyntax, 1, 14, ""},
		{`ltv == "a"`, ErrType, 1, 5, ""},
		{`plan > 5`, ErrType, 1, 6, ""},
		{`ltv`, ErrType, 1, 1, ""},
		{`not ltv`, ErrType, 1, 5, ""},
		{`len(events("Order Completed", "30 days")) > 0`, ErrType, 1, 31, ""},
		{`len(events("Order Completed", "30d", "40d")) > 0`, ErrType, 1, 38, ""},
		{`sum(events("Order Completed", "30d")) > 0`, ErrType, 1, 5, ""},
		{`sum(events("Order Completed", "30d"), .currency) > 0`, ErrType, 1, 39, ""},
		{`len(events("Order Completed", "500d")) > 0`, ErrNotRetained, 1, 31, ""},
		{`len(events("Order Completed", "2y")) > 0`, ErrNotRetained, 1, 31, ""},
		{`active("Order Completed", "100d", 5, 1)`, ErrNotRetained, 1, 27, ""},
		{`score(1, ltv > 1, 2) > 1`, ErrType, 1, 1, ""},
		{`score(ltv, ltv > 1) > 1`, ErrType, 1, 7, ""},
		{`score(1, ltv) > 1`, ErrType, 1, 10, ""},
		{`score(1, segment("vip")) > 1`, ErrUnsupported, 1, 10, ""},
		{`notFollowed("1h", "Product Added")`, ErrType, 1, 1, ""},
		{`notFollowed("1h", "Product Added", tags)`, ErrType, 1, 36, ""},
		{`notFollowed("1 h", "Product Added", "Order Completed")`, ErrType, 1, 13, ""},
		{`len(sessions("30m")) > 1`, ErrType, 1, 5, ""},
		{`last(sessions("30m", "page")).length > 1`, ErrUnknown, 1, 31, ""},
		{`let a = ltv; a > 1`, ErrUnsupported, 1, 5, ""},
		{`tags[0] == "vip"`, ErrUnsupported, 1, 5, ""},
		{`tags[0:1] == "vip"`, ErrUnsupported, 1, 5, ""},
		{`now().Year() > 1`, ErrUnsupported, 1, 7, ""},
		{`reduce(tags, #acc + len(#), 0) > 1`, ErrUnsupported, 1, 1, ""},
		{`duration("1h") > 1`, ErrUnsupported, 1, 1, ""},
		{`plan matches country`, ErrUnsupported, 1, 14, ""},
		{`count(events("Order Completed"), segment("vip")) > 1`, ErrUnsupported, 1, 34, ""},
		{`ltv; plan`, ErrUnsupported, 1, 1, ""},
		{`{"a": 1}.a == 1`, ErrUnsupported, 1, 1, ""},
		{`ltv > 9007199254740993`, ErrLimit, 1, 7, ""},
		{`plan matches "` + strings.Repeat("a", 2000) + `"`, ErrLimit, 1, 14, ""},
		{strings.Repeat("not (", 100) + "subscribed" + strings.Repeat(")", 100), ErrLimit, 1, 321, ""},
		{strings.Repeat("subscribed and ", 1500) + "subscribed", ErrLimit, 1, 0, ""},
		{strings.Repeat(" ", 20000) + "subscribed", ErrLimit, 1, 1, ""},
		{``, ErrSyntax, 1, 1, ""},
	} {
		_, err := x.Query(c.rule)
		var e *RuleError
		require.ErrorAs(t, err, &e, c.rule)
		if errors.Is(err, ErrSyntax) && strings.Contains(err.Error(), "integer literal is too large") {
			require.Equal(t, 32, bits.UintSize, c.rule)
			continue // the parser's integers have 32 bits here
		}
		require.ErrorIs(t, err, c.err, c.rule)
		require.Equal(t, c.line, e.Line, "%s: %v", c.rule, err)
		if c.column > 0 {
			require.Equal(t, c.column, e.Column, "%s: %v", c.rule, err)
		}
		require.Equal(t, c.nearest, e.Nearest, c.rule)
		_, err = x.Define("bad", c.rule)
		require.ErrorIs(t, err, c.err, c.rule)
		require.Len(t, x.Audiences(), 1)
	}
	for rule, message := range map[string]string{
		" ":             "the rule is empty (1:1)\n |  \n | ^",
		"ltv > 1 and":   "the rule ends too early (1:11)\n | ltv > 1 and\n | ..........^",
		"ltv = 1":       "unexpected \"=\", which compares as \"==\" (1:5)\n | ltv = 1\n | ....^",
		"country == XX": "unknown attribute \"XX\"; a text stands in quotes (1:12)\n | country == XX\n | ...........^",
	} {
		_, err := x.Query(rule)
		require.EqualError(t, err, "segment: rule: "+message)
	}
	_, err := x.Query(`contry == "NZ"`)
	require.EqualError(t, err, "segment: rule: unknown attribute \"contry\", did you mean \"country\"? (1:1)\n | contry == \"NZ\"\n | ^")
}

// Whoever raises the limit on length still gets an error from rules that are
// nothing but depth.
func TestDeepRules(t *testing.T) {
	x, err := NewIndex(Schema{"a": Bool, "n": Number, "s": Strings}, &Options{MaxRule: 1 << 21})
	require.NoError(t, err)
	const deep = 100_000
	for _, rule := range []string{
		strings.Repeat("not (", deep) + "a" + strings.Repeat(")", deep),
		strings.Repeat("not ", deep) + "a",
		strings.Repeat("a and (", deep) + "a" + strings.Repeat(")", deep),
		strings.Repeat("a ? a : ", deep) + "a",
		"n > " + strings.Repeat("-", deep) + "1",
		"n > " + strings.Repeat("(n + ", deep) + "1" + strings.Repeat(")", deep),
		strings.Repeat("any(s, ", deep) + "true" + strings.Repeat(")", deep),
		strings.Repeat("a and ", deep) + "a",
		"n in " + strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"a" + strings.Repeat(".a", deep),
		strings.Repeat("(", deep),
	} {
		_, err := x.Query(rule)
		var e *RuleError
		require.ErrorAs(t, err, &e, "%.40s…", rule)
	}
}

func TestAudienceReferences(t *testing.T) {
	x := documented(t)
	_, err := x.Define("kiwi vip", `segment("vip") and country == "NZ"`)
	require.NoError(t, err)
	_, err = x.Define("rest", `not segment("kiwi vip")`)
	require.NoError(t, err)
	_, err = x.Define("vip", `segment("rest")`)
	require.ErrorIs(t, err, ErrCycle)
	_, err = x.Define("vip", `segment("vip")`)
	require.ErrorIs(t, err, ErrCycle)
	require.ErrorIs(t, x.Remove("vip"), ErrReferenced)
	require.ErrorIs(t, x.Remove("nobody"), ErrAudience)
	_, err = x.Define("vip", "ltv < 500")
	require.NoError(t, err)
	require.Equal(t, 0, x.Size("kiwi vip"))
	require.Equal(t, 3, x.Size("rest"))
	require.NoError(t, x.Remove("rest"))
	require.NoError(t, x.Remove("kiwi vip"))
	require.NoError(t, x.Remove("vip"))
	require.Zero(t, x.Stats().Predicates)
}
