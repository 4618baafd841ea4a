package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zhun-go/zhun/internal/sim"
)

// runs calls the program and returns what it printed.
func runs(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	got := run(t.Context(), args, strings.NewReader(""), &out, &errs)
	require.Equal(t, code, got, "%v: %s", args, errs.String())
	return out.String(), errs.String()
}

func reports(t *testing.T, args ...string) *Report {
	t.Helper()
	out, errs := runs(t, exitOK, append(args, "-json")...)
	require.Empty(t, errs)
	r := new(Report)
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(r))
	return r
}

// small is a simulation of a moment.
var small = []string{"-customers", "250", "-days", "60", "-seed", "3"}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-nonsense"},
		{"leftover"},
		{"-orders", "a", "-events", "b"},
		{"-orders", "a", "-seed", "2"},
		{"-events", "a", "-days", "2"},
		{"-max-errors", "-2"},
		{"-customers", "0"},
		{"-seed", "minus"},
	} {
		out, errs := runs(t, exitUsage, args...)
		require.Empty(t, out)
		require.Regexp(t, `^campaign: .*\n$`, errs, "one line")
	}
	out, errs := runs(t, exitOK, "-h")
	require.Empty(t, out)
	require.Contains(t, errs, "-max-errors N")
}

func TestFailures(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	for _, args := range [][]string{
		{"-orders", filepath.Join(dir, "absent.csv")},
		{"-events", dir},
		{"-orders", write("empty.csv", "")},
		{"-orders", write("other.csv", "a,b,c\n1,2,3\n")},
		{"-orders", write("broken.csv.gz", "\x1f\x8b no gzip after all")},
		append([]string{"-html", filepath.Join(dir, "no", "such", "folder.html")}, small...),
	} {
		out, errs := runs(t, exitFailed, args...)
		require.Empty(t, out)
		require.Regexp(t, `^campaign: .*\n$`, errs, "one line")
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	require.Equal(t, exitFailed, run(ctx, small, strings.NewReader(""), &out, &errs))
	require.Empty(t, out.String())
	require.Equal(t, "campaign: context canceled\n", errs.String())
}

// The whole report on the simulator: every section is there, what must add up adds up, and the
// text says what the JSON says.
func TestSimulator(t *testing.T) {
	r := reports(t, small...)
	require.Empty(t, r.LeftOut)
	in := r.Ingestion
	require.Equal(t, in.Read, in.Applied+in.Duplicates+total(in.Rejected)+in.BadLines)
	require.Equal(t, in.Applied, total(in.Names))
	require.Positive(t, in.Duplicates, "the simulator sends some lines twice")
	require.Positive(t, total(in.Rejected), "and some by bots")
	require.Positive(t, in.Merges)
	require.Greater(t, in.Identity.Precision, 0.98)
	require.Greater(t, in.Identity.Recall, 0.8*in.Identity.Attainable)

	require.NotEmpty(t, r.Audiences.Days)
	for _, a := range r.Audiences.List {
		require.Len(t, a.Sizes, len(r.Audiences.Days))
		require.Equal(t, a.Size, a.Sizes[len(a.Sizes)-1])
		require.LessOrEqual(t, a.Size, r.Audiences.Profiles)
		require.InDelta(t, float64(a.Size)/float64(r.Audiences.Profiles), a.Share, 1e-12)
	}

	models := r.Recommendations.Accuracy.Models
	require.Equal(t, popularityModel, models[0].Model)
	require.Greater(t, models[1].Recall, models[0].Recall)

	require.True(t, r.Experiment.SRM.Passed)
	for _, m := range r.Experiment.Metrics {
		require.NotNil(t, m.Truth)
		require.LessOrEqual(t, math.Abs(m.Effect.Value-*m.Truth), 4*m.Effect.StdErr, m.Name)
	}

	a := r.Attribution
	for _, m := range a.Models {
		sum := m.Unattributed
		for _, c := range m.Conversions {
			sum += c
		}
		require.InDelta(t, a.Conversions, sum, 1e-9*a.Conversions, "%s: credit and the unattributed are all conversions", m.Model)
		for i, c := range a.Channels {
			require.Equal(t, c.Cost > 0, m.ROI[i] != nil, c.Name)
			if c.Cost > 0 {
				require.InDelta(t, (m.Value[i]-c.Cost)/c.Cost, *m.ROI[i], 1e-9)
			}
		}
	}
	require.Equal(t, []string{"last touch", "linear", "Shapley"}, []string{a.Models[0].Model, a.Models[1].Model, a.Models[2].Model})
	caused := a.Truth.Baseline
	for _, c := range a.Channels {
		require.NotNil(t, c.Increment, c.Name)
		caused += c.Increment.Shapley
	}
	require.InDelta(t, a.Truth.Orders, caused, 1e-6, "what the channels cause and what comes by itself are all orders")

	require.Len(t, r.Erasure.Traces, 5)
	for _, x := range r.Erasure.Traces {
		require.Zero(t, x.After, x.Package)
	}
	require.Positive(t, r.Erasure.Traces[0].Before)

	text, errs := runs(t, exitOK, small...)
	require.Empty(t, errs, "no bar where there is no terminal")
	for _, figure := range []string{
		count(in.Applied) + " applied", plural(in.Merges, "merge", "merges"), percent(in.Identity.Precision, 2),
		grouped(models[1].Recall, 4), pValue(r.Experiment.SRM.P), grouped(a.Models[2].Conversions[0], 1),
	} {
		require.Contains(t, text, figure)
	}
	for _, x := range r.Audiences.List {
		require.Regexp(t, regexp.QuoteMeta(x.Name)+` +`+count(x.Size)+` `, text)
	}
}

// The same flags give the same bytes.
func TestDeterminism(t *testing.T) {
	dir := t.TempDir()
	print := func(name string) (string, string) {
		path := filepath.Join(dir, name)
		out, _ := runs(t, exitOK, append([]string{"-html", path}, small...)...)
		page, err := os.ReadFile(path)
		require.NoError(t, err)
		return out, string(page)
	}
	text1, page1 := print("1.html")
	text2, page2 := print("2.html")
	require.Equal(t, text1, text2)
	require.True(t, page1 == page2, "the pages differ")
	require.Equal(t, 4, strings.Count(page1, "<svg "))
}

// simulatedLines writes the small simulation as a file of events.
func simulatedLines(t *testing.T) [][]byte {
	t.Helper()
	trial, err := freeShipping()
	require.NoError(t, err)
	w, err := sim.New(&sim.Options{Customers: 250, Days: 60, Seed: 3, Assign: trial.Assign})
	require.NoError(t, err)
	var lines [][]byte
	for e := range w.Events() {
		lines = append(lines, e.AppendSegment(nil))
	}
	return lines
}

// The simulator's events from a file give the same report, but for the truth that a file does not tell.
func TestEventsFile(t *testing.T) {
	lines := simulatedLines(t)
	path := filepath.Join(t.TempDir(), "events.jsonl.gz")
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	_, err := gz.Write(append(bytes.Join(lines, []byte("\n")), '\n'))
	require.NoError(t, err)
	require.NoError(t, gz.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))

	want, got := reports(t, small...), reports(t, "-events", path)
	want.Input.Kind, want.Input.File = "events", "events.jsonl.gz"
	want.Input.Customers, want.Input.Days, want.Input.Seed = 0, 0, 0
	want.Ingestion.Identity = nil
	for i := range want.Experiment.Metrics {
		want.Experiment.Metrics[i].Truth = nil
	}
	want.Attribution.Truth = nil
	for i := range want.Attribution.Channels {
		want.Attribution.Channels[i].Increment = nil
	}
	require.Equal(t, want, got)
}

