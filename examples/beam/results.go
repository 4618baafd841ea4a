package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/wire"
	"github.com/zhun-go/zhun/recommend"
)

// results are states by name, as bytes, and texts.
type results map[string][]byte

// readResults reads what a pipeline wrote.
func readResults(ctx context.Context, path string) (results, error) {
	fs, err := filesystem.New(ctx, path)
	if err != nil {
		return nil, err
	}
	defer fs.Close()
	f, err := fs.OpenRead(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	out := results{}
	for text := range strings.Lines(string(data)) {
		var r result
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("beam: %s: %w", path, err)
		}
		if out[r.Name] != nil {
			return nil, fmt.Errorf("beam: %s: result %q twice", path, r.Name)
		}
		if out[r.Name], err = base64.StdEncoding.DecodeString(r.State); err != nil {
			return nil, fmt.Errorf("beam: %s: result %q: %w", path, r.Name, err)
		}
	}
	return out, nil
}

// results are the same of the single process.
func (s *single) results(ctx context.Context) (results, error) {
	out := results{}
	for name, x := range map[string]interface{ AppendBinary([]byte) ([]byte, error) }{
		"history": s.history, "journeys": s.journeys, "readout": s.readout,
	} {
		var err error
		if out[name], err = x.AppendBinary(nil); err != nil {
			return nil, err
		}
	}
	m, err := recommend.FitItemKNN(ctx, s.history, nil)
	if err != nil {
		return nil, err
	}
	if out["model"], err = m.AppendBinary(nil); err != nil {
		return nil, err
	}
	p, err := s.journeys.Paths(&attribution.PathOptions{AsOf: s.now})
	if err != nil {
		return nil, err
	}
	if out["paths"], err = p.AppendBinary(nil); err != nil {
		return nil, err
	}
	text, err := credits(p)
	if err != nil {
		return nil, err
	}
	out["credits"] = []byte(text)
	arms, err := s.moments()
	if err != nil {
		return nil, err
	}
	for arm, m := range arms {
		if out["moments/"+arm], err = m.AppendBinary(nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// differences names the results that differ. Clocks are outside the laws of
// state: no event moved those of the workers.
func differences(want, got results) (names []string, err error) {
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		same, err := equal(want[name], got[name])
		if err != nil {
			return nil, fmt.Errorf("beam: result %q: %w", name, err)
		}
		if !same {
			names = append(names, name)
		}
	}
	return names, nil
}

func equal(a, b []byte) (bool, error) {
	if len(a) == 0 || len(b) == 0 || bytes.Equal(a, b) {
		return bytes.Equal(a, b), nil
	}
	x, err := wire.Inspect(a)
	if err != nil {
		return false, nil // a text, and another one
	}
	y, err := wire.Inspect(b)
	if err != nil {
		return false, err
	}
	if x.Kind != y.Kind || !slices.Equal(x.Names(), y.Names()) {
		return false, nil
	}
	for _, n := range x.Names() {
		if n != wire.Meta && !bytes.Equal(x.Payload(n), y.Payload(n)) {
			return false, nil
		}
	}
	return true, nil
}

// compare is the test of the experiment from the moments of a pipeline, in
// cents.
func (r results) compare(control, treatment string) (experiment.Comparison, error) {
	var m [2]experiment.Moments
	for i, arm := range []string{control, treatment} {
		if err := m[i].UnmarshalBinary(r["moments/"+arm]); err != nil {
			return experiment.Comparison{}, err
		}
	}
	return experiment.Welch(&m[0], &m[1], nil)
}
