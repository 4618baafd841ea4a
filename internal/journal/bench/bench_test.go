//go:build linux

package bench

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
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

// newSeal returns what the journal seals with, for a key at hand.
func newSeal(b *testing.B) cipher.AEAD {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		b.Fatal(err)
	}
	return seal
}

// BenchmarkIngest makes events durable, sealed. The rival is pebble, which
// stores the same bytes, sealed by the same cipher, its key at hand, each
// batch committed with pebble.Sync. The turns are long enough that the
// meeting of the writers at their beginning counts for nothing.
//
// A transaction of bbolt flushes twice, its pages and then its meta page, a
// commit of pebble once: flushes-ns is what the two flushes alone take of each
// event, with every writer in one transaction, in the same turns.
func BenchmarkIngest(b *testing.B) {
	for _, c := range []struct{ writers, batch, n int }{{1, 1, 128}, {64, 1, 25_600}, {256, 1, 51_200}, {1, 1000, 50}} {
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
			seal := newSeal(b)
			own := func(int) error {
				_, err := j.Append(journal.Batch{Records: records})
				return err
			}
			rival := func(int) error {
				batch := db.NewBatch()
				defer batch.Close()
				for i := range records {
					id := binary.BigEndian.AppendUint64(nil, seq.Add(1))
					if err := batch.Set(id, seal.Seal(nil, nil, records[i].Data, id), nil); err != nil {
						return err
					}
				}
				return batch.Commit(pebble.Sync)
			}
			floor := newFlushes(b, filepath.Join(dir, "flushes"), c.writers*c.batch)
			var took [3]time.Duration
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
					start := time.Now()
					floor.run(b, c.n/turns/c.writers)
					took[2] += time.Since(start)
				}
				rounds += c.n / turns * turns
			}
			total := float64(rounds * c.batch)
			b.ReportMetric(float64(took[0].Nanoseconds())/total, "ns/op")
			b.ReportMetric(total/took[0].Seconds(), "events/s")
			b.ReportMetric(float64(took[1].Nanoseconds())/total, "rival-ns")
			b.ReportMetric(float64(took[2].Nanoseconds())/total, "flushes-ns")
			if c.writers == 64 {
				b.ReportMetric(1, "goal-ratio")
			}
		})
	}
}

// flushes is the part of a transaction of bbolt that cannot be left out.
type flushes struct {
	f     *os.File
	pages []byte
	at    int64
}

const (
	page       = 4096
	floorBytes = 4 << 20
	// branches is about how many pages are written beside those of records.
	branches = 3
)

func newFlushes(b *testing.B, path string, events int) *flushes {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	// Its blocks exist, as those of the journal do.
	if _, err := f.Write(make([]byte, floorBytes)); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	n := events*(eventBytes+page/64)/page + 1 + branches
	return &flushes{f: f, pages: make([]byte, n*page), at: 2 * page}
}

func (l *flushes) run(b *testing.B, n int) {
	for i := range n {
		if l.at+int64(len(l.pages)) > floorBytes {
			l.at = 2 * page
		}
		for at := 0; at < len(l.pages); at += page {
			l.write(b, l.pages[at:at+page], l.at+int64(at))
		}
		l.sync(b)
		l.at += int64(len(l.pages))
		l.write(b, l.pages[:page], int64(i%2*page))
		l.sync(b)
	}
}

func (l *flushes) write(b *testing.B, data []byte, at int64) {
	if _, err := l.f.WriteAt(data, at); err != nil {
		b.Fatal(err)
	}
}

func (l *flushes) sync(b *testing.B) {
	if err := syscall.Fdatasync(int(l.f.Fd())); err != nil {
		b.Fatal(err)
	}
}
