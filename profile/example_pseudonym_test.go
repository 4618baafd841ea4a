package profile_test

import (
	"fmt"

	"github.com/zhun-go/zhun/profile"
)

func ExamplePseudonyms() {
	p := must(profile.NewPseudonyms([]byte("sixteen bytes or more, from a vault"), map[string]string{"email": profile.Email}, nil))
	store := must(profile.New(&profile.Options{Priority: []string{"user_id.hmac", "email.hmac"}}))
	change := must(store.Apply(p.Event(profile.Event{
		Type: profile.Identify, Time: noon,
		Keys:   []profile.Key{{Kind: profile.Email, Value: "Ann@Example.com"}},
		Fields: map[string]any{"email": "ann@example.com", "plan": "gold"},
	})))
	k := p.Key(profile.Key{Kind: profile.Email, Value: "ann@example.com"})
	user, ok := store.Resolve(k.Kind, k.Value)
	fmt.Println(k.Kind, len(k.Value), user == change.User, ok)
	// Output: email.hmac 64 true true
}
