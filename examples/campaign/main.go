// Command campaign is the main job of the library from end to end: a retailer's
// events become profiles, audiences, recommendations, an experiment's readout and
// channel credit, in one pass and one report.
//
// Without flags it runs on a simulated retailer whose truth is known, and prints
// that truth beside the estimates. With -orders it reads the Online Retail data set, with
// -events Segment-spec JSON lines; both may be gzipped, and "-" is the standard input.
//
// Start reading in loop.go: the wiring is there.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// config is what the flags say.
type config struct {
	orders, events string
	json           bool
	html           string
	maxErrors      int
	customers      int
	days           int
	seed           uint64
	experiment     string
}

const usage = `usage: campaign [flags]

A retailer's events become profiles, audiences, recommendations, an experiment's
readout and channel credit. Without -orders and -events a retailer is simulated.

`

// exit statuses
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// run is the program: it returns its exit status and prints at most one line about an error.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintln(stderr, "campaign:", err)
		return exitUsage
	}
	if err := campaign(ctx, c, stdin, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "campaign:", strings.ReplaceAll(err.Error(), "\n", " "))
		return exitFailed
	}
	return exitOK
}

// parseFlags reads and checks the command line.
func parseFlags(args []string, stderr io.Writer) (config, error) {
	var c config
	f := flag.NewFlagSet("campaign", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.orders, "orders", "", "read orders with the eight Online Retail columns from `FILE` (CSV, may be gzipped)")
	f.StringVar(&c.events, "events", "", "read Segment-spec events from `FILE` (JSON lines, may be gzipped)")
	f.BoolVar(&c.json, "json", false, "print the report as JSON")
	f.StringVar(&c.html, "html", "", "also write the report with plots as one page to `FILE`")
	f.IntVar(&c.maxErrors, "max-errors", 1000, "stop after more than `N` bad lines; -1 never stops")
	f.IntVar(&c.customers, "customers", 1000, "customers of the simulated retailer")
	f.IntVar(&c.days, "days", 90, "days of the simulation")
	f.Uint64Var(&c.seed, "seed", 1, "root of the simulation's draws, not 0")
	f.StringVar(&c.experiment, "experiment", "free-shipping", "experiment to read out, by its `ID` in the events")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stderr, usage)
			f.SetOutput(stderr)
			f.PrintDefaults()
		}
		return c, err
	}
	if f.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if c.orders != "" && c.events != "" {
		return c, errors.New("-orders and -events exclude each other")
	}
	if c.maxErrors < -1 {
		return c, fmt.Errorf("-max-errors %d: want -1 or more", c.maxErrors)
	}
	if c.customers < 1 || c.days < 1 || c.seed < 1 {
		return c, errors.New("-customers, -days and -seed: want 1 or more")
	}
	var odd error
	if c.orders != "" || c.events != "" {
		f.Visit(func(x *flag.Flag) {
			if x.Name == "customers" || x.Name == "days" || x.Name == "seed" {
				odd = fmt.Errorf("-%s belongs to the simulator", x.Name)
			}
		})
	}
	return c, odd
}

// campaign reads, computes and prints.
func campaign(ctx context.Context, c config, stdin io.Reader, stdout, stderr io.Writer) error {
	bad := &badLines{limit: c.maxErrors}
	src, err := openSource(c, stdin, bad)
	if err != nil {
		return err
	}
	defer src.close()
	report, err := loop(ctx, c, src, bad, newProgress(stderr, src))
	if err != nil {
		return err
	}
	if c.html != "" {
		var page bytes.Buffer
		if err := writeHTML(&page, report); err != nil {
			return err
		}
		if err := os.WriteFile(c.html, page.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if c.json {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	}
	return writeText(stdout, report)
}
