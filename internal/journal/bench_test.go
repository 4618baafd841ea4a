package journal

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// An event of a shop is about 200 bytes.
const eventBytes = 200

func eventRecords(n, subjects int) []Record {
	r := rand.New(rand.NewPCG(5, 0))
	out := make([]Record, n)
	number := map[int]uint64{} // persons are numbered as they appear
	for i := range out {
		data := make([]byte, eventBytes)
		for j := range data {
			data[j] = byte('a' + r.IntN(26))
		}
		person := r.IntN(subjects)
		if number[person] == 0 {
			number[person] = uint64(len(number) + 1)
		}
		out[i] = Record{Subject: number[person], Kind: 1, Clear: data[:8:8], Data: data}
	}
	return out
}

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

// BenchmarkAppend makes events durable, sealed. The rival is bbolt's own
// db.Batch, which stores the same bytes as they are.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		writers, batch, n int
		goal, guide       float64
	}{{1, 1, 64, 0, 0}, {64, 1, 6400, 0.2, 250_000}, {1, 1000, 100, 0, 0}} {
		b.Run(fmt.Sprintf("writers=%d/batch=%d", c.writers, c.batch), func(b *testing.B) {
			records := eventRecords(c.batch, 10_000)
			var own, rival time.Duration
			rounds := 0
			dir := b.TempDir()
			commits := 0
			j := mustOpen(b, filepath.Join(dir, "journal"), &Options{Hook: func(point string) error {
				if point == "append.begin" {
					commits++
				}
				return nil
			}})
			db, err := bbolt.Open(filepath.Join(dir, "rival"), 0o600, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			err = db.Update(func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("events"))
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				start := time.Now()
				err := together(c.writers, c.n, func(i int) error {
					_, err := j.Append(Batch{Records: records})
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
				own += time.Since(start)
				start = time.Now()
				// Its delay makes the rival slow; a tenth of the work tells.
				err = together(c.writers, c.n/10, func(i int) error {
					return db.Batch(func(tx *bbolt.Tx) error {
						events := tx.Bucket([]byte("events"))
						for k := range records {
							seq, err := events.NextSequence()
							if err != nil {
								return err
							}
							if err := events.Put(binary.BigEndian.AppendUint64(nil, seq), records[k].Data); err != nil {
								return err
							}
						}
						return nil
					})
				})
				if err != nil {
					b.Fatal(err)
				}
				rival += time.Since(start)
				rounds++
			}
			total := float64(rounds * c.n * c.batch)
			b.ReportMetric(float64(own.Nanoseconds())/total, "ns/op")
			b.ReportMetric(total/own.Seconds(), "events/s")
			b.ReportMetric(total/float64(commits), "events/commit")
			b.ReportMetric(float64(rival.Nanoseconds())/float64(rounds*(c.n/10)*c.batch), "rival-ns")
			if c.goal > 0 {
				b.ReportMetric(c.goal, "goal-ratio")
				b.ReportMetric(c.guide, "rival-guide-ns")
			}
		})
	}
}

// BenchmarkReplay reads, checks and decrypts events of few and of many
// persons. The rival is the limit: one core that computes the checksum and
// opens the seal of the same records in memory, ciphers at hand. A million
// events a second is 1 µs. Of many persons most records need a cipher of their
// own, which takes cipher-ns on one core.
func BenchmarkReplay(b *testing.B) {
	const n = 200_000
	for _, subjects := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("subjects=%d", subjects), func(b *testing.B) {
			j := mustOpen(b, b.TempDir(), nil)
			records := eventRecords(n, subjects)
			for i := 0; i < n; i += 5000 {
				if _, err := j.Append(Batch{Records: records[i : i+5000]}); err != nil {
					b.Fatal(err)
				}
			}
			limit := newOpening(b)
			var own, rival, ciphers time.Duration
			rounds, size := 0, 0
			for b.Loop() {
				runtime.GC() // of the ciphers of the round before
				start := time.Now()
				err := j.Replay(0, func(_ uint64, r *Record) error {
					size += len(r.Data)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				own += time.Since(start)
				start = time.Now()
				limit.run(b, n)
				rival += time.Since(start)
				start = time.Now()
				for i := range n {
					if _, err := newAEAD(&key{byte(i)}); err != nil {
						b.Fatal(err)
					}
				}
				ciphers += time.Since(start)
				rounds++
			}
			if size != rounds*n*eventBytes {
				b.Fatalf("%d bytes", size)
			}
			b.ReportMetric(float64(own.Nanoseconds())/float64(n*rounds), "ns/op")
			b.ReportMetric(float64(n*rounds)/own.Seconds(), "events/s")
			b.ReportMetric(float64(rival.Nanoseconds())/float64(n*rounds), "rival-ns")
			b.ReportMetric(float64(ciphers.Nanoseconds())/float64(n*rounds), "cipher-ns")
			b.ReportMetric(1000./250, "goal-ratio")
			b.ReportMetric(250, "rival-guide-ns")
		})
	}
}

// opening is the part of Replay that cannot be left out.
type opening struct {
	aead  cipher.AEAD
	value []byte
	plain []byte
}

func newOpening(b *testing.B) *opening {
	a, err := newAEAD(&key{1})
	if err != nil {
		b.Fatal(err)
	}
	nonce := make([]byte, nonceSize)
	return &opening{aead: a, value: a.Seal(nonce, nonce, make([]byte, eventBytes), nil), plain: make([]byte, 0, eventBytes)}
}

func (o *opening) run(b *testing.B, n int) {
	sum := uint32(0)
	for range n {
		sum ^= crc32.Checksum(o.value, castagnoli)
		if _, err := o.aead.Open(o.plain, o.value[:nonceSize], o.value[nonceSize:], nil); err != nil {
			b.Fatal(err)
		}
	}
	if sum == 1 {
		b.Fatal("never: the sum of even many equal numbers")
	}
}

// content is a part of a size.
type content struct{ block []byte }

const contentBytes = 64 << 20

func (c content) WriteTo(w io.Writer) (n int64, err error) {
	for n < contentBytes && err == nil {
		var k int
		k, err = w.Write(c.block)
		n += int64(k)
	}
	return n, err
}

// BenchmarkSnapshot writes a part of 64 MB and publishes it. The rival is the
// limit: the same bytes written into a file in one go and flushed. 200 MB/s
// is 5 ns a byte.
func BenchmarkSnapshot(b *testing.B) {
	c := content{bytes.Repeat([]byte("snapshot"), 8<<10)}
	dir := b.TempDir()
	j := mustOpen(b, filepath.Join(dir, "journal"), nil)
	var own, rival time.Duration
	rounds := 0
	for b.Loop() {
		start := time.Now()
		if err := j.Snapshot(0, []Part{{"store", c}}); err != nil {
			b.Fatal(err)
		}
		own += time.Since(start)
		start = time.Now()
		f, err := os.Create(filepath.Join(dir, "rival"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.WriteTo(f); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		f.Close()
		rival += time.Since(start)
		rounds++
	}
	megabytes := float64(rounds) * contentBytes / 1e6
	b.ReportMetric(float64(own.Nanoseconds())/float64(rounds), "ns/op")
	b.ReportMetric(megabytes/own.Seconds(), "MB/s")
	b.ReportMetric(float64(rival.Nanoseconds())/float64(rounds), "rival-ns")
}

// BenchmarkRead reads and checks a part of 64 MB. The rival is os.ReadFile of
// the same file.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	j := mustOpen(b, dir, nil)
	if err := j.Snapshot(0, []Part{{"store", content{bytes.Repeat([]byte("snapshot"), 8<<10)}}}); err != nil {
		b.Fatal(err)
	}
	set := j.Snapshots()[0]
	var own, rival time.Duration
	rounds := 0
	for b.Loop() {
		start := time.Now()
		data, err := j.Read(set, "store")
		if err != nil || len(data) != contentBytes {
			b.Fatal(len(data), err)
		}
		own += time.Since(start)
		start = time.Now()
		if _, err := os.ReadFile(filepath.Join(dir, set.fileName("store"))); err != nil {
			b.Fatal(err)
		}
		rival += time.Since(start)
		rounds++
	}
	megabytes := float64(rounds) * contentBytes / 1e6
	b.ReportMetric(float64(own.Nanoseconds())/float64(rounds), "ns/op")
	b.ReportMetric(megabytes/own.Seconds(), "MB/s")
	b.ReportMetric(float64(rival.Nanoseconds())/float64(rounds), "rival-ns")
}

// BenchmarkAppendDuringSnapshot appends beside a snapshot of 512 MB: what a
// caller waits at worst is in p99-ms, and in p99-alone-ms what it waits
// without a snapshot, in the same run.
func BenchmarkAppendDuringSnapshot(b *testing.B) {
	c := content{bytes.Repeat([]byte("snapshot"), 8<<10)}
	j := mustOpen(b, b.TempDir(), nil)
	records := eventRecords(1, 1)
	var during, alone []time.Duration
	wait := func(list []time.Duration, done <-chan struct{}) []time.Duration {
		for {
			select {
			case <-done:
				return list
			default:
			}
			start := time.Now()
			if _, err := j.Append(Batch{Records: records}); err != nil {
				b.Fatal(err)
			}
			list = append(list, time.Since(start))
		}
	}
	for b.Loop() {
		done := make(chan struct{})
		var took time.Duration
		go func() {
			defer close(done)
			start := time.Now()
			parts := make([]Part, 8)
			for i := range parts {
				parts[i] = Part{fmt.Sprint(i), c}
			}
			if err := j.Snapshot(0, parts); err != nil {
				b.Error(err)
			}
			took = time.Since(start)
		}()
		during = wait(during, done)
		done = make(chan struct{})
		time.AfterFunc(took, func() { close(done) })
		alone = wait(alone, done)
	}
	p99 := func(list []time.Duration) float64 {
		slices.Sort(list)
		return float64(list[len(list)*99/100].Microseconds()) / 1000
	}
	b.ReportMetric(p99(during), "p99-ms")
	b.ReportMetric(p99(alone), "p99-alone-ms")
}