// A bad line is counted, located and skipped; too many of them stop the program.
func TestBadLines(t *testing.T) {
	lines := simulatedLines(t)[:2000]
	clean := filepath.Join(t.TempDir(), "clean.jsonl")
	require.NoError(t, os.WriteFile(clean, append(bytes.Join(lines, []byte("\n")), '\n'), 0o644))
	broken := make([][]byte, 0, len(lines)+2)
	broken = append(broken, lines[:10]...)
	broken = append(broken, []byte(`{"type":"track","event":`), []byte(`not json at all`))
	broken = append(broken, lines[10:]...)
	dirty := filepath.Join(t.TempDir(), "dirty.jsonl")
	require.NoError(t, os.WriteFile(dirty, append(bytes.Join(broken, []byte("\n")), '\n'), 0o644))

	want, got := reports(t, "-events", clean), reports(t, "-events", dirty)
	require.Equal(t, 2, got.Ingestion.BadLines)
	require.Equal(t, []int{11, 12}, []int{got.Ingestion.Samples[0].Line, got.Ingestion.Samples[1].Line})
	require.Equal(t, want.Ingestion.Read+2, got.Ingestion.Read)
	require.Equal(t, want.Ingestion.Names, got.Ingestion.Names)
	require.Equal(t, want.Audiences, got.Audiences)

	out, errs := runs(t, exitFailed, "-events", dirty, "-max-errors", "1")
	require.Empty(t, out)
	require.Regexp(t, `^campaign: .*more than 1 bad line, the last in line 12.*\n$`, errs)
	runs(t, exitOK, "-events", dirty, "-max-errors", "2")
	runs(t, exitFailed, "-events", dirty, "-max-errors", "0")
	runs(t, exitOK, "-events", dirty, "-max-errors", "-1")
}

