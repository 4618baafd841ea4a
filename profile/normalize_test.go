package profile

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"
)

func TestNormalizeFields(t *testing.T) {
	n, err := newNormalizer(&Options{Schema: map[string]FieldKind{"x": TextField}, PhoneCountry: "New Zealand"})
	require.NoError(t, err)
	for _, c := range []struct {
		kind FieldKind
		in   any
		want any // nil when it does not fit
	}{
		{NumberField, int64(3), int64(3)},
		{NumberField, 3.5, 3.5},
		{NumberField, " 12 ", int64(12)},
		{NumberField, "-1,234.50", -1234.5},
		{NumberField, "1.234,50", 1234.5},
		{NumberField, "1,234", int64(1234)},
		{NumberField, "1,234,567", int64(1234567)},
		{NumberField, "1.234.567", int64(1234567)},
		{NumberField, "1,234,567.8", 1234567.8},
		{NumberField, "1.234.567,8", 1234567.8},
		{NumberField, "3,5", 3.5},
		{NumberField, "1 234,5", 1234.5},
		{NumberField, "1'234.5", 1234.5},
		{NumberField, "1e3", 1000.0},
		{NumberField, "1,2.3,4", nil},
		{NumberField, "0x10", nil},
		{NumberField, "inf", nil},
		{NumberField, "NaN", nil},
		{NumberField, "1_000", nil},
		{NumberField, "ten", nil},
		{NumberField, "9007199254740993", nil},
		{NumberField, true, nil},
		{BoolField, "Yes", true},
		{BoolField, int64(0), false},
		{BoolField, "maybe", nil},
		{TextField, int64(7), "7"},
		{TextField, 0.25, "0.25"},
		{TextField, true, "true"},
		{TextField, []string{"a"}, nil},
		{TimeField, "2026-03-01", time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
		{TimeField, "2026-03-01T12:00:00+01:00", time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)},
		{TimeField, int64(86400), time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)},
		{TimeField, "soon", nil},
		{EmailField, " Ann@X.io", "ann@x.io"},
		{EmailField, "ann", nil},
		{PhoneField, "021 555 0100", "+64215550100"},
		{PhoneField, int64(215550100), "+64215550100"},
		{PhoneField, "+49 30 1234567", "+49301234567"},
		{PhoneField, "call me", nil},
		{CountryField, "deu", "DE"},
		{CountryField, "DE", "DE"},
		{CountryField, "the netherlands", "NL"},
		{CountryField, "Saint Lucia", "LC"},
		{CountryField, "Trinidad and Tobago", "TT"},
		{CountryField, "Cote d'Ivoire", "CI"},
		{CountryField, "U.S.A.", "US"},
		{CountryField, "Österreich", "AT"},
		{CountryField, "Mordor", nil},
		{CurrencyField, "eur", "EUR"},
		{CurrencyField, "€", nil},
	} {
		got, changed, ok := n.field(c.kind, c.in)
		require.Equal(t, c.want != nil, ok, "%v", c.in)
		if ok {
			require.Equal(t, c.want, got, "%v", c.in)
			require.Equal(t, c.in != c.want, changed, "%v", c.in)
			again, changed, ok := n.field(c.kind, got)
			require.True(t, ok && !changed && again == got, "%v is not stable", got)
		}
	}
	for country, want := range map[string]string{"IT": "+390612345", "US": "+10612345", "ES": "+340612345"} {
		n, err := newNormalizer(&Options{PhoneCountry: country})
		require.NoError(t, err)
		got, ok := n.phone("0612345")
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, o := range []Options{{PhoneCountry: "AQ"}, {PhoneCountry: "Mordor"}, {Schema: map[string]FieldKind{"a": 99}}} {
		_, err := New(&o)
		require.ErrorIs(t, err, ErrOptions)
	}
}

