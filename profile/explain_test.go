package profile

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	s := newTest(t, Options{})
	cookie, phone, mail, kitchen := Key{AnonymousID, "c"}, Key{Phone, "+6421000111"}, Key{Email, "a@x.io"}, Key{AnonymousID, "kitchen"}
	at := epoch
	link := func(id string, keys ...Key) {
		at = at.Add(time.Minute)
		e := event("e", at, keys...)
		e.ID = id
		switch id {
		case "m2":
			e.Type, e.Fields = Alias, map[string]any{"context.library.name": "analytics.js", "context.source": strings.Repeat("x", 257)}
		case "m4":
			e.Type, e.Fields = Identify, map[string]any{"context.library.name": "analytics.js", "context.source": "crm"}
		}
		s.must(t, e)
	}
	link("m1", cookie, phone)
	link("m2", phone, ann)
	link("m3", ann, mail)
	link("m4", mail, cookie)
	link("m5", mail, cookie)
	link("m6", ann, kitchen)
	link("m7", bob, kitchen)
	path, err := s.Explain(cookie, Key{Email, "A@X.IO"})
	require.NoError(t, err)
	require.Equal(t, []Edge{{cookie, mail, "m4", epoch.Add(4 * time.Minute), LinkIdentify, "crm"}}, path)
	path, err = s.Explain(ann, cookie)
	require.NoError(t, err)
	require.Equal(t, []Edge{{ann, phone, "m2", epoch.Add(2 * time.Minute), LinkAlias, "analytics.js"}, {phone, cookie, "m1", epoch.Add(time.Minute), LinkEvent, ""}}, path)
	require.Equal(t, `user_id:ann — phone:+6421000111 (alias "m2" at 2026-03-01T12:02:00Z from "analytics.js")`, path[0].String())
	require.Equal(t, `phone:+6421000111 — anonymous_id:c (event "m1" at 2026-03-01T12:01:00Z)`, path[1].String())
	path, err = s.Explain(ann, ann)
	require.NoError(t, err)
	require.Empty(t, path)
	_, err = s.Explain(ann, kitchen)
	require.ErrorIs(t, err, ErrNotLinked)
	require.ErrorContains(t, err, "user_id:ann and anonymous_id:kitchen: anonymous_id:kitchen is shared by several persons")
	_, err = s.Explain(ann, Key{Email, "nobody@x.io"})
	require.ErrorIs(t, err, ErrUnknownKey)
}

// Between any two keys of a person there is a path, each step of which is a
// link that an event named, and none is shorter.
func TestExplainEverybody(t *testing.T) {
	for round := range longForm(40) {
		r := rand.New(rand.NewPCG(12, uint64(round)))
		opts := tightOptions()
		s := newTest(t, opts)
		named := map[string]bool{}
		linked := map[Key]map[Key]bool{}
		sorter := model{opts: opts}
		for i := range 30 {
			e := someEvent(r, fmt.Sprint("m", i), tightKeys(r))
			s.must(t, e)
			for k, b := range sorter.sorted(e.Keys) {
				if linked[b] == nil {
					linked[b] = map[Key]bool{}
				}
				if top := sorter.sorted(e.Keys)[0]; k > 0 {
					linked[top][b], linked[b][top] = true, true
				}
			}
			for _, a := range e.Keys {
				for _, b := range e.Keys {
					named[fmt.Sprint(a, b, e.ID)] = true
				}
			}
		}
		for _, u := range s.Users() {
			p, _ := s.Profile(u)
			for _, a := range p.Keys {
				steps := map[Key]int{a: 0}
				for range p.Keys {
					for _, x := range p.Keys {
						for _, y := range p.Keys {
							if n, ok := steps[x]; ok && linked[x][y] {
								if m, ok := steps[y]; !ok || n+1 < m {
									steps[y] = n + 1
								}
							}
						}
					}
				}
				for _, b := range p.Keys {
					path, err := s.Explain(a, b)
					require.NoError(t, err)
					require.Len(t, path, steps[b], "%v to %v", a, b)
					at := a
					for _, e := range path {
						require.Equal(t, at, e.From)
						require.True(t, named[fmt.Sprint(e.From, e.To, e.Event)], "%v", e)
						at = e.To
					}
					require.Equal(t, b, at)
				}
			}
		}
	}
}

