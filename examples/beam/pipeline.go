package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/recommend"
)

func init() {
	register.Function1x2(parse)
	register.Function2x2(fitModel)
	register.Function1x2(historyResult)
	register.Function1x2(journeysResult)
	register.Function1x2(readoutResult)
	register.Function1x2(pathsResult)
	register.Function1x2(creditResult)
	register.Function2x2(momentsResult)
	register.Function1x2(byPart)
}

// build adds everything to a pipeline: rows are read from the files of a
// pattern, and results are written to one file, a line each.
//
// Two ways lead to the results. Whole views are combined from rows, first in
// parts that know nothing of who is in the others, for what needs all persons
// at once, such as a model of items. What
// is a sum over persons is computed person by person, behind a shuffle by
// number, and only summaries are combined: the way for histories that no
// worker can hold.
func build(s beam.Scope, pattern, out string, now time.Time) {
	rows := beam.ParDo(s.Scope("parse"), parse, textio.Read(s, pattern))

	spread := beam.ParDo(s, byPart, rows)
	history := beam.Combine(s.Scope("history"), &historiesFn{}, beam.DropKey(s, beam.CombinePerKey(s, &historyFn{}, spread)))
	journeys := beam.Combine(s.Scope("journeys"), &manyJourneysFn{}, beam.DropKey(s, beam.CombinePerKey(s, &journeysFn{}, spread)))
	readout := beam.Combine(s.Scope("readout"), &readoutsFn{}, beam.DropKey(s, beam.CombinePerKey(s, &readoutFn{}, spread)))

	persons := beam.GroupByKey(s, beam.ParDo(s, byUser, rows))
	paths := beam.Combine(s.Scope("paths"), &pathsFn{}, beam.ParDo(s, &personPaths{Now: now}, persons))
	moments := beam.CombinePerKey(s.Scope("moments"), &momentsFn{}, beam.ParDo(s, personOutcome, persons))

	textio.Write(s, out, beam.Flatten(s,
		beam.ParDo(s, historyResult, history),
		beam.ParDo(s, fitModel, history),
		beam.ParDo(s, journeysResult, journeys),
		beam.ParDo(s, readoutResult, readout),
		beam.ParDo(s, pathsResult, paths),
		beam.ParDo(s, creditResult, paths),
		beam.ParDo(s, momentsResult, moments),
	))
}

// parts is over how many workers the rows of whole views are spread.
const parts = 32

// byPart keys a row by its part: the rows of a person are all over them.
func byPart(r Row) (uint32, Row) { return uint32(r.At.UnixMicro()) % parts, r }

func parse(text string) (Row, error) { return parseLine([]byte(text)) }

// result is one line of the output.
type result struct {
	Name  string `json:"name"`
	State string `json:"state"` // bytes in base64, or text
}

func resultLine(name string, data []byte, err error) (string, error) {
	if err != nil {
		return "", fmt.Errorf("beam: %s: %w", name, err)
	}
	b, err := json.Marshal(result{name, base64.StdEncoding.EncodeToString(data)})
	return string(b), err
}

func historyResult(h *recommend.History) (string, error) {
	data, err := h.AppendBinary(nil)
	return resultLine("history", data, err)
}

func journeysResult(j *attribution.Journeys) (string, error) {
	data, err := j.AppendBinary(nil)
	return resultLine("journeys", data, err)
}

func readoutResult(r *experiment.Readout) (string, error) {
	data, err := r.AppendBinary(nil)
	return resultLine("readout", data, err)
}

func pathsResult(p *attribution.Paths) (string, error) {
	data, err := p.AppendBinary(nil)
	return resultLine("paths", data, err)
}

func momentsResult(arm string, m *experiment.Moments) (string, error) {
	data, err := m.AppendBinary(nil)
	return resultLine("moments/"+arm, data, err)
}

// fitModel fits items bought together.
func fitModel(ctx context.Context, h *recommend.History) (string, error) {
	m, err := recommend.FitItemKNN(ctx, h, nil)
	if err != nil {
		return "", err
	}
	data, err := m.AppendBinary(nil)
	return resultLine("model", data, err)
}

func creditResult(p *attribution.Paths) (string, error) {
	text, err := credits(p)
	return resultLine("credits", []byte(text), err)
}

func credits(p *attribution.Paths) (string, error) {
	shapley, err := attribution.Shapley(p, nil)
	if err != nil {
		return "", err
	}
	markov, err := attribution.Markov(p, nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(shapley, "\n", markov), nil
}
