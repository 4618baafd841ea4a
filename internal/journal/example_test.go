package journal_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/zhun-go/zhun/internal/journal"
)

// names is a state: everybody who said hello.
type names []string

func (n names) WriteTo(w io.Writer) (int64, error) {
	k, err := io.WriteString(w, strings.Join(n, ","))
	return int64(k), err
}

// A program keeps its state in memory, takes a snapshot now and then, and
// recovers both after a restart.
func Example() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	j, err := journal.Open(dir, &journal.Options{Format: "names 1"})
	if err != nil {
		panic(err)
	}
	var state names
	for i, name := range []string{"Ann", "Ben", "Cleo"} {
		last, err := j.Append(journal.Batch{Records: []journal.Record{{Subject: uint64(i + 1), Data: []byte(name)}}})
		if err != nil {
			panic(err)
		}
		state = append(state, name)
		if name == "Ben" {
			if err := j.Snapshot(last, []journal.Part{{Name: "names", Write: state}}); err != nil {
				panic(err)
			}
		}
	}
	if err := j.Close(); err != nil {
		panic(err)
	}

	j, err = journal.Open(dir, &journal.Options{Format: "names 1"})
	if err != nil {
		panic(err)
	}
	defer j.Close()
	newest := j.Snapshots()[0]
	saved, err := j.Read(newest, "names")
	if err != nil {
		panic(err)
	}
	fmt.Printf("after record %d: %s\n", newest.Seq, saved)
	err = j.Replay(newest.Seq, func(seq uint64, r *journal.Record) error {
		fmt.Printf("record %d: %s\n", seq, r.Data)
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// after record 2: Ann,Ben
	// record 3: Cleo
}

// Forgetting makes what was sealed unreadable at once; Compact removes it
// from the disk.
func ExampleJournal_Compact() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	j, err := journal.Open(dir, nil)
	if err != nil {
		panic(err)
	}
	defer j.Close()
	_, err = j.Append(journal.Batch{Records: []journal.Record{
		{Subject: 1, Clear: []byte("visit"), Data: []byte("Ann")},
		{Subject: 2, Clear: []byte("visit"), Data: []byte("Ben")},
	}})
	if err != nil {
		panic(err)
	}
	show := func() {
		err := j.Replay(0, func(seq uint64, r *journal.Record) error {
			fmt.Printf("record %d: %s %q shredded=%t\n", seq, r.Clear, r.Data, r.Shredded)
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
	if _, err := j.Append(journal.Batch{Forget: []uint64{1}}); err != nil {
		panic(err)
	}
	show()
	if err := j.Snapshot(j.Last(), []journal.Part{{Name: "names", Write: names{"Ben"}}}); err != nil {
		panic(err)
	}
	if err := j.Compact(context.Background()); err != nil {
		panic(err)
	}
	fmt.Println("compacted")
	show()
	// Output:
	// record 1: visit "" shredded=true
	// record 2: visit "Ben" shredded=false
	// compacted
	// record 2: visit "Ben" shredded=false
}
