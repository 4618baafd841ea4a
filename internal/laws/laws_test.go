package laws

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/wire"
)

// toy is the least view that obeys the laws: sorted rows by user. Its fault
// makes it break one of them.
type toy struct {
	fault string
	rows  map[uint32][]string
	last  uint32
}

func (x *toy) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	row := fmt.Sprint(at.Unix(), event, fields)
	if x.rows == nil {
		x.rows = map[uint32][]string{}
	}
	x.rows[user] = append(x.rows[user], row)
	if x.fault != "arrival order" {
		slices.Sort(x.rows[user])
	}
	x.last = user
	return nil
}

func (x *toy) Rename(from, to uint32) error {
	if x.fault == "rename drops" && len(x.rows[to]) > 0 {
		delete(x.rows, from)
	}
	if rows := x.rows[from]; len(rows) > 0 {
		x.rows[to] = append(x.rows[to], rows...)
		slices.Sort(x.rows[to])
	}
	delete(x.rows, from)
	return nil
}

func (x *toy) Erase(user uint32) error {
	switch {
	case x.fault == "erase leaves one" && len(x.rows[user]) > 0:
		x.rows[user] = x.rows[user][:1]
	case x.fault == "erase fails":
		return errors.New("refused")
	default:
		delete(x.rows, user)
	}
	return nil
}

func (x *toy) Merge(other *toy) error {
	for user, rows := range other.rows {
		if x.fault == "merge keeps mine" && len(x.rows[user]) > 0 {
			continue
		}
		for _, row := range rows {
			if x.rows == nil {
				x.rows = map[uint32][]string{}
			}
			x.rows[user] = append(x.rows[user], row)
		}
		slices.Sort(x.rows[user])
	}
	if x.fault == "merge takes" {
		other.rows = nil
	}
	return nil
}

func (x *toy) AppendBinary(b []byte) ([]byte, error) {
	w := wire.NewWriter("toy", 0)
	s := w.Section("rows")
	users := make([]uint32, 0, len(x.rows))
	for user := range x.rows {
		users = append(users, user)
	}
	slices.Sort(users)
	s.Count(len(users))
	for _, user := range users {
		s.Uvarint(uint64(user))
		s.Strings(x.rows[user])
	}
	if x.fault == "garbage in bytes" {
		s.Uvarint(uint64(x.last))
	}
	w.Section(wire.Meta).Uvarint(uint64(x.last))
	if x.fault == "overwrites" {
		b = nil
	}
	return w.AppendTo(b), nil
}

func (x *toy) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, "toy", 0)
	if err != nil {
		if x.fault == "damaged on error" {
			x.rows = nil
		}
		if x.fault == "accepts damage" {
			return nil
		}
		return err
	}
	r := f.Section("rows")
	rows := map[uint32][]string{}
	next := uint32(0)
	if x.fault == "half read" {
		x.rows = rows
	}
	for range r.Count(2) {
		user := r.Uint32()
		if x.fault == "room for all users" {
			rows[0] = make([]string, min(user, 1<<24))
		}
		list := r.Strings()
		if x.fault != "any order" && (len(list) == 0 || !slices.IsSorted(list) || user < next) {
			r.Fail("user %d out of order", user)
			break
		}
		next, rows[user] = user+1, list
	}
	if x.fault == "refuses its own" && len(rows) == 2 && r.Err() == nil {
		return errors.New("refused")
	}
	if x.fault == "garbage in bytes" {
		r.Uvarint()
	}
	if err := r.Close(); err != nil {
		return err
	}
	m := f.Section(wire.Meta)
	last := m.Uint32()
	if err := m.Close(); err != nil {
		return err
	}
	x.last = last
	if x.fault != "decodes nothing" {
		x.rows = rows
	}
	return nil
}

// album is a toy that gives pictures of itself.
type album struct{ toy }

func (x *album) Merge(other *album) error { return x.toy.Merge(&other.toy) }

func (x *album) Snapshot() io.WriterTo {
	if x.fault == "late picture" {
		return writerTo(func(w io.Writer) (int64, error) {
			data, err := x.AppendBinary(nil)
			if err != nil {
				return 0, err
			}
			n, err := w.Write(data)
			return int64(n), err
		})
	}
	data, _ := x.AppendBinary(nil)
	return bytes.NewReader(data)
}

type writerTo func(w io.Writer) (int64, error)

func (f writerTo) WriteTo(w io.Writer) (int64, error) { return f(w) }

func TestBrokenPicturesAreCaught(t *testing.T) {
	albums := func(fault string) ViewSpec[*album] {
		return ViewSpec[*album]{New: func() *album { return &album{toy{fault: fault}} }, Row: toyRow}
	}
	CheckView(t, albums(""))
	require.Contains(t, broken(viewLaws(albums("late picture")), func(r *rand.Rand) []Row {
		log := make([]Row, r.IntN(12))
		for i := range log {
			log[i] = toyRow(r)
		}
		return log
	}), "snapshot")
}