// The tables agree with those of golang.org/x/text.
func TestCountryTable(t *testing.T) {
	n, err := newNormalizer(&Options{PhoneCountry: "NZ"})
	require.NoError(t, err)
	seen := 0
	for line := range strings.Lines(countryTable) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		r, err := language.ParseRegion(parts[0])
		require.NoError(t, err)
		require.Equal(t, r.ISO3(), parts[1])
		for i, p := range parts {
			if i != 2 {
				require.Equal(t, parts[0], n.countries[folded(p)], "%s also names %s", p, n.countries[folded(p)])
			}
		}
		seen++
	}
	require.Equal(t, 249, seen)
	for it := currency.Query(); it.Next(); {
		require.True(t, n.currencies[it.Unit().String()], it.Unit().String())
	}
}

func TestNormalizeEvents(t *testing.T) {
	s := newTest(t, Options{Traits: []Trait{}, Schema: map[string]FieldKind{"price": NumberField, "address.country": CountryField}, PhoneCountry: "DE"})
	c := s.must(t, Event{Type: Identify, Time: epoch, Keys: []Key{{Phone, "0151 23456789"}, {AnonymousID, "cafe\u0301"}}, Fields: map[string]any{
		"price": "12,50", "address": map[string]any{"country": "France"}, "name": "Rene\u0301", "city": " N/A ", "empty": "", "gone": nil,
	}})
	p, _ := s.Profile(c.User)
	require.Equal(t, map[string]any{"price": 12.5, "address.country": "FR", "name": "Ren\u00e9"}, p.Attributes)
	u, ok := s.Resolve(Phone, "+49 151 23456789")
	require.True(t, ok && u == c.User)
	u, ok = s.Resolve(AnonymousID, "caf\u00e9")
	require.True(t, ok && u == c.User)
	s.must(t, Event{Type: Identify, Time: epoch, Keys: []Key{ann}, Fields: map[string]any{"price": "a lot"}})
	st := s.Stats()
	require.Equal(t, []uint64{2, 3, 1}, []uint64{st.FieldsMissing, st.FieldsRepaired, st.FieldsUnfit})
	s = newTest(t, Options{Traits: []Trait{}, Missing: []string{}})
	c = s.must(t, Event{Type: Identify, Time: epoch, Keys: []Key{ann}, Fields: map[string]any{"city": "n/a", "empty": ""}})
	p, _ = s.Profile(c.User)
	require.Equal(t, map[string]any{"city": "n/a", "empty": ""}, p.Attributes)
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"1,2.3", "Mordor", "+49", "2026-03-01", "e\u0301", "1.2.3,4"} {
		f.Add(s)
	}
	n, err := newNormalizer(&Options{PhoneCountry: "DE"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, s string) {
		for k := NumberField; k <= CurrencyField; k++ {
			v, _, ok := n.field(k, s)
			if !ok {
				continue
			}
			again, changed, ok := n.field(k, v)
			require.True(t, ok && !changed, "%q became %v, then %v", s, v, again)
		}
	})
}

// Declared names reach into lists of objects, and what the host gave is not
// changed.
func TestSchemaWithinLists(t *testing.T) {
	s := newTest(t, Options{
		PhoneCountry: "DE", Traits: []Trait{},
		Schema: map[string]FieldKind{"products.price": NumberField, "products.parts.made": CountryField, "total": NumberField},
	})
	given := func() []map[string]any {
		return []map[string]any{
			{"sku": "cafe\u0301", "price": "1,5", "note": "n/a", "parts": []map[string]any{{"made": "Germany"}, {"made": "Atlantis"}}},
			{"sku": "b", "price": int64(2), "colours": []string{"re\u0301d", "blue"}},
		}
	}
	products := given()
	s.must(t, Event{Name: OrderCompleted, Time: epoch, Keys: []Key{ann}, Fields: map[string]any{"products": products, "total": "3,50"}})
	require.Equal(t, given(), products)
	var d decoded
	s.log.decode(s.people.of(1).rows[0].pos(), &d)
	require.Equal(t, map[string]any{"total": 3.5, "products": []map[string]any{
		{"sku": "caf\u00e9", "price": 1.5, "parts": []map[string]any{{"made": "DE"}, {}}},
		{"sku": "b", "price": int64(2), "colours": []string{"r\u00e9d", "blue"}},
	}}, d.fields)
	n := s.Stats()
	require.EqualValues(t, 5, n.FieldsRepaired)
	require.EqualValues(t, 1, n.FieldsMissing)
	require.EqualValues(t, 1, n.FieldsUnfit)
}