// Unmerging what a single event joined gives back what each side would have
// been, with its number, the event itself staying with its strongest key.
func TestUnmergeUndoesMerge(t *testing.T) {
	for round := range longForm(60) {
		r := rand.New(rand.NewPCG(13, uint64(round)))
		cookie := Key{AnonymousID, "c"}
		joined, apart := newTest(t, Options{Clock: Manual}), newTest(t, Options{Clock: Manual})
		v := newRecorder()
		require.NoError(t, joined.Attach("v", v, nil))
		for i := range 2 + r.IntN(12) {
			keys := []Key{ann, {Email, "a@x.io"}}
			if i == 0 || i > 1 && r.IntN(2) == 0 {
				keys = []Key{cookie}
			}
			e := someEvent(r, fmt.Sprint("m", i), keys)
			joined.must(t, e)
			apart.must(t, e)
		}
		link := someEvent(r, "link", []Key{cookie, ann})
		c := joined.must(t, link)
		require.Equal(t, []uint32{2}, c.Merged)
		link.Keys = []Key{ann}
		apart.must(t, link)
		c, err := joined.Unmerge(1, cookie)
		require.NoError(t, err)
		require.Equal(t, []uint32{2}, c.Split)
		want, got := apart.picture(), joined.picture()
		requireSame(t, want, got, "round %d", round)
		for _, k := range []Key{cookie, ann} {
			a, _ := apart.Resolve(k.Kind, k.Value)
			b, _ := joined.Resolve(k.Kind, k.Value)
			require.Equal(t, a, b)
		}
		rows, attributes := v.show()
		wantRows, wantAttributes := joined.wanted(joined.Users())
		require.Equal(t, wantRows, rows)
		require.Equal(t, wantAttributes, attributes)
		require.Empty(t, joined.must(t, someEvent(r, "again", []Key{cookie, ann})).Merged)
	}
	s := newTest(t, Options{})
	s.must(t, event("e", epoch, ann))
	_, err := s.Unmerge(9, ann)
	require.ErrorIs(t, err, ErrUser)
	_, err = s.Unmerge(1, bob)
	require.ErrorIs(t, err, ErrUnknownKey)
	s.must(t, event("e", epoch, bob))
	_, err = s.Unmerge(1, bob)
	require.ErrorIs(t, err, ErrUnknownKey)
}

func exportedPerson(t testing.TB) []byte {
	t.Helper()
	s, err := New(&Options{Clock: Manual})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(14, 1))
	for i := range 12 {
		e := someEvent(r, fmt.Sprint("m", i), []Key{ann, {AnonymousID, fmt.Sprint("c", i%2)}})
		e.Fields["when"] = epoch
		e.Fields["tags"] = []string{"a", "b"}
		if e.Type == Consent {
			delete(e.Fields, "when")
		}
		if _, err := s.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	data, err := s.Export(1)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestImportRefuses(t *testing.T) {
	good := string(exportedPerson(t))
	for _, c := range [][2]string{
		{good, ""},
		{`"user":1`, `"user":1,"nonsense":2`},
		{good, good + good},
		{`"numbers":[1]`, `"numbers":[]`},
		{`"numbers":[1]`, `"numbers":[0]`},
		{`"value":"ann"`, `"value":"null"`},
		{`"kind":"anonymous_id","value":"c0"`, `"kind":"anonymous_id","value":"c1"`},
		{`"combination":1`, `"combination":7`},
		{`"combination":1`, `"combination":-1`},
		{`"type":"identify"`, `"type":"simplify"`},
		{`"id":"m3"`, `"id":""`},
		{`{"$time":"2026-03-01T12:00:00Z"}`, `{"$time":"noon"}`},
		{`{"$time":"2026-03-01T12:00:00Z"}`, `{"$what":1}`},
		{`"first":"2026`, `"first":"0000`},
	} {
		require.Contains(t, good, c[0])
		bad := strings.Replace(good, c[0], c[1], 1)
		s := newTest(t, Options{})
		_, err := s.Import([]byte(bad))
		require.ErrorIs(t, err, ErrImport, "%s for %s", c[1], c[0])
		require.Empty(t, s.Users())
		require.Zero(t, s.graph.size())
	}
	s := newTest(t, Options{})
	user, err := s.Import([]byte(good))
	require.NoError(t, err)
	require.EqualValues(t, 1, user)
	require.NoError(t, s.Close())
	_, err = s.Import([]byte(good))
	require.ErrorIs(t, err, ErrClosed)
}

// A person who was erased by mistake comes back, and late events stay
// refused.
func TestImportAfterErase(t *testing.T) {
	s := newTest(t, Options{})
	e := event("e", epoch, ann)
	s.must(t, e)
	data, err := s.Export(1)
	require.NoError(t, err)
	_, err = s.Erase(1)
	require.NoError(t, err)
	_, err = s.Import(data)
	require.NoError(t, err)
	again, err := s.Export(1)
	require.NoError(t, err)
	require.Equal(t, string(data), string(again))
	e.ID = "late"
	_, err = s.Apply(e)
	require.ErrorIs(t, err, ErrErased)
}

func FuzzImport(f *testing.F) {
	f.Add(exportedPerson(f))
	f.Add([]byte(`{"user":1,"numbers":[1,4294967295],"keys":[{"kind":"a","value":"b"}],"combinations":[{"keys":[{"kind":"a","value":"b"}],"first":"2026-03-01T12:00:00Z","last":"2026-03-01T12:00:00Z","event":""}],"attributes":[],"traits":{},"consents":[],"events":[]}`))
	f.Add([]byte(`{}`))
	tagged := newTest(f, Options{})
	u := tagged.must(f, event("e", epoch, ann)).User
	for _, tag := range []Tag{{Name: "a.b", Source: "x", At: epoch, Until: epoch.Add(time.Hour)}, {Name: "c", Confidence: 0.5, At: epoch}} {
		_, err := tagged.Tag(u, tag)
		require.NoError(f, err)
	}
	_, err := tagged.Untag(u, "d", "y", epoch)
	require.NoError(f, err)
	data, err := tagged.Export(u)
	require.NoError(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newTest(t, Options{})
		if _, err := s.Import(data); err != nil {
			return
		}
		s.checkInvariants(t)
		for _, u := range s.Users() {
			out, err := s.Export(u)
			require.NoError(t, err)
			require.True(t, json.Valid(out))
			_, err = s.Import(out)
			require.NoError(t, err)
			again, err := s.Export(u)
			require.NoError(t, err)
			require.Equal(t, string(out), string(again))
		}
	})
}
