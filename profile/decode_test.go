package profile

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/value"
)

const trackLine = `{"type":"track","event":"Order Completed","messageId":"m-1","anonymousId":"cookie-1","userId":"u-1",
 "context":{"ip":"8.8.8.8","userAgent":"Mozilla/5.0","campaign":{"source":"google","medium":"cpc","name":"spring"},
  "page":{"url":"https://shop.example/checkout","referrer":""},"traits":{"email":"Ann@Example.com"},
  "externalIds":[{"id":"card-7","type":"loyalty_id","collection":"users","encoding":"none"}]},
 "properties":{"order_id":"o-1","total":27.5,"quantity":2,"gift":true,"coupon":null,"shipping":{"city":"Wellington"},
  "tags":["a","b"],"products":[{"product_id":"p1","price":9.25,"quantity":2,"maker":{"name":"Acme"}},{"product_id":"p2","price":9.0}]},
 "originalTimestamp":"2026-03-01T11:59:50.000Z","sentAt":"2026-03-01T11:59:55.000Z","receivedAt":"2026-03-01T12:00:00.000Z",
 "timestamp":"2026-03-01T11:59:55.000Z","integrations":{"All":true},"version":2}`

func TestDecodeSegmentTrack(t *testing.T) {
	e, err := DecodeSegment([]byte(trackLine))
	require.NoError(t, err)
	require.Equal(t, Event{
		ID: "m-1", Name: OrderCompleted, Type: Track,
		Time:     time.Date(2026, 3, 1, 11, 59, 50, 0, time.UTC),
		Sent:     time.Date(2026, 3, 1, 11, 59, 55, 0, time.UTC),
		Received: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Keys: []Key{
			{UserID, "u-1"},
			{AnonymousID, "cookie-1"},
			{Email, "Ann@Example.com"},
			{LoyaltyID, "card-7"},
		},
		Fields: map[string]any{
			"order_id": "o-1", "total": 27.5, "quantity": int64(2), "gift": true, "coupon": nil, "shipping.city": "Wellington",
			"tags": []string{"a", "b"},
			"products": []map[string]any{
				{"product_id": "p1", "price": 9.25, "quantity": int64(2), "maker.name": "Acme"},
				{"product_id": "p2", "price": 9.0},
			},
			"context.ip": "8.8.8.8", "context.userAgent": "Mozilla/5.0",
			"context.campaign.source": "google", "context.campaign.medium": "cpc", "context.campaign.name": "spring",
			"context.page.url": "https://shop.example/checkout", "context.page.referrer": "",
			"context.traits.email": "Ann@Example.com",
		},
	}, e)
}

func TestDecodeSegmentCalls(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, line string
		want       Event
	}{
		{
			"identify", `{"type":"identify","userId":97980,"traits":{"email":"a@x.io","phone":6421000111,"address":{"city":"Auckland"},"plan":null},"timestamp":"2026-03-01T12:00:00Z"}`,
			Event{
				Type: Identify, Time: at, Keys: []Key{{UserID, "97980"}, {Email, "a@x.io"}, {Phone, "6421000111"}},
				Fields: map[string]any{"email": "a@x.io", "phone": int64(6421000111), "address.city": "Auckland", "plan": nil},
			},
		},
		{
			"alias", `{"type":"alias","userId":"u1","previousId":"old","timestamp":"2026-03-01T12:00:00Z"}`,
			Event{Type: Alias, Time: at, Keys: []Key{{UserID, "u1"}, {AnonymousID, "old"}}},
		},
		{
			"group", `{"type":"group","userId":"u1","groupId":"g1","traits":{"name":"Initech","employees":300},"timestamp":"2026-03-01T12:00:00Z"}`,
			Event{Type: Group, Time: at, Keys: []Key{{UserID, "u1"}}, Fields: map[string]any{"group_id": "g1", "name": "Initech", "employees": int64(300)}},
		},
		{
			"page", `{"type":"page","anonymousId":"c1","name":"Home","category":"Shop","properties":{"url":"/"},"timestamp":"2026-03-01T12:00:00Z"}`,
			Event{Type: Page, Name: "Home", Time: at, Keys: []Key{{AnonymousID, "c1"}}, Fields: map[string]any{"url": "/", "category": "Shop"}},
		},
		{
			"screen", `{"type":"screen","anonymousId":"c1","name":"Cart","timestamp":"2026-03-01 12:00:00"}`,
			Event{Type: Screen, Name: "Cart", Time: at, Keys: []Key{{AnonymousID, "c1"}}},
		},
		{
			"consent", `{"type":"track","event":"Segment Consent Preference Updated","userId":"u1","context":{"ip":"::1","consent":{"categoryPreferences":{"Advertising":true,"Analytics":false}}},"timestamp":"2026-03-01T12:00:00Z"}`,
			Event{Type: Consent, Name: ConsentUpdated, Time: at, Keys: []Key{{UserID, "u1"}}, Fields: map[string]any{"Advertising": true, "Analytics": false}},
		},
		{
			"no clock of the sender", `{"type":"track","event":"x","userId":"u","originalTimestamp":"2026-03-01T13:00:00+01:00"}`,
			Event{Name: "x", Time: at, Keys: []Key{{UserID, "u"}}},
		},
		{
			"escapes", `{"type":"track","event":"a\"\\\/\n\u00e9\ud83d\ude00\ud800","userId":"u","timestamp":"2026-03-01"}`,
			Event{Name: "a\"\\/\né😀\ufffd", Time: at.Truncate(24 * time.Hour), Keys: []Key{{UserID, "u"}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := DecodeSegment([]byte(c.line))
			require.NoError(t, err)
			require.Equal(t, c.want, e)
		})
	}
}

