package profile

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/zhun-go/zhun/internal/journal"
)

// ingestEvent is one event of a shop of some 10,000 customers.
func ingestEvent(i int) Event {
	u := i * 7919 % 10_000
	return Event{
		ID: fmt.Sprintf("m%09d", i), Name: ProductViewed, Time: epoch.Add(time.Duration(i) * time.Second),
		Keys:   []Key{{UserID, fmt.Sprint("u", u)}, {AnonymousID, fmt.Sprint("c", u)}},
		Fields: map[string]any{"product_id": fmt.Sprint("p", i%500), "category": "shoes", "price": 12.5, "context.page.path": "/shoes/running"},
	}
}

func ingestOptions() *Options {
	return &Options{SnapshotEvery: -1, OmitChanges: true, Traits: []Trait{
		{Name: "views", Kind: Count, Events: []string{ProductViewed}},
		{Name: "last", Kind: Last, Events: []string{ProductViewed}, Field: "product_id"},
	}}
}

// BenchmarkOpenApply has writers who wait for the disk after each event, beside
// bbolt's own db.Batch, which stores the same bytes in a bucket.
func BenchmarkOpenApply(b *testing.B) {
	const writers = 64
	write := func(n int, f func(i int) error) time.Duration {
		var next atomic.Int64
		var wg sync.WaitGroup
		start := time.Now()
		for range writers {
			wg.Go(func() {
				for {
					i := int(next.Add(1)) - 1
					if i >= n {
						return
					}
					if err := f(i); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		return time.Since(start)
	}
	b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
		db, err := bbolt.Open(filepath.Join(b.TempDir(), "rival.db"), 0o600, nil)
		require.NoError(b, err)
		defer db.Close()
		require.NoError(b, db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("records"))
			return err
		}))
		s, err := Open(b.TempDir(), ingestOptions())
		require.NoError(b, err)
		defer s.Close()
		const n = 2000
		own, rival := time.Duration(0), time.Duration(0)
		events, puts := 0, 0
		for b.Loop() {
			from := events
			own += write(n, func(i int) error {
				_, err := s.Apply(ingestEvent(from + i))
				return err
			})
			events += n
			const fewer = n / 4
			rival += write(fewer, func(i int) error {
				e := ingestEvent(from + i)
				c := cleaned{id: e.ID, name: e.Name, at: instantOf(e.Time)}
				data := appendEvent(nil, &c, e.Keys, pairsOf(e.Fields))
				return db.Batch(func(tx *bbolt.Tx) error {
					return tx.Bucket([]byte("records")).Put(binary.BigEndian.AppendUint64(nil, uint64(from+i)), data)
				})
			})
			puts += fewer
		}
		b.ReportMetric(float64(events)/own.Seconds(), "events/s")
		b.ReportMetric(float64(own.Nanoseconds())/float64(events), "ns/op")
		b.ReportMetric(float64(rival.Nanoseconds())/float64(puts), "rival-ns")
		b.ReportMetric(1.0/5, "goal-ratio")
		b.ReportMetric(330_000, "rival-guide-ns")
	})
	b.Run("batch=1000", func(b *testing.B) {
		s, err := Open(b.TempDir(), ingestOptions())
		require.NoError(b, err)
		defer s.Close()
		i := 0
		for b.Loop() {
			_, err := s.ApplyAll(context.Background(), func(yield func(Event, error) bool) {
				for range 1000 {
					if !yield(ingestEvent(i), nil) {
						return
					}
					i++
				}
			}, nil)
			require.NoError(b, err)
		}
		b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(i), "ns/event")
	})
}

// BenchmarkRecovery replays a journal without a snapshot, beside the ingestion
// of the same events in memory and the mere reading of the journal.
func BenchmarkRecovery(b *testing.B) {
	const n = 100_000
	dir := b.TempDir()
	s, err := Open(dir, ingestOptions())
	require.NoError(b, err)
	events := func(yield func(Event, error) bool) {
		for i := range n {
			if !yield(ingestEvent(i), nil) {
				return
			}
		}
	}
	_, err = s.ApplyAll(context.Background(), events, nil)
	require.NoError(b, err)
	left := copyDir(b, dir)
	require.NoError(b, s.Close())
	var ingest, reading, replay time.Duration
	runs := 0
	for b.Loop() {
		// What costs the caller nothing does not count as ingestion.
		given := make([]Event, n)
		for i := range given {
			given[i] = ingestEvent(i)
		}
		mem, err := New(ingestOptions())
		require.NoError(b, err)
		runtime.GC()
		start := time.Now()
		for i := range given {
			if _, err := mem.Apply(given[i]); err != nil {
				b.Fatal(err)
			}
		}
		ingest += time.Since(start)

		j, err := journal.Open(left, &journal.Options{Format: journalFormat})
		require.NoError(b, err)
		runtime.GC()
		start = time.Now()
		require.NoError(b, j.Replay(0, func(uint64, *journal.Record) error { return nil }))
		reading += time.Since(start)
		require.NoError(b, j.Close())

		x, err := New(ingestOptions())
		require.NoError(b, err)
		j, err = journal.Open(left, &journal.Options{Format: journalFormat})
		require.NoError(b, err)
		d := &durable{s: x, j: j}
		x.ahead.on = true
		runtime.GC()
		start = time.Now()
		require.NoError(b, d.replay(0))
		replay += time.Since(start)
		require.EqualValues(b, n, x.Stats().Applied)
		require.NoError(b, j.Close())
		runs++
	}
	total := float64(runs * n)
	b.ReportMetric(total/replay.Seconds(), "events/s")
	b.ReportMetric(total/reading.Seconds(), "read-events/s")
	b.ReportMetric(replay.Seconds()*1e9/total, "ns/op")
	b.ReportMetric(ingest.Seconds()*1e9/total, "rival-ns")
	b.ReportMetric(1, "goal-ratio")
	b.ReportMetric(2000, "rival-guide-ns")
}

