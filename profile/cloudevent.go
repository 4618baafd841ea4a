package profile

import (
	"strings"
)

// DecodeCloudEvent decodes one event in the JSON format of CloudEvents 1.0 in
// structured mode. The name is its type, the id its source and id together,
// which CloudEvents makes unique. The members of data stand at the root of
// the fields, other attributes under "context.". Keys are the members of
// data, or else the extension attributes, that are named like a kind of keys,
// with or without underscore: user_id, anonymous_id, email, phone and
// loyalty_id.
//
// Errors are of type [*SyntaxError].
func DecodeCloudEvent(line []byte) (Event, error) {
	c := scanner{s: string(line)}
	var id, source, version string
	var r rawEvent
	e := Event{Fields: make(map[string]any, 16)}
	c.object(0, func(name string) {
		switch name {
		case "specversion":
			version = r.text(&c, name)
		case "id":
			id = r.text(&c, name)
		case "source":
			source = r.text(&c, name)
		case "type":
			e.Name = r.text(&c, name)
		case "time":
			e.Time = r.time(&c, name)
		case "data":
			r.into(&c, &e.Fields, "", 0)
		case "data_base64":
			c.skip(1)
		default:
			c.field(e.Fields, "context."+name, 1)
		}
	})
	c.end()
	if c.err != nil {
		return Event{}, c.err
	}
	for _, need := range [...]struct{ name, value string }{
		{"specversion", version}, {"id", id}, {"source", source}, {"type", e.Name},
	} {
		if need.value == "" {
			return Event{}, &SyntaxError{Column: 1, Reason: need.name + " is missing"}
		}
	}
	if !strings.HasPrefix(version, "1.") {
		return Event{}, &SyntaxError{Column: 1, Reason: "specversion is not 1.x"}
	}
	e.ID = source + "#" + id
	e.Fields["context.source"] = source
	for _, k := range [...]struct{ kind, plain string }{
		{UserID, "userid"}, {AnonymousID, "anonymousid"}, {Email, "email"}, {Phone, "phone"}, {LoyaltyID, "loyaltyid"},
	} {
		for _, name := range [...]string{k.kind, k.plain, "context." + k.plain} {
			if v, ok := e.Fields[name].(string); ok && v != "" {
				e.Keys = append(e.Keys, Key{k.kind, v})
				break
			}
		}
	}
	return e, nil
}