func toyRow(r *rand.Rand) Row {
	return Row{User: 1 + r.Uint32N(3), Event: "e", Fields: map[string]any{"n": r.IntN(2)}, At: time.Unix(r.Int64N(4), 0)}
}

func TestToyObeysTheLaws(t *testing.T) {
	CheckView(t, ViewSpec[*toy]{New: func() *toy { return &toy{} }, Row: toyRow})
}

// recorder notes failures where a test would fail.
type recorder struct{ failures []string }

type fatal struct{}

func (r *recorder) Helper()      {}
func (r *recorder) Failed() bool { return len(r.failures) > 0 }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(fatal{})
}

// broken returns the names of the laws that fail on some random log.
func broken[E any](laws []law[E], draw func(r *rand.Rand) []E) []string {
	var names []string
	for _, l := range laws {
		for i := range 50 {
			rec := &recorder{}
			func() {
				defer func() {
					if p := recover(); p != nil && p != any(fatal{}) {
						panic(p)
					}
				}()
				r := seed(i)
				l.check(rec, r, draw(r))
			}()
			if rec.Failed() {
				names = append(names, l.name)
				break
			}
		}
	}
	return names
}

// The checks have teeth: each way of breaking a law is found by that law.
func TestBrokenViewsAreCaught(t *testing.T) {
	for fault, want := range map[string]string{
		"":                 "",
		"arrival order":    "order",
		"erase leaves one": "erase",
		"erase fails":      "erase",
		"rename drops":     "rename",
		"merge keeps mine": "merge",
		"merge takes":      "merge",
		"garbage in bytes": "erase",
		"overwrites":       "bytes",
		"damaged on error": "bytes",
		"accepts damage":   "bytes",
		"decodes nothing":  "bytes",
		"refuses its own":  "bytes",

		"half read":          "hostile",
		"room for all users": "hostile",
	} {
		got := broken(viewLaws(ViewSpec[*toy]{New: func() *toy { return &toy{fault: fault} }, Row: toyRow}), func(r *rand.Rand) []Row {
			log := make([]Row, r.IntN(12))
			for i := range log {
				log[i] = toyRow(r)
			}
			return log
		})
		if want == "" {
			require.Empty(t, got)
		} else {
			require.Contains(t, got, want, "fault %q", fault)
		}
	}
}

func TestBrokenBytesAreCaught(t *testing.T) {
	toys := func(fault string) BytesSpec[*toy] {
		return BytesSpec[*toy]{
			New: func() *toy { return &toy{fault: fault} },
			Draw: func(r *rand.Rand) *toy {
				x := &toy{fault: fault}
				for range r.IntN(12) {
					row := toyRow(r)
					_ = x.Observe(row.User, row.Event, row.Fields, row.At)
				}
				if fault == "not the same twice" {
					x.last = rand.Uint32()
				}
				return x
			},
		}
	}
	CheckBytes(t, toys(""))
	for fault, want := range map[string]string{
		"not the same twice": "deterministic",
		"overwrites":         "bytes",
		"damaged on error":   "bytes",
		"accepts damage":     "bytes",
		"half read":          "hostile",
		"room for all users": "hostile",
		"any order":          "hostile",
	} {
		require.Contains(t, broken(bytesLaws(toys(fault)), func(r *rand.Rand) []uint64 {
			return []uint64{r.Uint64(), r.Uint64()}
		}), want, "fault %q", fault)
	}
}

func TestBrokenGoldenBytesAreCaught(t *testing.T) {
	now := func(fault string, users int) *toy {
		x := &toy{fault: fault}
		for i := range users {
			_ = x.Observe(uint32(i+1), "e", nil, time.Unix(int64(i), 0))
		}
		return x
	}
	file := filepath.Join(t.TempDir(), "toy.v0.bin")
	t.Setenv("ZHUN_UPDATE", "1")
	CheckGolden(t, file, now("", 3), &toy{})
	t.Setenv("ZHUN_UPDATE", "")
	CheckGolden(t, file, now("", 3), &toy{})
	for what, pair := range map[string][2]*toy{
		"written now":       {now("", 2), &toy{}},
		"written otherwise": {now("", 3), &toy{fault: "decodes nothing"}},
	} {
		rec := &recorder{}
		CheckGolden(rec, file, pair[0], pair[1])
		require.Contains(t, strings.Join(rec.failures, "\n"), what)
	}
	rec := &recorder{}
	require.Panics(t, func() { CheckGolden(rec, file+" not there", now("", 3), &toy{}) })
}

// total is a summary; plain float sums of large terms are its fault.
type total struct {
	fault string
	sum   stats.Sum
	n     int64
}

func (x *total) add(v float64, sign int64) error {
	if x.fault == "float" {
		var s stats.Sum
		s.Add(x.sum.Value() + v*float64(sign))
		x.sum = s
	} else {
		x.sum.Add(v * float64(sign))
	}
	if x.fault != "count stays" || sign > 0 {
		x.n += sign
	}
	return nil
}

