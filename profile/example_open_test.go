package profile_test

import (
	"context"
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

// What a host looks at now and then: whether changes are possible, whether
// snapshots stand, and how much a crash would leave to be replayed.
func ExampleStore_JournalStats() {
	dir := must(os.MkdirTemp("", "profiles"))
	defer os.RemoveAll(dir)
	store := must(profile.Open(dir, nil))
	defer store.Close()
	for i := range 3 {
		must(store.Apply(profile.Event{ID: strconv.Itoa(i), Name: "Signed Up", Time: noon, Keys: []profile.Key{{Kind: "user_id", Value: "ann"}}}))
	}
	stats := store.JournalStats()
	fmt.Println(stats.Pending, "records are in no snapshot;", stats.SnapshotFailures, "failed,", stats.Err)
	if err := store.Snapshot(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(store.JournalStats().Pending, "after a snapshot")
	// Output:
	// 3 records are in no snapshot; 0 failed, <nil>
	// 0 after a snapshot
}
