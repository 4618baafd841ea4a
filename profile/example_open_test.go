package profile_test

import (
	"fmt"
	"os"
	"strconv"

	"github.com/zhun-go/zhun/profile"
)

// A store in a directory is what it was, with the offset of the stream that
// its events came from.
func ExampleOpen() {
	dir := must(os.MkdirTemp("", "profiles"))
	defer os.RemoveAll(dir)
	for range 2 {
		store := must(profile.Open(dir, nil))
		offset := 0
		if b, ok := store.Record("orders/7"); ok {
			offset = must(strconv.Atoi(string(b)))
		}
		fmt.Println("from", offset, "with", store.Stats().Profiles, "persons")
		_, err := store.Commit(profile.Batch{
			Events:  []profile.Event{{Name: "Signed Up", Time: noon, Keys: []profile.Key{{Kind: "user_id", Value: fmt.Sprint("customer ", offset)}}}},
			Records: map[string][]byte{"orders/7": []byte(strconv.Itoa(offset + 1))},
		})
		if err != nil {
			fmt.Println(err)
		}
		if err := store.Close(); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// from 0 with 0 persons
	// from 1 with 1 persons
}
