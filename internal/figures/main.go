// Command figures runs the benchmarks that carry a goal and prints one table:
// what was measured, the rival or physical limit in the same run, their
// ratio, the goal, and whether it is met.
//
//	go run ./internal/figures            # all packages
//	go run ./internal/figures -write     # and refresh BENCHMARKS.md
//	go run ./internal/figures -bench Fit ./recommend
//
// A benchmark declares its goal beside its code, as metrics:
//
//	rival-ns        time per operation of the rival or limit, this run
//	goal-ratio      the time per operation wanted, as a multiple of rival-ns
//	rival-guide-ns  what the rival should take on a quiet machine
//
// The last one keeps rivals honest. Every rival of a run should be slower
// than its guide by about the same factor, which is how busy or slow the
// machine is; one that stands out is marked, because it was written slowly or
// disturbed. Absolute times differ between machines: believe the ratios.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("figures", flag.ContinueOnError)
	flags.SetOutput(stderr)
	bench := flags.String("bench", ".", "run only benchmarks matching `regexp`")
	benchtime := flags.String("benchtime", "500ms", "time for each benchmark")
	count := flags.Int("count", 3, "runs of each benchmark; the median ratio counts")
	write := flags.Bool("write", false, "refresh BENCHMARKS.md")
	if err := flags.Parse(args); err != nil {
		return err
	}
	packages := flags.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{
		"test", "-run=^$", "-bench=" + *bench, "-benchtime=" + *benchtime,
		fmt.Sprintf("-count=%d", *count), "-timeout=60m",
	}, packages...)...)
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(&out, &progress{w: stderr})
	cmd.Stderr = stderr
	runErr := cmd.Run()
	report, err := parse(&out)
	if err != nil {
		return err
	}
	if runErr != nil {
		return fmt.Errorf("benchmarks failed: %w", runErr)
	}
	if len(report.figures) == 0 {
		return fmt.Errorf("no benchmark matching %q carries a goal", *bench)
	}
	report.print(stdout)
	if *write {
		f, err := os.Create("BENCHMARKS.md")
		if err != nil {
			return err
		}
		report.markdown(f, runtime.Version())
		return f.Close()
	}
	return nil
}

// progress shows that something happens: a dot for each finished benchmark.
type progress struct{ w io.Writer }

func (p *progress) Write(b []byte) (int, error) {
	for range bytes.Count(b, []byte(" ns/op")) {
		fmt.Fprint(p.w, ".")
	}
	if bytes.Contains(b, []byte("\nok ")) || bytes.HasPrefix(b, []byte("ok ")) {
		fmt.Fprintln(p.w)
	}
	return len(b), nil
}
