package recommend

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLoadLayouts(t *testing.T) {
	want := []Interaction{
		{Item: "1193", Weight: 5, Time: time.Unix(978300760, 0).UTC()},
		{Item: "661", Weight: 3, Time: time.Unix(978302109, 0).UTC()},
	}
	for name, c := range map[string]struct {
		text string
		opts *LoadOptions
	}{
		"MovieLens 1M":        {"1::1193::5::978300760\n1::661::3::978302109\n", nil},
		"MovieLens 100K":      {"1\t1193\t5\t978300760\r\n1\t661\t3\t978302109", nil},
		"MovieLens 20M":       {"\ufeffuserId,movieId,rating,timestamp\n1,1193,5.0,978300760\n\n1,661,3.0,978302109\n", &LoadOptions{Header: true}},
		"quoted, other order": {"\"1193\";2000-12-31T22:12:40Z;x;1;5\n661;2000-12-31T22:35:09Z;\"a;\"\"b\"\"\";\"1\";3;more\n", &LoadOptions{Columns: []string{"item", "time", "", "user", "weight"}}},
		"layout and users": {"u1|1193|5|31.12.2000 22:12:40\nu1|661|3|31.12.2000 22:35:09\n", &LoadOptions{
			Separator: "|", Layout: "02.01.2006 15:04:05", User: func(id string) (uint32, error) { return userNumber(id[1:]) },
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestHistory(t, nil)
			n, err := Load(h, iotest.OneByteReader(strings.NewReader(c.text)), c.opts)
			require.NoError(t, err)
			require.Equal(t, 2, n)
			require.Equal(t, want, h.Of(1))
		})
	}

	h := newTestHistory(t, nil)
	n, err := Load(h, strings.NewReader("7,a,3\n7,b,4\n8,b,-1\n8,c,4.5\n"), &LoadOptions{Columns: []string{"user", "item", "weight"}, MinWeight: 4, Alike: true, At: day0})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []Interaction{{Item: "b", Weight: 1, Time: day0}}, h.Of(7))
	require.Equal(t, []Interaction{{Item: "c", Weight: 1, Time: day0}}, h.Of(8))
}

func TestLoadErrorsAreLocated(t *testing.T) {
	attached := newTestHistory(t, nil)
	attached.Attached(true)
	for _, c := range []struct {
		text   string
		want   error
		line   int
		column int
	}{
		{"1,a,1,5\n1,b,x,5\n", ErrTable, 2, 3},
		{"1,a,1,5\n\n1,b,NaN,5\n", ErrTable, 3, 3},
		{"1,a,+Inf,5\n", ErrTable, 1, 3},
		{"1,a,-2,5\n", ErrWeight, 1, 3},
		{"1,a,0,5\n", ErrWeight, 1, 3},
		{"1,a,1,yesterday\n", ErrTable, 1, 4},
		{"1,a,1,99999999999999\n", ErrTime, 1, 4},
		{"x,a,1,5\n", ErrTable, 1, 1},
		{"-1,a,1,5\n", ErrTable, 1, 1},
		{"4294967296,a,1,5\n", ErrTable, 1, 1},
		{"0,a,1,5\n", ErrUser, 1, 1},
		{"1,,1,5\n", ErrItem, 1, 2},
		{"1,\xff,1,5\n", ErrItem, 1, 2},
		{"1,a,1\n", ErrTable, 1, 0},
		{"1,\"a,1,5\n", ErrTable, 1, 0},
		{"1,\"a\"b,1,5\n", ErrTable, 1, 0},
		{"1,a,1,5\n1," + strings.Repeat("a", maxLine) + ",1,5\n", ErrTable, 2, 0},
	} {
		_, err := Load(newTestHistory(t, nil), strings.NewReader(c.text), nil)
		var at *LoadError
		require.ErrorAs(t, err, &at, "%.30q", c.text)
		require.ErrorIs(t, err, c.want, "%.30q", c.text)
		require.Equal(t, []int{c.line, c.column}, []int{at.Line, at.Column}, "%.30q: %v", c.text, err)
		require.True(t, strings.HasPrefix(err.Error(), "recommend: Load: line "), err)
		require.LessOrEqual(t, len(at.Value), 60)
	}
	_, err := Load(attached, strings.NewReader("1,a,1,5"), nil)
	require.ErrorIs(t, err, ErrAttached)
	broken := errors.New("broken pipe")
	n, err := Load(newTestHistory(t, nil), io.MultiReader(strings.NewReader("1,a,1,5\n"), iotest.ErrReader(broken)), nil)
	require.ErrorIs(t, err, broken)
	require.Equal(t, 1, n, "what came before stays")

	h := newTestHistory(t, nil)
	for _, o := range []*LoadOptions{
		{Separator: "\n"},
		{Columns: []string{"user"}},
		{Columns: []string{"user", "item", "user"}},
		{Columns: []string{"user", "item", "rating"}},
		{MinWeight: -1},
		{At: time.Date(10_001, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		require.ErrorIs(t, second(Load(h, strings.NewReader(""), o)), ErrOption, "%+v", o)
	}
	require.ErrorIs(t, second(Load(nil, strings.NewReader(""), nil)), ErrOption)
	require.ErrorIs(t, second(Load(h, nil, nil)), ErrOption)
}

// A load of anything ends in rows or in a located error, and the history works
// on. What encoding/csv reads on single lines, Load reads alike.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		"1::1193::5::978300760\n", "1\t1193\t5\t978300760\r\n", "1,\"a\"\"b\",5,2000-12-31T22:12:40Z\n",
		"1,\"a,5\n", "1;;5;0", "\ufeff1,a,1,1", "1,a,1e999,1", "::::::\n", "\"\"\"\n", "0,a,1,1",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h := newTestHistory(t, nil)
		n, err := Load(h, bytes.NewReader(data), nil)
		require.Equal(t, n, h.Stats().Rows)
		var at *LoadError
		if err != nil {
			require.ErrorAs(t, err, &at)
			require.Positive(t, at.Line)
		}
		require.NoError(t, h.Add(1, "after", 1, day0))

		l := &loader{LoadOptions: LoadOptions{Separator: ","}}
		line, _, _ := strings.Cut(string(data), "\n")
		line = strings.TrimSuffix(line, "\r")
		r := csv.NewReader(strings.NewReader(line))
		r.FieldsPerRecord = -1
		want, err := r.Read()
		if err == nil && !strings.Contains(line, "\r") {
			require.NoError(t, l.split(line), "%q", line)
			require.Equal(t, want, l.fields, "%q", line)
		}
	})
}
