// Command beam runs the library's accumulators on Apache Beam, in process on
// Prism by default, and checks that the answers are those of one process.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/zhun-go/zhun/internal/sim"
)

func main() {
	events := flag.Int("events", 20_000, "simulated events")
	seed := flag.Uint64("seed", 1, "root of the simulation's draws, not 0")
	dir := flag.String("dir", "", "keep rows and results in `DIR`, which workers must reach (default: a directory that is removed)")
	files := flag.Int("files", 8, "files that the rows are split over")
	verbose := flag.Bool("v", false, "show what the engine logs")
	flag.Parse()
	beam.Init() // on a worker of a cluster this does not return
	if !*verbose {
		// An engine in process calls ending a worker an error.
		slog.SetDefault(slog.New(slog.DiscardHandler))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *events, *seed, *dir, *files); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, events int, seed uint64, dir string, files int) (err error) {
	if events < 1 || seed < 1 || files < 1 {
		return errors.New("beam: -events, -seed and -files: want 1 or more")
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "zhun-beam-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	start := time.Now()
	s, err := runSingle(ctx, events, seed)
	if err != nil {
		return err
	}
	want, err := s.results(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("one process:  %d events of %d persons in %.1fs\n", s.events, s.store.Stats().Profiles, time.Since(start).Seconds())
	rows, err := s.export(dir, files)
	if err != nil {
		return err
	}
	start = time.Now()
	p, scope := beam.NewPipelineWithRoot()
	out := filepath.Join(dir, "results.jsonl")
	build(scope, filepath.Join(dir, "rows-*.jsonl"), out, s.now)
	if err := beamx.Run(ctx, p); err != nil {
		return err
	}
	fmt.Printf("beam:         %d rows from %d files, %d merges in this process, in %.1fs\n", rows, files, merges.Load(), time.Since(start).Seconds())
	got, err := readResults(ctx, out)
	if err != nil {
		return err
	}
	names, err := differences(want, got)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("beam: other results than of one process: %s", strings.Join(names, ", "))
	}
	c, err := got.compare(sim.ArmControl, sim.ArmTreatment)
	if err != nil {
		return err
	}
	fmt.Printf("equal:        %d results, byte for byte\n\nrevenue per user, in cents\n%v\n\n%s\n", len(got), c, got["credits"])
	return nil
}
