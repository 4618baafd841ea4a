package main

import (
	"encoding"
	"reflect"
	"sync/atomic"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/recommend"
)

// What Beam moves between workers must be registered before a pipeline is
// built, on the submitting side as on the workers', hence in init. An
// accumulator whose fields are not exported and that has no coder would be
// sent as an empty JSON object: no error, and a wrong answer.
func init() {
	beam.RegisterCoder(reflect.TypeFor[Row](), encodeRow, decodeRow)
	beam.RegisterCoder(reflect.TypeFor[*recommend.History](), encodeHistory, decodeHistory)
	beam.RegisterCoder(reflect.TypeFor[*attribution.Journeys](), encodeJourneys, decodeJourneys)
	beam.RegisterCoder(reflect.TypeFor[*experiment.Readout](), encodeReadout, decodeReadout)
	beam.RegisterCoder(reflect.TypeFor[*attribution.Paths](), encodePaths, decodePaths)
	beam.RegisterCoder(reflect.TypeFor[*experiment.Moments](), encodeMoments, decodeMoments)

	register.Combiner2[*recommend.History, Row](&historyFn{})
	register.Combiner1[*recommend.History](&historiesFn{})
	register.Combiner2[*attribution.Journeys, Row](&journeysFn{})
	register.Combiner1[*attribution.Journeys](&manyJourneysFn{})
	register.Combiner2[*experiment.Readout, Row](&readoutFn{})
	register.Combiner1[*experiment.Readout](&readoutsFn{})
	register.Combiner1[*attribution.Paths](&pathsFn{})
	register.Combiner2[*experiment.Moments, int64](&momentsFn{})
}

func encodeRow(r Row) ([]byte, error)    { return appendLine(nil, r) }
func decodeRow(data []byte) (Row, error) { return parseLine(data) }

func encode(x encoding.BinaryAppender) ([]byte, error) { return x.AppendBinary(nil) }

func decode[T encoding.BinaryUnmarshaler](x T, err error, data []byte) (T, error) {
	if err != nil {
		return x, err
	}
	return x, x.UnmarshalBinary(data)
}

func encodeHistory(h *recommend.History) ([]byte, error) { return encode(h) }
func decodeHistory(data []byte) (*recommend.History, error) {
	h, err := newHistory()
	return decode(h, err, data)
}

func encodeJourneys(j *attribution.Journeys) ([]byte, error) { return encode(j) }
func decodeJourneys(data []byte) (*attribution.Journeys, error) {
	j, err := newJourneys()
	return decode(j, err, data)
}

func encodeReadout(r *experiment.Readout) ([]byte, error) { return encode(r) }
func decodeReadout(data []byte) (*experiment.Readout, error) {
	r, err := newReadout()
	return decode(r, err, data)
}

func encodePaths(p *attribution.Paths) ([]byte, error) { return encode(p) }
func decodePaths(data []byte) (*attribution.Paths, error) {
	return decode(new(attribution.Paths), nil, data)
}

func encodeMoments(m *experiment.Moments) ([]byte, error) { return encode(m) }
func decodeMoments(data []byte) (*experiment.Moments, error) {
	return decode(new(experiment.Moments), nil, data)
}

// merges counts the merges of accumulators that an engine asked of this
// process, which is where the workers of Prism run.
var merges atomic.Int64

func merge[T interface{ Merge(T) error }](a, b T) (T, error) {
	merges.Add(1)
	return a, a.Merge(b)
}

// historyFn combines rows to the history of who was interested in what.
type historyFn struct{}

func (*historyFn) CreateAccumulator() (*recommend.History, error) { return newHistory() }
func (*historyFn) AddInput(h *recommend.History, r Row) (*recommend.History, error) {
	return h, h.Observe(r.User, r.Event, r.Fields, r.At)
}

func (*historyFn) MergeAccumulators(a, b *recommend.History) (*recommend.History, error) {
	return merge(a, b)
}

// historiesFn combines what workers have combined.
type historiesFn struct{}

func (*historiesFn) CreateAccumulator() (*recommend.History, error) { return newHistory() }
func (*historiesFn) AddInput(all, some *recommend.History) (*recommend.History, error) {
	return merge(all, some)
}

func (*historiesFn) MergeAccumulators(a, b *recommend.History) (*recommend.History, error) {
	return merge(a, b)
}

// journeysFn combines rows to the journeys of all persons.
type journeysFn struct{}

func (*journeysFn) CreateAccumulator() (*attribution.Journeys, error) { return newJourneys() }
func (*journeysFn) AddInput(j *attribution.Journeys, r Row) (*attribution.Journeys, error) {
	return j, j.Observe(r.User, r.Event, r.Fields, r.At)
}

func (*journeysFn) MergeAccumulators(a, b *attribution.Journeys) (*attribution.Journeys, error) {
	return merge(a, b)
}

// manyJourneysFn combines what workers have combined.
type manyJourneysFn struct{}

func (*manyJourneysFn) CreateAccumulator() (*attribution.Journeys, error) { return newJourneys() }
func (*manyJourneysFn) AddInput(all, some *attribution.Journeys) (*attribution.Journeys, error) {
	return merge(all, some)
}

func (*manyJourneysFn) MergeAccumulators(a, b *attribution.Journeys) (*attribution.Journeys, error) {
	return merge(a, b)
}

// readoutFn combines rows to the readout of the experiment.
type readoutFn struct{}

func (*readoutFn) CreateAccumulator() (*experiment.Readout, error) { return newReadout() }
func (*readoutFn) AddInput(x *experiment.Readout, r Row) (*experiment.Readout, error) {
	return x, x.Observe(r.User, r.Event, r.Fields, r.At)
}

func (*readoutFn) MergeAccumulators(a, b *experiment.Readout) (*experiment.Readout, error) {
	return merge(a, b)
}

// readoutsFn combines what workers have combined.
type readoutsFn struct{}

func (*readoutsFn) CreateAccumulator() (*experiment.Readout, error) { return newReadout() }
func (*readoutsFn) AddInput(all, some *experiment.Readout) (*experiment.Readout, error) {
	return merge(all, some)
}

func (*readoutsFn) MergeAccumulators(a, b *experiment.Readout) (*experiment.Readout, error) {
	return merge(a, b)
}

// pathsFn combines the paths of single persons to those of all.
type pathsFn struct{}

func (*pathsFn) CreateAccumulator() *attribution.Paths { return new(attribution.Paths) }
func (*pathsFn) AddInput(p, one *attribution.Paths) (*attribution.Paths, error) {
	return merge(p, one)
}

func (*pathsFn) MergeAccumulators(a, b *attribution.Paths) (*attribution.Paths, error) {
	return merge(a, b)
}

// momentsFn combines persons' outcomes, in cents, to the moments of an arm.
type momentsFn struct{}

func (*momentsFn) CreateAccumulator() *experiment.Moments { return new(experiment.Moments) }
func (*momentsFn) AddInput(m *experiment.Moments, cents int64) (*experiment.Moments, error) {
	m.Add(float64(cents))
	return m, m.Err()
}

func (*momentsFn) MergeAccumulators(a, b *experiment.Moments) (*experiment.Moments, error) {
	return merge(a, b)
}
