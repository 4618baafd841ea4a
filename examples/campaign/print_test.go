package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrints(t *testing.T) {
	var text, page bytes.Buffer
	require.NoError(t, writeText(&text, sampleReport()))
	require.NoError(t, writeHTML(&page, sampleReport()))
	for _, figure := range []string{"60,011", "+6.00 pp", "1,234.0", "line 10, column 7: no such thing", "just to see it", "won back", "after 23.5 days", "Sec-GPC", "at 20:00", "0.44 to 1.09"} {
		require.Contains(t, text.String(), figure)
		require.Contains(t, strings.ReplaceAll(page.String(), "&#43;", "+"), figure)
	}
	for line := range strings.Lines(text.String()) {
		require.LessOrEqual(t, len([]rune(line)), 103, line)
	}
}

// The page refers to nothing outside itself and follows the reader's theme.
func TestPageStandsAlone(t *testing.T) {
	var page bytes.Buffer
	require.NoError(t, writeHTML(&page, sampleReport()))
	s := page.String()
	require.Equal(t, 4, strings.Count(s, "<svg "))
	for _, outside := range []string{"src=", "href=", "@import", "url(", "<script"} {
		require.False(t, strings.Contains(s, outside), outside)
	}
	require.False(t, strings.Contains(strings.ReplaceAll(s, "http://www.w3.org/2000/svg", ""), "http"))
	require.Empty(t, standIn.FindString(s), "every stand-in colour is replaced")
	require.True(t, strings.Contains(s, "var(--c2)"))
	require.True(t, strings.Contains(s, "prefers-color-scheme: dark"))
}

// A report without its optional sections prints too, and hostile names do no harm.
func TestPrintsBareReport(t *testing.T) {
	r := sampleReport()
	r.People, r.Recommendations, r.Experiment, r.Attribution, r.Erasure = nil, nil, nil, nil, nil
	r.Input.Kind, r.Input.File = "events", `<b>"x"</b>`
	r.Audiences.List, r.Audiences.Days = nil, nil
	r.LeftOut = []LeftOut{{"<script>", "&"}}
	var text, page bytes.Buffer
	require.NoError(t, writeText(&text, r))
	require.NoError(t, writeHTML(&page, r))
	require.NotContains(t, page.String(), "<script")
	require.NotContains(t, page.String(), "<b>\"x\"")
	require.NotContains(t, text.String(), "EXPERIMENT")
}

func TestGrouped(t *testing.T) {
	for want, got := range map[string]string{
		"0":          grouped(0, 0),
		"−1,234.50":  grouped(-1234.5, 2),
		"0.00":       grouped(-0.001, 2),
		"1,000,000":  grouped(1e6, 0),
		"999":        count(999),
		"+12.0 %":    signed(percent(0.12, 1)),
		"−12.0 %":    signed(percent(-0.12, 1)),
		"0.0 %":      signed(percent(0.0001, 1)),
		"< 0.0001":   pValue(1e-9),
		"1 merge":    plural(1, "merge", "merges"),
		"0 merges":   plural(0, "merge", "merges"),
		"2,000 cats": plural(2000, "cat", "cats"),
	} {
		require.Equal(t, want, got)
	}
}
