package profile

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// said is a statement about a tag, with the key that it was made of.
type saidTag struct {
	key Key
	tag Tag
}

// wantedHeadings counts the headings anew from all statements of a person.
func wantedHeadings(said []saidTag, keys []Key, now time.Time) []string {
	type place struct{ name, source string }
	best := map[place]Tag{}
	for _, x := range said {
		if !slices.Contains(keys, x.key) {
			continue
		}
		at := place{x.tag.Name, x.tag.Source}
		old, ok := best[at]
		if !ok || x.tag.At.After(old.At) || x.tag.At.Equal(old.At) && x.tag.Confidence < old.Confidence {
			best[at] = x.tag
		}
	}
	var out []string
	for _, t := range best {
		if t.Confidence == 0 || !t.Until.IsZero() && !t.Until.After(now) {
			continue
		}
		parts := strings.Split(t.Name, ".")
		for i := range parts {
			out = append(out, strings.Join(parts[:i+1], "."))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Tags stay with the keys they were said of through merges, splits, erasures
// and imports, expire with the clock, and views always hold the same.
func TestTagsFollowPersons(t *testing.T) {
	t.Parallel()
	for round := range longForm(60) {
		r := rand.New(rand.NewPCG(31, uint64(round)))
		opts := tightOptions()
		opts.Traits = []Trait{{Name: "tags", Kind: Tags}, {Name: "orders", Kind: Count, Events: []string{OrderCompleted}}}
		s := newTest(t, opts)
		now := epoch.Add(2 * time.Hour)
		early, late := newRecorder(), newRecorder()
		require.NoError(t, s.Attach("early", early, nil))
		var said []saidTag
		for step := range 60 {
			users := s.Users()
			switch k := r.IntN(12); {
			case k < 6 || len(users) == 0:
				s.must(t, someEvent(r, fmt.Sprint("m", step), tightKeys(r)))
			case k < 9:
				u := users[r.IntN(len(users))]
				p, _ := s.Profile(u)
				x := Tag{
					Name:   []string{"a", "a.b", "a.b.c", "a.bc", "d"}[r.IntN(5)],
					Source: []string{"x", "y"}[r.IntN(2)], Confidence: float64(1+r.IntN(2)) / 2,
					At: now.Add(-time.Duration(r.IntN(5)) * time.Minute),
				}
				var err error
				switch r.IntN(4) {
				case 0:
					x.Confidence = 0
					_, err = s.Untag(u, x.Name, x.Source, x.At)
				case 1:
					x.Until = now.Add(time.Duration(1+r.IntN(600)) * time.Second)
					fallthrough
				default:
					_, err = s.Tag(u, x)
				}
				require.NoError(t, err)
				// Two statements at one instant that differ in expiry only
				// are told apart by it, which the recount does not do.
				said = slices.DeleteFunc(said, func(y saidTag) bool {
					return y.key == p.Keys[0] && y.tag.Name == x.Name && y.tag.Source == x.Source && y.tag.At.Equal(x.At) &&
						y.tag.Confidence == x.Confidence && (x.Until.IsZero() && !y.tag.Until.IsZero() || y.tag.Until.After(x.Until))
				})
				if !slices.ContainsFunc(said, func(y saidTag) bool {
					return y.key == p.Keys[0] && y.tag.Name == x.Name && y.tag.Source == x.Source && y.tag.At.Equal(x.At) && y.tag.Confidence == x.Confidence
				}) {
					said = append(said, saidTag{p.Keys[0], x})
				}
			case k == 9:
				u := users[r.IntN(len(users))]
				p, _ := s.Profile(u)
				_, err := s.Erase(u)
				require.NoError(t, err)
				s.tombs.until = map[[32]byte]instant{}
				said = slices.DeleteFunc(said, func(x saidTag) bool { return slices.Contains(p.Keys, x.key) })
			case k == 10:
				u := users[r.IntN(len(users))]
				data, err := s.Export(u)
				require.NoError(t, err)
				_, err = s.Import(data)
				require.NoError(t, err)
				again, err := s.Export(u)
				require.NoError(t, err)
				require.Equal(t, string(data), string(again))
			default:
				now = now.Add(time.Duration(r.IntN(300)) * time.Second)
				require.NoError(t, s.Advance(now, nil))
			}
			if step == 30 {
				require.NoError(t, s.Attach("late", late, nil))
			}
			for _, u := range s.Users() {
				p, _ := s.Profile(u)
				got, _ := p.Attributes["tags"].([]string)
				require.Equal(t, wantedHeadings(said, p.Keys, now), got, "round %d step %d", round, step)
				require.Equal(t, slices.Contains(got, "a.b"), s.Tagged("a.b", 0).Contains(u))
			}
			_, wanted := s.wanted(s.Users())
			_, attributes := early.show()
			require.Equal(t, wanted, attributes, "round %d step %d", round, step)
			if step >= 30 {
				_, attributes := late.show()
				require.Equal(t, wanted, attributes, "round %d step %d", round, step)
			}
		}
	}
}

func TestTagRefused(t *testing.T) {
	s := newTest(t, Options{MaxTags: 2})
	u := s.must(t, event("e", epoch, ann)).User
	for _, bad := range []Tag{
		{Name: "", At: epoch},
		{Name: "a..b", At: epoch},
		{Name: ".a", At: epoch},
		{Name: "a\xff", At: epoch},
		{Name: strings.Repeat("x", 257), At: epoch},
		{Name: "a", Confidence: 1.5, At: epoch},
		{Name: "a", At: epoch, Until: epoch},
	} {
		_, err := s.Tag(u, bad)
		require.ErrorIs(t, err, ErrTag, "%v", bad)
	}
	_, err := s.Tag(u, Tag{Name: "a"})
	require.ErrorIs(t, err, ErrTime)
	_, err = s.Tag(u+1, Tag{Name: "a", At: epoch})
	require.ErrorIs(t, err, ErrUser)
	for i, want := range []error{nil, nil, ErrTag} {
		_, err = s.Tag(u, Tag{Name: fmt.Sprint("t", i), At: epoch})
		require.ErrorIs(t, err, want)
	}
	require.Len(t, s.TagsOf(u), 2)
	r, err := s.Erase(u)
	require.NoError(t, err)
	require.Equal(t, 2, r.Tags)
}

func TestTaxonomy(t *testing.T) {
	const head = "Unique ID,Parent ID,Name\n"
	tax, err := ReadTaxonomy(strings.NewReader("Some system,,\n"+head+"1,,Food & Drink\n3,2,Céréales\n2,1,Baby  Food!\n"), &TaxonomyOptions{Prefix: "interest"})
	require.NoError(t, err)
	var all []string
	for id, name := range tax.All() {
		all = append(all, id+" "+name)
	}
	require.Equal(t, []string{"1 interest.food_drink", "3 interest.food_drink.baby_food.céréales", "2 interest.food_drink.baby_food"}, all)
	for _, x := range []struct{ text, want string }{
		{"", "no line names the columns"},
		{"Name,Parent\n", "no line names the columns"},
		{head + "1\n", "too few columns"},
		{head + "1,,A\n1,,B\n", `line 3: id is missing or comes twice: "1"`},
		{head + "1,,!\n", "no name"},
		{head + "1,7,A\n", `"1" has the unknown parent "7"`},
		{head + "1,,A\n2,,a\n", `"1" and "2" are both "a"`},
		{head + "0,1,Z\n1,2,A\n2,3,B\n3,1,C\n", "cycle 1 → 2 → 3 → 1"},
		{head + "1,\"2,A\n", "parse error"},
	} {
		_, err := ReadTaxonomy(strings.NewReader(x.text), nil)
		require.ErrorIs(t, err, ErrTaxonomy)
		require.ErrorContains(t, err, x.want)
	}
}

// The IAB's own tables: one has roots that are their own parents.
func TestTaxonomyIAB(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data", "taxonomy")
	read := func(file string, o *TaxonomyOptions) (*Taxonomy, error) {
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			t.Skipf("no taxonomies at hand: %v", err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		require.NoError(t, err)
		return ReadTaxonomy(z, o)
	}
	_, err := read("iab_ad_product_taxonomy_2.0.csv.gz", nil)
	var cycle *CycleError
	require.ErrorAs(t, err, &cycle)
	require.Equal(t, []string{"1000", "1000"}, cycle.IDs)
	ads, err := read("iab_ad_product_taxonomy_2.0.csv.gz", &TaxonomyOptions{SelfRoots: true})
	require.NoError(t, err)
	name, _ := ads.Tag("1004")
	require.Equal(t, "alcohol.beer", name)
	content, err := read("iab_content_taxonomy_3.1.csv.gz", nil)
	require.NoError(t, err)
	name, _ = content.Tag("151")
	require.Equal(t, "attractions.amusement_and_theme_parks", name)
	audience, err := read("iab_audience_taxonomy_1.1.csv.gz", nil)
	require.NoError(t, err)
	name, _ = audience.Tag("3")
	require.Equal(t, "demographic.age_range.18_20", name)
	require.Equal(t, []int{583, 704, 1558}, []int{ads.Len(), content.Len(), audience.Len()})
}

// Stores that are merged hold the tags as if one had been told all of them.
func TestTagsMerge(t *testing.T) {
	for round := range longForm(40) {
		r := rand.New(rand.NewPCG(32, uint64(round)))
		o := Options{Clock: Manual, Traits: []Trait{{Name: "tags", Kind: Tags}}}
		a, b, whole := o, o, newTest(t, o)
		a.Shards, b.Shards, b.Shard = 2, 2, 1
		stores := []*Store{newTest(t, a), newTest(t, b)}
		for i := range 20 {
			key := Key{UserID, fmt.Sprint("u", r.IntN(3))}
			e := event("e", epoch.Add(time.Duration(i)*time.Second), key, Key{AnonymousID, key.Value})
			e.ID = fmt.Sprint(i)
			tag := Tag{
				Name: []string{"a", "a.b", "c"}[r.IntN(3)], Source: []string{"x", "y"}[r.IntN(2)],
				At: epoch.Add(time.Duration(r.IntN(100)) * time.Second), Confidence: float64(1+r.IntN(4)) / 4,
			}
			gone := r.IntN(4) == 0
			for _, s := range []*Store{whole, stores[r.IntN(2)]} {
				u := s.must(t, e).User
				var err error
				if gone {
					_, err = s.Untag(u, tag.Name, tag.Source, tag.At)
				} else {
					_, err = s.Tag(u, tag)
				}
				require.NoError(t, err)
			}
		}
		_, err := stores[0].Merge(stores[1])
		require.NoError(t, err)
		stores[0].checkInvariants(t)
		for i := range 3 {
			require.Equal(t, string(showKey(whole, UserID, fmt.Sprint("u", i))), string(showKey(stores[0], UserID, fmt.Sprint("u", i))), "round %d", round)
		}
	}
}

// A table that cannot be read, from its first line on, is an error, and so is
// what cannot be a separator.
func TestTaxonomyUnreadable(t *testing.T) {
	for _, text := range []string{`id,par"ent,name`, `"id,parent,name`, `"`, "id,parent,name\n1,,a\n2,\"1\"x,b"} {
		_, err := ReadTaxonomy(strings.NewReader(text), nil)
		require.ErrorIs(t, err, ErrTaxonomy, "%q", text)
		var where *csv.ParseError
		require.ErrorAs(t, err, &where, "%q", text)
	}
	broken := errors.New("broken")
	_, err := ReadTaxonomy(iotest.ErrReader(broken), nil)
	require.ErrorIs(t, err, ErrTaxonomy)
	require.ErrorIs(t, err, broken)
	_, err = ReadTaxonomy(strings.NewReader("id,parent,name"), &TaxonomyOptions{Comma: '"'})
	require.ErrorIs(t, err, ErrTaxonomy)
}
