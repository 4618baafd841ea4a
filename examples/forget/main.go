// Command forget shows what it takes to forget somebody: one call. A shop's
// events fill a durable store with a view of every kind attached; one buyer is
// erased; and then every file and all that is held is searched for what only
// that person had, and compared with a shop that was never told of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/zhun-go/zhun/profile"
)

type config struct {
	customers, days int
	seed            uint64
	dir             string
}

func main() {
	var c config
	flag.IntVar(&c.customers, "customers", 300, "customers of the simulated shop")
	flag.IntVar(&c.days, "days", 60, "days of the simulation")
	flag.Uint64Var(&c.seed, "seed", 1, "root of the simulation's draws, not 0")
	flag.StringVar(&c.dir, "dir", "", "keep the files in `DIR`, which must be empty (default: a directory that is removed)")
	flag.Parse()
	if err := run(context.Background(), c, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c config, out io.Writer) (err error) {
	if c.customers < 1 || c.days < 1 || c.seed < 1 {
		return errors.New("forget: -customers, -days and -seed: want 1 or more")
	}
	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "zhun-forget-"); err != nil {
			return err
		}
		defer os.RemoveAll(c.dir)
	}
	s, err := open(c.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Close()) }()
	events := simulated(c)
	n, err := s.ingest(ctx, events)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "A shop of %d events and %d persons.\n\n", n, len(s.store.Users()))

	person, err := s.buyer()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Person %d is to be forgotten, known by\n", person.User)
	for _, k := range person.Keys {
		fmt.Fprintf(out, "  %-14s%s\n", k.Kind, k.Value)
	}
	texts, err := s.traces(person.User)
	if err != nil {
		return err
	}
	leaveOut, err := s.named(person.User, events)
	if err != nil {
		return err
	}
	if err := s.store.Snapshot(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nThe store holds %d texts that it holds of nobody else. They are in\n", len(texts))
	if _, err := report(s, c.dir, texts, out); err != nil {
		return err
	}

	receipt, err := s.store.Erase(person.User)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nErased, with one call. The receipt:")
	printReceipt(out, receipt)
	if err := s.store.Compact(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nAfter compaction the texts are in")
	left, err := report(s, c.dir, texts, out)
	if err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("forget: %d texts were found after the erasure", left)
	}

	// The same once more, as a process finds it that starts from the files.
	if err := s.store.Close(); err != nil {
		return err
	}
	if s, err = open(c.dir); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nClosed and opened again they are in")
	if left, err = report(s, c.dir, texts, out); err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("forget: %d texts came back", left)
	}

	memory, err := profile.New(options())
	if err != nil {
		return err
	}
	never, err := attach(memory)
	if err != nil {
		return err
	}
	if _, err := never.ingest(ctx, but(events, leaveOut)); err != nil {
		return err
	}
	names, err := differences(s, never)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("forget: other than in a shop that was never told: %s", strings.Join(names, ", "))
	}
	fmt.Fprintf(out, "\nA shop that was never told of that person holds the same: %d persons and the\nbytes of %d views, but for their clocks.\n", len(s.store.Users()), len(s.views()))
	return nil
}

// report prints where texts are, and returns how often they were found.
func report(s *shop, dir string, texts []string, out io.Writer) (found int, err error) {
	files, err := s.scan(dir, texts)
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		fmt.Fprintf(out, "  %-34s%9d bytes  %4d of them\n", f.name, f.size, len(f.found))
		found += len(f.found)
	}
	return found, nil
}

func printReceipt(out io.Writer, r profile.Receipt) {
	fmt.Fprintf(out, "  %d identifiers, %d events, %d attributes, %d consents, %d tags\n", r.Keys, r.Events, r.Attributes, r.Consents, r.Tags)
	fmt.Fprintf(out, "  numbers       %v\n", r.Numbers)
	fmt.Fprintf(out, "  views         %s\n", strings.Join(r.Views, ", "))
	if len(r.Others) > 0 {
		fmt.Fprintf(out, "  others who lost events with the person's identifiers: %v\n", r.Others)
	}
	for _, t := range r.NotReached {
		fmt.Fprintf(out, "  not reached   %s\n", t)
	}
}
