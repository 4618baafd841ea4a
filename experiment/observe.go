package experiment

import (
	"math"
	"strconv"
	"time"

	"github.com/zhun-go/zhun/internal/value"
)

// Observe reads an event of a user, by the mapping of the options. What cannot
// be used is counted in [Readout.Stats] and ignored; the only error is a
// user 0. The fields are read during the call and not kept.
func (r *Readout) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	if user == 0 {
		return &ValueError{"Observe", "event", event, ErrUser}
	}
	st, outcome := r.set.streams[event]
	if !outcome && event != r.set.exposure.Event {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !usable(at) {
		r.stats.BadTime++
		return nil
	}
	if !outcome {
		r.observeExposure(user, fields, at)
		return nil
	}
	found := false
	for i, s := range st.values {
		v, ok := firstNumber(fields, s.fields)
		if ok {
			r.record(user, s.name, v, at)
			found = found || i == 0
		} else {
			r.stats.NoValue++
		}
	}
	if !found {
		r.record(user, st.present, 0, at)
	}
	return nil
}

func (r *Readout) observeExposure(user uint32, fields map[string]any, at time.Time) {
	x := &r.set.exposure
	if name, _ := firstName(fields, x.Experiment); name != r.set.experiment {
		r.stats.OtherTests++
		return
	}
	arm, ok := firstName(fields, x.Arm)
	if !ok {
		r.stats.NoArm++
		return
	}
	e := Exposure{Arm: arm, At: at}
	if v, there := fields[x.Unit]; there {
		if e.Unit, ok = name(v); !ok {
			r.stats.BadUnit++
		}
	}
	if v, there := fields[x.Epoch]; there {
		if e.Epoch, ok = epoch(v); !ok {
			r.stats.BadEpoch++
		}
	}
	r.expose(user, e)
}

// name reads a field that names something: a string that is not empty, or a
// whole number.
func name(v any) (string, bool) {
	v, ok := value.Normalize(v)
	if !ok {
		return "", false
	}
	switch x := v.(type) {
	case string:
		return x, x != ""
	case int64:
		return strconv.FormatInt(x, 10), true
	case float64:
		if x == math.Trunc(x) && math.Abs(x) <= value.MaxInt {
			return strconv.FormatInt(int64(x), 10), true
		}
	}
	return "", false
}

func firstName(fields map[string]any, keys []string) (string, bool) {
	for _, k := range keys {
		if v, ok := fields[k]; ok {
			if s, ok := name(v); ok {
				return s, true
			}
		}
	}
	return "", false
}

func firstNumber(fields map[string]any, keys []string) (float64, bool) {
	for _, k := range keys {
		if v, ok := fields[k]; ok {
			if n, ok := value.Normalize(v); ok {
				if x, ok := value.Float(n); ok && math.Abs(x) <= maxValue {
					return x, true
				}
			}
		}
	}
	return 0, false
}

func epoch(v any) (int, bool) {
	s, ok := name(v)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0, false
	}
	return int(n), true
}
