package bench

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/zhun-go/zhun/internal/journal"
)

// An event of a shop is about 200 bytes.
const eventBytes = 200

type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// together runs f n times by a number of goroutines.
func together(writers, n int, f func(i int) error) error {
	var wg sync.WaitGroup
	failed := make(chan error, writers)
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				if err := f(i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func newRecords(n int) []journal.Record {
	r := rand.New(rand.NewPCG(5, 0))
	out := make([]journal.Record, n)
	for i := range out {
		data := make([]byte, eventBytes)
		for j := range data {
			data[j] = byte('a' + r.IntN(26))
		}
		out[i] = journal.Record{Subject: uint64(1 + i%1000), Kind: 1, Data: data}
	}
	return out
}

// BenchmarkIngest makes events durable. The journal seals each under its
// subject's key; the rival is pebble, which stores the same bytes as they
// are, each batch committed with pebble.Sync.
func BenchmarkIngest(b *testing.B) {
	for _, c := range []struct{ writers, batch, n int }{{1, 1, 128}, {64, 1, 6400}, {256, 1, 25_600}, {1, 1000, 50}} {
		b.Run(fmt.Sprintf("writers=%d/batch=%d", c.writers, c.batch), func(b *testing.B) {
			dir := b.TempDir()
			records := newRecords(c.batch)
			j, err := journal.Open(filepath.Join(dir, "journal"), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			db, err := pebble.Open(filepath.Join(dir, "pebble"), &pebble.Options{Logger: quiet{}})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			var seq atomic.Uint64
			own := func(int) error {
				_, err := j.Append(journal.Batch{Records: records})
				return err
			}
			rival := func(int) error {
				batch := db.NewBatch()
				defer batch.Close()
				for i := range records {
					if err := batch.Set(binary.BigEndian.AppendUint64(nil, seq.Add(1)), records[i].Data, nil); err != nil {
						return err
					}
				}
				return batch.Commit(pebble.Sync)
			}
			var took [2]time.Duration
			rounds := 0
			for b.Loop() {
				// In turns, so that both meet the same disk.
				const turns = 4
				for range turns {
					for i, f := range []func(int) error{own, rival} {
						start := time.Now()
						if err := together(c.writers, c.n/turns, f); err != nil {
							b.Fatal(err)
						}
						took[i] += time.Since(start)
					}
				}
				rounds += c.n / turns * turns
			}
			total := float64(rounds * c.batch)
			b.ReportMetric(float64(took[0].Nanoseconds())/total, "ns/op")
			b.ReportMetric(total/took[0].Seconds(), "events/s")
			b.ReportMetric(float64(took[1].Nanoseconds())/total, "rival-ns")
			if c.writers == 64 {
				b.ReportMetric(1, "goal-ratio")
			}
		})
	}
}
