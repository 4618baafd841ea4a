package profile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zhun-go/zhun/internal/value"
)

// recorder is the obvious view: it keeps what it is told.
type recorder struct {
	rows       map[uint32][]string // by time as they came
	attributes map[uint32]map[string]said
	now        time.Time
	attached   bool
	replaying  bool
	replayed   int
	delivered  atomic.Int32
	onDeliver  func()
	fail       string // the verb that fails
	calls      []string
	keepCalls  bool
}

type said struct {
	at    time.Time
	value any
}

func newRecorder() *recorder {
	return &recorder{rows: map[uint32][]string{}, attributes: map[uint32]map[string]said{}}
}

var errRecorder = errors.New("recorder is full")

func (r *recorder) did(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	if r.keepCalls {
		r.calls = append(r.calls, call)
	}
	if r.fail != "" && len(call) >= len(r.fail) && call[:len(r.fail)] == r.fail {
		return errRecorder
	}
	return nil
}

func (r *recorder) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	if err := r.did("Observe %d %s", user, event); err != nil {
		return err
	}
	if r.replaying {
		r.replayed++
	}
	r.rows[user] = append(r.rows[user], fmt.Sprintf("%s %s %s %s", at.Format(time.RFC3339Nano), fields["message_id"], event, text(fields)))
	return nil
}

func (r *recorder) Update(user uint32, attributes map[string]any, at time.Time) error {
	if err := r.did("Update %d %s", user, text(attributes)); err != nil {
		return err
	}
	m := r.attributes[user]
	if m == nil {
		m = map[string]said{}
		r.attributes[user] = m
	}
	for k, v := range attributes {
		m[k] = latest(m[k], said{at, value.Clone(v)})
	}
	return nil
}

func latest(a, b said) said {
	if c := a.at.Compare(b.at); c > 0 || c == 0 && value.Compare(a.value, b.value) >= 0 {
		return a
	}
	return b
}

func (r *recorder) Rename(from, to uint32) error {
	if err := r.did("Rename %d %d", from, to); err != nil {
		return err
	}
	r.rows[to] = append(r.rows[to], r.rows[from]...)
	for k, v := range r.attributes[from] {
		if r.attributes[to] == nil {
			r.attributes[to] = map[string]said{}
		}
		r.attributes[to][k] = latest(r.attributes[to][k], v)
	}
	delete(r.rows, from)
	delete(r.attributes, from)
	return nil
}

func (r *recorder) Erase(user uint32) error {
	if err := r.did("Erase %d", user); err != nil {
		return err
	}
	delete(r.rows, user)
	delete(r.attributes, user)
	return nil
}

func (r *recorder) Advance(now time.Time) error {
	if now.Before(r.now) {
		return errors.New("clock moved back")
	}
	r.now = now
	return r.did("Advance")
}

func (r *recorder) AppendBinary(b []byte) ([]byte, error) { return b, nil }
func (r *recorder) UnmarshalBinary([]byte) error          { return nil }
func (r *recorder) Attached(on bool)                      { r.attached = on }
func (r *recorder) Replaying(on bool)                     { r.replaying = on }

func (r *recorder) Deliver() {
	r.delivered.Add(1)
	if r.onDeliver != nil {
		r.onDeliver()
	}
}

// show returns the rows in canonical order and the attributes that hold.
func (r *recorder) show() (rows map[uint32][]string, attributes map[uint32]string) {
	rows, attributes = map[uint32][]string{}, map[uint32]string{}
	for u, x := range r.rows {
		rows[u] = slices.Sorted(slices.Values(x))
	}
	for u, m := range r.attributes {
		out := map[string]any{}
		for k, v := range m {
			if v.value != nil {
				out[k] = v.value
			}
		}
		attributes[u] = text(out)
	}
	maps.DeleteFunc(attributes, func(_ uint32, s string) bool { return s == "" })
	maps.DeleteFunc(rows, func(_ uint32, x []string) bool { return len(x) == 0 })
	return rows, attributes
}

// wanted returns what a view that holds the given users should show.
func (s *Store) wanted(users []uint32) (rows map[uint32][]string, attributes map[uint32]string) {
	rows, attributes = map[uint32][]string{}, map[uint32]string{}
	for _, u := range users {
		p := s.people.of(u)
		var d decoded
		for _, x := range p.rows {
			s.log.decode(x.pos(), &d)
			if d.typ == Identify || d.typ == Consent {
				continue
			}
			d.fields["message_id"] = d.id
			rows[u] = append(rows[u], fmt.Sprintf("%s %s %s %s", x.time().Format(time.RFC3339Nano), d.id, d.view(), text(d.fields)))
		}
		if slices.Sort(rows[u]); len(rows[u]) == 0 {
			delete(rows, u)
		}
		if a := text(s.attributesOf(p)); a != "" {
			attributes[u] = a
		}
	}
	return rows, attributes
}