func TestDecodeSegmentErrors(t *testing.T) {
	for _, c := range []struct {
		line   string
		column int
		reason string
	}{
		{``, 1, "ends early, want an object"},
		{`[]`, 1, `unexpected '[', want an object`},
		{`{"type":"track"`, 16, "ends early, want ',' or '}'"},
		{`{"type":"track",}`, 17, "unexpected '}', want a name"},
		{`{"type":"trick"}`, 1, `unknown type "trick"`},
		{`{"type":"consent"}`, 1, `unknown type "consent"`},
		{`{}`, 1, "type is missing"},
		{`{"type":"track","timestamp":"yesterday"}`, 29, `timestamp is not a time: "yesterday"`},
		{`{"type":"track","userId":{}}`, 26, "userId is not a string"},
		{`{"type":"track","properties":{"a":01}}`, 35, "bad number"},
		{`{"type":"track","properties":{"a":1.}}`, 35, "bad number"},
		{`{"type":"track","properties":{"a":nul}}`, 35, "unexpected 'n', want a value"},
		{"{\"type\":\"track\",\"properties\":{\"a\":\"x\ny\"}}", 37, "control character in a string"},
		{"{\"type\":\"track\",\"properties\":{\"a\":\"\xff\"}}", 36, "string is not UTF-8"},
		{`{"type":"track","properties":{"a":"\x"}}`, 37, `unknown escape 'x'`},
		{`{"type":"track"} {}`, 18, "something follows the event"},
		{`{"type":"track","batch":[]}`, 25, "a batch where one event is expected"},
		{`{"type":"track","properties":` + strings.Repeat(`{"a":`, 40), 190, "nested more than 32 deep"},
		{`{"type":"track","properties":{"a":` + strings.Repeat(`[`, 100000), 66, "nested more than 32 deep"},
	} {
		_, err := DecodeSegment([]byte(c.line))
		var se *SyntaxError
		require.ErrorAs(t, err, &se, "%.60s", c.line)
		require.ErrorIs(t, err, ErrSyntax)
		require.Contains(t, se.Reason, c.reason, "%.60s", c.line)
		require.Equal(t, c.column, se.Column, "%.60s: %s", c.line, se.Reason)
	}
}

func TestDecodeSegmentBatch(t *testing.T) {
	es, err := DecodeSegmentBatch([]byte(`{"batch":[
		{"type":"track","event":"a","userId":"u","timestamp":"2026-03-01T12:00:00Z","context":{"ip":"1.1.1.1"}},
		{"type":"page","anonymousId":"c","originalTimestamp":"2026-03-01T12:00:00Z"}],
		"sentAt":"2026-03-01T12:00:01Z","receivedAt":"2026-03-01T12:00:03Z","context":{"ip":"2.2.2.2","locale":"en"}}`))
	require.NoError(t, err)
	require.Len(t, es, 2)
	require.Equal(t, map[string]any{"context.ip": "1.1.1.1", "context.locale": "en"}, es[0].Fields)
	require.Equal(t, "2.2.2.2", es[1].Fields["context.ip"])
	require.Equal(t, 2*time.Second, es[1].Received.Sub(es[1].Sent))

	es, err = DecodeSegmentBatch([]byte(`{"type":"track","event":"a","userId":"u"}`))
	require.NoError(t, err)
	require.Len(t, es, 1)
	_, err = DecodeSegmentBatch([]byte(`{"batch":[{"type":"track"},{"type":"no"}]}`))
	require.ErrorContains(t, err, `column 28: unknown type "no"`)
}