func (x *total) merge(o *total) error {
	x.sum.Merge(o.sum)
	if x.fault != "merge forgets" {
		x.n += o.n
	}
	return nil
}

func (x *total) AppendBinary(b []byte) ([]byte, error) {
	w := wire.NewWriter("total", 0)
	s := w.Section("sums")
	x.sum.Write(s)
	s.Varint(x.n)
	return w.AppendTo(b), nil
}

func (x *total) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, "total", 0)
	if err != nil {
		return err
	}
	r := f.Section("sums")
	sum, n := stats.ReadSum(r), r.Varint()
	if err := r.Close(); err != nil {
		return err
	}
	x.sum, x.n = sum, n
	return nil
}

func totalSpec(fault string) SummarySpec[*total, float64] {
	return SummarySpec[*total, float64]{
		New:    func() *total { return &total{fault: fault} },
		Sample: func(r *rand.Rand) float64 { return float64(r.Int64N(1<<53) << r.IntN(8)) },
		Add:    func(x *total, s float64) error { return x.add(s, 1) },
		Sub:    func(x *total, s float64) error { return x.add(s, -1) },
		Merge:  func(dst, src *total) error { return dst.merge(src) },
	}
}

func TestBrokenSummariesAreCaught(t *testing.T) {
	CheckSummary(t, totalSpec(""))
	draw := func(r *rand.Rand) []float64 {
		s := make([]float64, r.IntN(12))
		for i := range s {
			s[i] = totalSpec("").Sample(r)
		}
		return s
	}
	for fault, want := range map[string]string{"float": "order", "count stays": "sub", "merge forgets": "merge"} {
		require.Contains(t, broken(summaryLaws(totalSpec(fault)), draw), want, "fault %q", fault)
	}
}

// visit is an event of a toy store of persons who are known by two keys.
type visit struct {
	id   int
	keys []string
}

// club is a store that keeps its log and computes persons when asked.
type club struct {
	fault  string
	log    []visit
	erased map[string]bool
}

func (c *club) apply(v visit) error {
	for _, k := range v.keys {
		if c.erased[k] && c.fault != "no tombstones" {
			return nil
		}
	}
	if c.fault != "no dedupe" && slices.ContainsFunc(c.log, func(o visit) bool { return o.id == v.id }) {
		return nil
	}
	c.log = append(c.log, v)
	return nil
}

func (c *club) person(key string) map[string]bool {
	person := map[string]bool{key: true}
	for range c.log {
		for _, v := range c.log {
			if slices.ContainsFunc(v.keys, func(k string) bool { return person[k] }) {
				for _, k := range v.keys {
					person[k] = true
				}
			}
		}
	}
	return person
}

func (c *club) show(key string) []byte {
	person := c.person(key)
	var ids []string
	for _, v := range c.log {
		if person[v.keys[0]] {
			ids = append(ids, fmt.Sprint(v.id))
		}
	}
	if c.fault != "arrival order" {
		slices.Sort(ids)
	}
	return []byte(strings.Join(ids, " "))
}

func (c *club) erase(key string) error {
	person := c.person(key)
	if c.fault == "erases a key only" {
		person = map[string]bool{key: true}
	}
	c.log = slices.DeleteFunc(c.log, func(v visit) bool { return person[v.keys[0]] })
	for k := range person {
		c.erased[k] = true
	}
	return nil
}

func clubSpec(fault string) StoreSpec[*club, visit] {
	return StoreSpec[*club, visit]{
		New: func(uint32, uint32) *club { return &club{fault: fault, erased: map[string]bool{}} },
		Event: func(r *rand.Rand, i, _ int) visit {
			v := visit{id: i, keys: []string{fmt.Sprint("a", r.IntN(5))}}
			if r.IntN(3) == 0 {
				v.keys = append(v.keys, fmt.Sprint("b", r.IntN(3)))
			}
			return v
		},
		Keys:  func(v visit) []string { return v.keys },
		Apply: (*club).apply,
		Show:  (*club).show,
		Erase: (*club).erase,
		Merge: func(dst, src *club) error {
			if fault == "merge forgets" {
				return nil
			}
			for _, v := range src.log {
				if err := dst.apply(v); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func TestBrokenStoresAreCaught(t *testing.T) {
	CheckStore(t, clubSpec(""))
	draw := func(r *rand.Rand) []visit {
		log := make([]visit, 1+r.IntN(10))
		for i := range log {
			log[i] = clubSpec("").Event(r, i, len(log))
		}
		return log
	}
	for fault, want := range map[string]string{
		"arrival order": "order", "no dedupe": "redelivery", "no tombstones": "erase",
		"erases a key only": "erase", "merge forgets": "merge",
	} {
		require.Contains(t, broken(storeLaws(clubSpec(fault)), draw), want, "fault %q", fault)
	}
}