// A first try with a handful of events of one's own leaves out what they do not
// tell, and no more.
func TestHandful(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	line := `{"type":"track","event":"Order Completed","messageId":"1","userId":"a","timestamp":"2026-03-01T10:00:00Z","properties":{"order_id":"o1","revenue":80,"products":[{"product_id":"tea"},{"product_id":"pot"}]}}`
	for _, more := range []string{"", "\n" + strings.NewReplacer(`"1"`, `"2"`, `"a"`, `"b"`, "03-01", "03-09").Replace(line)} {
		require.NoError(t, os.WriteFile(path, []byte(line+more), 0o600))
		r := reports(t, "-events", path)
		require.Nil(t, r.Recommendations)
		require.NotNil(t, r.Audiences)
		out, _ := runs(t, exitOK, "-events", path, "-html", path+".html")
		require.Contains(t, out, "nobody is among the champions")
	}
}

func TestNothingToApply(t *testing.T) {
	for _, lines := range []string{"", "garbage\n"} {
		file := filepath.Join(t.TempDir(), "events.jsonl")
		require.NoError(t, os.WriteFile(file, []byte(lines), 0o600))
		out, _ := runs(t, exitOK, "-events", file, "-html", file+".html")
		require.Contains(t, out, "no event was applied")
		require.NotContains(t, out, "0001")
	}
}

// Orders tell of no touches and no experiment: the report says so.
func TestOrders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.csv")
	require.NoError(t, os.WriteFile(path, []byte(handmade), 0o644))
	r := reports(t, "-orders", path)
	require.Equal(t, 3, r.Ingestion.BadLines)
	require.Equal(t, 12, r.Input.Rows.Rows)
	require.Equal(t, []Count{{"Order Completed", 2}, {"identify", 2}, {"Order Refunded", 1}}, r.Ingestion.Names)
	require.Equal(t, 2, r.Ingestion.Profiles)
	require.Nil(t, r.Experiment)
	require.Nil(t, r.Attribution)
	var left []string
	for _, l := range r.LeftOut {
		left = append(left, l.Section)
	}
	require.Contains(t, left, "channel credit")
	require.Contains(t, left, "experiment")

	var piped, errs2 bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-orders", "-"}, strings.NewReader(handmade), &piped, &errs2))
	require.Contains(t, piped.String(), "Orders from the standard input")
	require.Contains(t, piped.String(), "! line 10, column 22: Quantity")

	out, errs := runs(t, exitFailed, "-orders", path, "-max-errors", "2")
	require.Empty(t, out)
	require.Regexp(t, `^campaign: .*orders.csv: more than 2 bad lines, the last in line 12.*\n$`, errs)
}

// The figure that makes the recommendations worth showing: on the real data, item-based
// neighbours find at least twice as many of the new items as popularity does.
func TestOnlineRetail(t *testing.T) {
	if raceDetector {
		t.Skip("a minute under the race detector, which the smaller runs keep busy as well")
	}
	r := reports(t, "-orders", shared(t, "data", "onlineretail", "online_retail_to_2011-09.csv.gz"))
	require.Equal(t, 370_931, r.Input.Rows.Rows)
	require.Equal(t, 3_648, r.Ingestion.Profiles)
	require.Equal(t, 13_081+2_551, r.Ingestion.Applied-named(r.Ingestion.Names, "identify"))
	h := r.Recommendations.Accuracy
	require.Equal(t, "2011-08-01", day(h.Split))
	require.GreaterOrEqual(t, h.Models[1].Lift, 2.0)
	for _, a := range r.Audiences.List {
		require.Positive(t, a.Size, a.Name)
	}
}

func named(list []Count, name string) int {
	for _, c := range list {
		if c.Name == name {
			return c.N
		}
	}
	return 0
}