func TestDecodeCloudEvent(t *testing.T) {
	e, err := DecodeCloudEvent([]byte(`{"specversion":"1.0","type":"com.example.order","source":"/shop/7","id":"A-1","time":"2026-03-01T12:00:00Z",
		"subject":"order/1","datacontenttype":"application/json","userid":"u-1","data":{"total":3,"email":"a@x.io","lines":[{"sku":"x"}]}}`))
	require.NoError(t, err)
	require.Equal(t, Event{
		ID: "/shop/7#A-1", Name: "com.example.order", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Keys: []Key{{UserID, "u-1"}, {Email, "a@x.io"}},
		Fields: map[string]any{
			"total": int64(3), "email": "a@x.io", "lines": []map[string]any{{"sku": "x"}}, "context.subject": "order/1",
			"context.datacontenttype": "application/json", "context.userid": "u-1", "context.source": "/shop/7",
		},
	}, e)
	for _, line := range []string{`{}`, `{"specversion":"0.3","type":"a","source":"b","id":"c"}`, `{"specversion":"1.0","type":"a","source":"b"}`, `nope`} {
		_, err := DecodeCloudEvent([]byte(line))
		require.ErrorIs(t, err, ErrSyntax, line)
	}
}

func TestReadSegmentGoesOn(t *testing.T) {
	good := `{"type":"track","event":"e%d","userId":"u","timestamp":"2026-03-01T12:00:00Z"}`
	text := "\ufeff" + fmt.Sprintf(good, 1) + "\r\n\n" +
		`{"type":"track","event":}` + "\n" +
		`{"type":"track","event":"` + strings.Repeat("x", maxLine) + `"}` + "\n" +
		`{"batch":[` + fmt.Sprintf(good, 2) + `,` + fmt.Sprintf(good, 3) + `]}` + "\n" +
		strings.Repeat(" ", 200_000) + fmt.Sprintf(good, 4)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	r, err := gzip.NewReader(&zipped)
	require.NoError(t, err)
	var got []string
	for e, err := range ReadSegment(r) {
		if err != nil {
			got = append(got, err.Error())
		} else {
			got = append(got, e.Name)
		}
	}
	require.Equal(t, []string{
		"e1",
		"profile: not an event: line 3: column 25: event is not a string",
		"profile: not an event: line 4: longer than 4194304 bytes",
		"e2", "e3", "e4",
	}, got)

	broken := io.MultiReader(strings.NewReader(fmt.Sprintf(good, 1)+"\n"), iotest.ErrReader(errors.New("disk gone")))
	var errs []error
	for _, err := range ReadSegment(broken) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 2)
	require.NoError(t, errs[0])
	require.ErrorContains(t, errs[1], "disk gone")
	for range ReadSegment(strings.NewReader(text)) {
		break
	}
}

// flatten is what the decoder does, on the tree of encoding/json.
func flatten(m map[string]any, prefix string, out map[string]any) {
	for k, v := range m {
		if o, ok := v.(map[string]any); ok {
			flatten(o, prefix+k+".", out)
			continue
		}
		if l, ok := v.([]any); ok {
			for i, e := range l {
				if o, ok := e.(map[string]any); ok {
					flat := map[string]any{}
					flatten(o, "", flat)
					l[i] = flat
				}
			}
		}
		out[prefix+k] = v
	}
}

