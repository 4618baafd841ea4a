package attribution

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadCSV(t *testing.T) {
	p, err := ReadCSV(strings.NewReader("\ufeffPath,day,Total_Conversions,nulls,value\r\n"+
		"search > social,1,2,3,59.80\r\n\n"+
		"\"search>e-mail, weekly\",1,1,0,\"-5\"\n"+
		"\"say \"\"hi\"\"\",x,1,0,0\n"+
		",1,4,5,6\n"), nil)
	require.NoError(t, err)
	s := p.Summary()
	require.Equal(t, 8.0, s.Conversions)
	require.InDelta(t, 60.8, s.Value, 1e-12)
	require.Equal(t, 3.0, s.Nulls)
	require.Equal(t, 5.0, s.Unexposed)
	require.Equal(t, 3, s.Distinct)
	c, err := LastTouch(p)
	require.NoError(t, err)
	k, ok := c.Of("e-mail, weekly")
	require.True(t, ok)
	require.Equal(t, 1.0, k.Conversions)
	_, ok = c.Of(`say "hi"`)
	require.True(t, ok)

	p, err = ReadCSV(strings.NewReader("way;n\na|b;3\n"), &CSVOptions{Separator: "|", Comma: ';', Path: "Way", Conversions: "N"})
	require.NoError(t, err)
	require.Equal(t, 3.0, p.Summary().Conversions)
	require.Equal(t, 2, p.Summary().Channels)
}

func TestReadCSVRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "line 1: bad input: no line with the names of the columns",
		"path,value\n":                         "line 1: bad input: no column conversions or total_conversions",
		"path,conversions,total_conversions":   `line 1: conversions "total_conversions": bad input: two columns of this kind`,
		"path,conversions\na":                  "line 2: bad input: 1 cells, the first line names 2 columns",
		"path,conversions\na > ,1":             `line 2: path "a > ": bad input: a channel without a name, or not in UTF-8`,
		"path,conversions\na,-1":               `line 2: conversions "-1": bad input: not a number, out of range or negative`,
		"path,conversions\na,NaN":              `line 2: conversions "NaN": bad input: not a number, out of range or negative`,
		"path,conversions\n\n\"a,1":            "line 3: bad input: a quote that does not end, or text after one",
		"path,conversions\n\"a\"b,1":           "line 2: bad input: a quote that does not end, or text after one",
		"path,conversions\n" + long(200) + ",": "line 2: bad input: longer than 100 bytes",
	} {
		_, err := ReadCSV(strings.NewReader(text), &CSVOptions{MaxLine: 100})
		var bad *CSVError
		require.True(t, errors.As(err, &bad), text)
		require.ErrorIs(t, err, ErrInput)
		require.EqualError(t, err, "attribution: ReadCSV: "+want)
	}
	_, err := ReadCSV(strings.NewReader(""), &CSVOptions{Comma: '"'})
	require.ErrorIs(t, err, ErrInput)
	broken := errors.New("disk gone")
	_, err = ReadCSV(failing{broken}, nil)
	require.ErrorIs(t, err, broken)
}

func long(n int) string { return strings.Repeat("x", n) }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzReadCSV(f *testing.F) {
	f.Add("path,conversions,value,nulls\na > b,1,2.5,3\n\"q\"\"\",1e3,0x1p4,4\n")
	f.Add("path,conversions\n\"a,1\n")
	f.Add("\ufeff,,,\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ReadCSV(strings.NewReader(text), nil)
		if err != nil {
			return
		}
		c, err := Linear(p)
		require.NoError(t, err)
		_ = c.String()
		data, err := p.AppendBinary(nil)
		require.NoError(t, err)
		require.NoError(t, new(Paths).UnmarshalBinary(data))
	})
}

// Rows of a file are the rows that Add adds.
func TestReadCSVIsAdd(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 101))
	var text strings.Builder
	text.WriteString("path,conversions,value,nulls\n")
	want := new(Paths)
	for range 3000 {
		var path []string
		for range r.IntN(5) {
			// More names than the reader remembers, many with the same ends.
			path = append(path, fmt.Sprintf("chan %d nel", r.IntN(1500)))
		}
		conv, value, null := r.IntN(3), float64(r.IntN(100_000))/100, r.IntN(9)
		fmt.Fprintf(&text, "%s,%d,%v,%d\n", strings.Join(path, " > "), conv, value, null)
		require.NoError(t, want.Add(path, float64(conv), value, float64(null)))
	}
	got, err := ReadCSV(strings.NewReader(text.String()), nil)
	require.NoError(t, err)
	a, err := want.AppendBinary(nil)
	require.NoError(t, err)
	b, err := got.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, a, b)
	for _, model := range []func(*Paths) (Credits, error){Linear, LastTouch, LinearUnique} {
		x, err := model(want)
		require.NoError(t, err)
		y, err := model(got)
		require.NoError(t, err)
		require.Equal(t, x, y)
	}
}

func TestParseNumber(t *testing.T) {
	for _, s := range []string{"0", "7", "12.5", ".5", "5.", "000.125", "99999999999999", "123456789012.34", "0.0000000000001", "1e3", "-4", "-0.25", "1.2.3", ".", "", "1_0", "0x10", "+3", "Inf", "NaN", "1e200", "12a"} {
		got, ok := parseNumber([]byte(s))
		want, err := strconv.ParseFloat(s, 64)
		require.Equal(t, err == nil && finite(want), ok, s)
		if ok {
			require.Equal(t, want, got, s)
		}
	}
}
