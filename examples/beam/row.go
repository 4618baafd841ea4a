package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/zhun-go/zhun/internal/value"
)

// Row is what a view observes: an event of a person whose number is settled.
type Row struct {
	User   uint32
	Event  string
	Fields map[string]any
	At     time.Time
}

// line is a row as one line of JSON.
type line struct {
	User   uint32         `json:"user"`
	Event  string         `json:"event"`
	At     time.Time      `json:"at"`
	Fields map[string]any `json:"fields,omitempty"`
}

// appendLine appends a row as JSON without a line break.
func appendLine(b []byte, r Row) ([]byte, error) {
	data, err := json.Marshal(line{r.User, r.Event, r.At, portable(r.Fields).(map[string]any)})
	return append(b, data...), err
}

// portable keeps whole floats apart from integers, which JSON does not.
func portable(v any) any {
	switch x := v.(type) {
	case float64:
		s := strconv.FormatFloat(x, 'g', -1, 64)
		if x == math.Trunc(x) && !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return json.Number(s)
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = portable(e)
		}
		return out
	case []map[string]any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = portable(e)
		}
		return out
	}
	return v
}

// parseLine reads what appendLine wrote.
func parseLine(data []byte) (Row, error) {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var l line
	if err := d.Decode(&l); err != nil {
		return Row{}, fmt.Errorf("beam: row %.80q: %w", data, err)
	}
	for k, v := range l.Fields {
		n, ok := value.Normalize(v)
		if !ok {
			return Row{}, fmt.Errorf("beam: row %.80q: field %s of no known kind", data, k)
		}
		l.Fields[k] = n
	}
	return Row{l.User, l.Event, l.Fields, l.At}, nil
}