func FuzzDecodeSegment(f *testing.F) {
	f.Add(trackLine)
	f.Add(`{"type":"track","event":"e","userId":"u","properties":{"a":{"b":{"c":-1.5e3}},"d":[1,2],"e":[],"f":[{}],"g":"\u0041","h":9007199254740993,"i":1e400}}`)
	f.Add(`{"type":"identify","traits":{"a":null,"b":[null],"b":"twice"}}`)
	f.Add(`{"type":"track","properties":{"a":01}}`)
	f.Add(`{"batch":[{"type":"page"}]}`)
	f.Add(`{"type":"track","proPerties":{"a":1}}`)
	f.Add("{\"type\":\"track\",\"event\":\"\xff\"}")
	f.Fuzz(func(t *testing.T, line string) {
		_, _ = DecodeCloudEvent([]byte(line))
		_, _ = DecodeSegmentBatch([]byte(line))
		e, err := DecodeSegment([]byte(line))
		if err != nil {
			require.ErrorIs(t, err, ErrSyntax)
			return
		}
		require.True(t, json.Valid([]byte(line)), "accepted what is not JSON: %q", line)
		if e.Type != Track || e.Name == ConsentUpdated {
			return
		}
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		var tree struct {
			Properties map[string]any `json:"properties"`
		}
		var names map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(line), &names))
		if d.Decode(&tree) != nil || len(names) < strings.Count(line, `"properties"`) {
			return
		}
		for n := range names {
			if n != "properties" && strings.EqualFold(n, "properties") {
				return // which is another name, but not to the standard library
			}
		}
		want := map[string]any{}
		flatten(tree.Properties, "", want)
		for k, w := range want {
			if strings.Contains(line, `\`) || strings.Count(line, `"`+k[strings.LastIndexByte(k, '.')+1:]+`"`) != 1 || strings.HasPrefix(k, "context.") {
				continue // names may be written twice, and the last one wins
			}
			clean, ok := value.Normalize(w)
			got, have := e.Fields[k]
			require.True(t, have, "%s is missing", k)
			mine, ok2 := value.Normalize(got)
			if ok != ok2 || ok && value.Compare(clean, mine) != 0 {
				// Objects within lists keep what fits.
				if _, list := mine.([]map[string]any); !list {
					t.Fatalf("%s: got %v (%t), want %v (%t)", k, mine, ok2, clean, ok)
				}
			}
		}
	})
}

// Whatever is decoded can be applied, exported and erased, and nothing of it
// stays.
func FuzzPath(f *testing.F) {
	f.Add(trackLine, `{"type":"identify","userId":"u-1","traits":{"email":"b@x.io","x":"y"},"timestamp":"2026-03-01T12:00:00Z"}`)
	f.Add(`{"type":"track","event":"Viewed Product","anonymousId":"null","userId":"000","context":{"traits":{"email":"undefined"}},"timestamp":"0001-01-01"}`, trackLine)
	f.Add(`{"specversion":"1.0","id":"1","source":"/shop","type":"Seen","time":"2026-03-01T12:00:00Z","data":{"user_id":"u","email":"a@x.io"}}`, `{"type":"alias","userId":"u","previousId":"c"}`)
	f.Add(`{"type":"page","anonymousId":"c","timestamp":"9999-12-31T23:59:59Z"}`, `{"type":"page","anonymousId":"c","timestamp":"0002-12-31T23:59:59Z"}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		s := newTest(t, Options{
			Bots: BotRules{Keep: true}, LastAccount: time.Hour, LimitWindows: map[string]time.Duration{UserID: day},
			Schema: map[string]FieldKind{"products.price": NumberField, "country": CountryField},
		})
		v := newRecorder()
		require.NoError(t, s.Attach("v", v, nil))
		for _, line := range []string{first, second, first} {
			es, err := DecodeSegmentBatch([]byte(line))
			if e, ce := DecodeCloudEvent([]byte(line)); ce == nil {
				es = append(es, e)
			} else if err != nil {
				continue
			}
			for _, e := range es {
				if _, err := s.Apply(e); err != nil {
					require.ErrorIs(t, err, ErrRefused)
				}
			}
		}
		s.checkInvariants(t)
		for _, u := range s.Users() {
			data, err := s.Export(u)
			require.NoError(t, err)
			require.True(t, json.Valid(data), "%s", data)
			_, err = s.Import(data)
			require.NoError(t, err)
			again, err := s.Export(u)
			require.NoError(t, err)
			require.Equal(t, string(data), string(again))
			p, _ := s.Profile(u)
			for _, k := range p.Keys {
				require.False(t, s.isBlocked(k.Value), "%v", k)
			}
		}
		for _, u := range s.Users() {
			if _, ok := s.Current(u); !ok {
				continue // gone with another
			}
			_, err := s.Erase(u)
			require.NoError(t, err)
		}
		require.Empty(t, s.Users())
		require.Zero(t, s.graph.size())
		require.Empty(t, v.rows)
		require.Empty(t, v.attributes)
		require.Zero(t, s.Stats().Retained)
		require.Empty(t, s.graph.sources.index)
	})
}
