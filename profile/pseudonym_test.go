package profile

import (
	"bytes"
	"maps"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func pseudonyms(t *testing.T, opts *Options) *Pseudonyms {
	t.Helper()
	p, err := NewPseudonyms([]byte("0123456789abcdef"), map[string]string{"email": Email, "context.traits.phone": Phone}, opts)
	require.NoError(t, err)
	return p
}

// The bytes are those of HMAC-SHA256 elsewhere: RFC 2104, computed with
// openssl dgst -sha256 -hmac 0123456789abcdef over "\x05emailann@example.com".
func TestPseudonymIsHMAC(t *testing.T) {
	k := pseudonyms(t, nil).Key(Key{Email, " ANN@example.com "})
	require.Equal(t, Key{"email.hmac", "b12b9cd86ebb07dbcbdefcb70ee83812525a3108ed3f4bdeb055faba97a7b005"}, k)
}

func TestPseudonyms(t *testing.T) {
	p := pseudonyms(t, &Options{Blocked: []string{"house"}, BlockedPatterns: []*regexp.Regexp{regexp.MustCompile(`^test`)}})
	other, err := NewPseudonyms([]byte("another secret!!"), nil, nil)
	require.NoError(t, err)
	ann := Key{Email, "ann@example.com"}
	require.NotEqual(t, p.Key(ann), other.Key(ann))
	require.NotEqual(t, p.Key(Key{"a", "bc"}).Value, p.Key(Key{"ab", "c"}).Value)
	require.Equal(t, p.Key(ann), p.Key(p.Key(ann)), "twice is once")
	require.Equal(t, p.Key(Key{Phone, "+64 21 123-4567"}), p.Key(Key{Phone, "0064211234567"}))
	for _, k := range []Key{{UserID, "null"}, {UserID, "House"}, {UserID, "test-7"}, {Email, "no address"}, {"", "x"}, {UserID, ""}} {
		require.Equal(t, k, p.Key(k), "a store refuses it, and must still know it")
	}
	_, err = NewPseudonyms([]byte("too short"), nil, nil)
	require.ErrorIs(t, err, ErrOptions)
	_, err = NewPseudonyms([]byte("0123456789abcdef"), nil, &Options{Shard: 3})
	require.ErrorIs(t, err, ErrOptions)
}

func TestPseudonymsOfEvents(t *testing.T) {
	p := pseudonyms(t, nil)
	nested := map[string]any{"traits": map[string]any{"phone": "+64211234567", "city": "Auckland"}}
	fields := map[string]any{"email": "ann@example.com", "plan": "gold", "context": nested, "context.traits.phone": 7}
	before := maps.Clone(fields)
	keys := []Key{{UserID, "u1"}, {Email, "Ann@example.com"}, {UserID, "null"}}
	e := Event{ID: "1", Name: "Signed Up", Keys: keys, Fields: fields}
	got := p.Event(e)
	require.Equal(t, before, fields, "what was given is left alone")
	require.Equal(t, Key{UserID, "u1"}, keys[0])
	require.Equal(t, "+64211234567", nested["traits"].(map[string]any)["phone"])

	require.Equal(t, []Key{p.Key(keys[0]), p.Key(keys[1]), keys[2]}, got.Keys)
	require.Equal(t, p.Key(Key{Email, "ann@example.com"}).Value, got.Fields["email"])
	require.Equal(t, "gold", got.Fields["plan"])
	require.NotContains(t, got.Fields, "context.traits.phone", "a number is no text")
	inner := got.Fields["context"].(map[string]any)["traits"].(map[string]any)
	require.Equal(t, map[string]any{"phone": p.Key(Key{Phone, "+64211234567"}).Value, "city": "Auckland"}, inner)
	require.Nil(t, p.Event(Event{}).Fields)
	require.Contains(t, p.Event(Event{Fields: map[string]any{"email": nil}}).Fields, "email", "an attribute may be removed")

	// Nothing of the identifiers reaches the store.
	s, err := New(nil)
	require.NoError(t, err)
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	got.Time = at
	change, err := s.Apply(got)
	require.NoError(t, err)
	data, err := s.Export(change.User)
	require.NoError(t, err)
	state, err := s.AppendBinary(nil)
	require.NoError(t, err)
	for _, id := range []string{"ann", "Ann", "u1", "64211234567"} {
		require.False(t, bytes.Contains(data, []byte(id)), "%s in %s", id, data)
		require.False(t, bytes.Contains(state, []byte(id)), id)
	}
	require.Contains(t, string(data), "Auckland")
}