// BenchmarkStateBytes writes and reads a whole store, beside a bare pass that
// copies the same bytes and takes their checksum. The goal of both is 200 MB/s.
func BenchmarkStateBytes(b *testing.B) {
	s, err := New(ingestOptions())
	require.NoError(b, err)
	for i := range 200_000 {
		if _, err := s.Apply(ingestEvent(i)); err != nil {
			b.Fatal(err)
		}
	}
	data, err := s.AppendBinary(nil)
	require.NoError(b, err)
	table := crc32.MakeTable(crc32.Castagnoli)
	for _, x := range []struct {
		name string
		do   func()
	}{
		{"do=write", func() {
			_, err := s.AppendBinary(nil)
			require.NoError(b, err)
		}},
		{"do=read", func() {
			_, err := s.decode(data, false)
			require.NoError(b, err)
		}},
		{"limit=copy", func() {
			crc32.Checksum(append([]byte(nil), data...), table)
		}},
	} {
		b.Run(x.name, func(b *testing.B) {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			for b.Loop() {
				x.do()
			}
			b.ReportMetric(float64(len(data)*b.N)/1e6/time.Since(start).Seconds(), "MB/s")
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(len(data)*b.N), "allocated/byte")
			b.ReportMetric(float64(len(data))/200_000, "bytes/event")
		})
	}
}

// BenchmarkSnapshotStall has events come one by one from eight callers while
// snapshots are written, and reports how long they wait: with the store
// written from a twin, of which p99 is to stay within 50 ms, and in place.
// ZHUN_LONG=1 makes the store forty times as large, near a gigabyte.
func BenchmarkSnapshotStall(b *testing.B) {
	n := 300_000
	if os.Getenv("ZHUN_LONG") != "" {
		n *= 40
	}
	for _, inPlace := range []bool{false, true} {
		b.Run(fmt.Sprintf("in-place=%v", inPlace), func(b *testing.B) { benchmarkStall(b, n, inPlace) })
	}
}

func benchmarkStall(b *testing.B, n int, inPlace bool) {
	opts := ingestOptions()
	opts.SnapshotInPlace = inPlace
	s, err := Open(b.TempDir(), opts)
	require.NoError(b, err)
	defer s.Close()
	_, err = s.ApplyAll(context.Background(), func(yield func(Event, error) bool) {
		for i := range n {
			if !yield(ingestEvent(i), nil) {
				return
			}
		}
	}, nil)
	require.NoError(b, err)
	// A store that has run for a while has a snapshot.
	require.NoError(b, s.durable.snapshot(context.Background(), snapshotAlone))
	var waits []time.Duration
	var took time.Duration
	size := int64(0)
	i := n
	for b.Loop() {
		done := make(chan error, 1)
		start := time.Now()
		go func() { done <- s.Snapshot(context.Background()) }()
		var mu sync.Mutex
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for range 8 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					mu.Lock()
					i++
					e := ingestEvent(i)
					mu.Unlock()
					at := time.Now()
					if _, err := s.Apply(e); err != nil {
						b.Error(err)
						return
					}
					wait := time.Since(at)
					mu.Lock()
					waits = append(waits, wait)
					mu.Unlock()
				}
			})
		}
		require.NoError(b, <-done)
		took += time.Since(start)
		close(stop)
		wg.Wait()
		size += s.durable.j.Snapshots()[0].Size()
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1000, "max-ms")
	b.ReportMetric(float64(len(waits))/took.Seconds(), "events/s")
	b.ReportMetric(float64(size)/1e6/float64(b.N), "MB")
	b.ReportMetric(float64(size)/1e6/took.Seconds(), "MB/s")
}
