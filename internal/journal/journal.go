package journal

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// Options of a journal. Nil and zero fields are the defaults.
type Options struct {
	// Format says what the host's records are, with their version, such as
	// "profile 1". It is written when the journal is created; another one
	// later is refused with [ErrVersion]. Default "".
	Format string
	// LockTimeout is how long Open waits while another journal has the
	// directory open; negative: not at all. Default one second.
	LockTimeout time.Duration
	// Hook, if set, is called at every failpoint, see the package comment.
	// It is for tests: it may end the process, and an error it returns is
	// taken for the failure of the system call that comes next. It may be
	// called from several goroutines. Default nil.
	Hook func(point string) error

	bugs     bugs
	pageSize int
}

// Journal is a durable, ordered log of records with snapshots beside it. Safe
// for concurrent use; Replay's function may call every method.
type Journal struct {
	dir  string
	path string // of the database
	opts Options
	lock *os.File

	last atomic.Uint64 // acknowledged
	size atomic.Int64  // of the database, as last seen

	queueMu sync.Mutex
	queue   []*request
	expect  int  // callers who were answered last, or left in the queue
	leading bool // somebody is, or is about to be, committing
	closed  bool

	// write serializes transactions. It guards what follows.
	write   sync.Mutex
	meta    meta
	err     error // why no transaction can be made any more
	cache   aeads
	arena   []byte
	dice    nonces
	reserve reserve

	// handle guards db: users hold it shared, Close and Compact exclusively.
	handle sync.RWMutex
	db     *bbolt.DB // nil when closed

	snapshots sync.Mutex // serializes Snapshot, Truncate and Compact

	// view guards what readers see of the snapshots, and why they may not
	// rely on what they cached.
	view    sync.Mutex
	sets    []Set
	first   uint64
	forgets atomic.Uint64 // number of transactions that destroyed keys
}

// Open opens the journal in a directory, which it creates if there is none.
// It reads and checks the whole of the journal's file, at about a gigabyte a
// second; the files of snapshots are checked when they are read. What a crash
// left half-written is removed. Errors wrap [ErrLocked], [ErrReadOnly],
// [ErrFull], [ErrVersion] or [ErrCorrupt].
func Open(dir string, opts *Options) (*Journal, error) {
	j := &Journal{dir: dir, path: filepath.Join(dir, dbFile), cache: aeads{bits: cacheBits}}
	if opts != nil {
		j.opts = *opts
	}
	if j.opts.LockTimeout == 0 {
		j.opts.LockTimeout = time.Second
	}
	if j.opts.pageSize == 0 {
		j.opts.pageSize = defaultPage
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	f, err := lock(dir, j.opts.LockTimeout)
	if err != nil {
		return nil, err
	}
	j.lock = f
	if err := j.open(); err != nil {
		if j.db != nil {
			j.db.Close()
		}
		j.reserve.close()
		f.Close()
		return nil, err
	}
	return j, nil
}

func (j *Journal) open() error {
	if err := j.create(); err != nil {
		return err
	}
	m, err := verify(j.path, j.opts.bugs)
	if err != nil {
		return err
	}
	if m.format != j.opts.Format {
		return &Error{
			File: dbFile, Offset: -1, Err: ErrVersion,
			Reason: "records of format " + quote(m.format) + ", wanted " + quote(j.opts.Format),
		}
	}
	if j.db, err = j.openDB(j.path); err != nil {
		return err
	}
	if err := j.reserve.open(j.path); err != nil {
		return err
	}
	j.meta = m
	j.publish()
	return sweep(j.dir, fileNames(m.sets))
}

// publish shows readers what has been committed.
func (j *Journal) publish() {
	j.view.Lock()
	j.sets, j.first = j.meta.sets, j.meta.head.first
	j.view.Unlock()
	j.last.Store(j.meta.head.last)
}

// create makes a journal where there is none. The file gets its name when it
// is complete, so that an empty or torn one under that name is damage.
func (j *Journal) create() error {
	if _, err := os.Stat(j.path); err == nil {
		return nil
	} else if !os.IsNotExist(err) {
		return system(dbFile, "looking", err)
	}
	left, err := filepath.Glob(filepath.Join(j.dir, snapshot+"*"))
	if err != nil {
		return system("", "looking for snapshots", err)
	}
	for _, name := range left {
		if filepath.Ext(name) != partial {
			return corrupt(dbFile, -1, "the file is missing, but there is %s", filepath.Base(name))
		}
	}
	part := j.path + partial
	if err := os.Remove(part); err != nil && !os.IsNotExist(err) {
		return system(dbFile+partial, "removing", err)
	}
	db, err := j.openDB(part)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return initialize(tx, meta{head: head{first: 1}, format: j.opts.Format})
	})
	if closing := db.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(part, j.path)
	}
	if err != nil {
		os.Remove(part)
		return system(dbFile, "creating", err)
	}
	return syncDir(j.dir)
}

// initialize makes the buckets of an empty file.
func initialize(tx *bbolt.Tx, m meta) error {
	for _, name := range []string{bucketRecords, bucketKeys, bucketMeta} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	if err := putMeta(tx, metaFormat, append([]byte{layout}, m.format...)); err != nil {
		return err
	}
	if err := putMeta(tx, metaSets, encodeSets(m.sets)); err != nil {
		return err
	}
	return putMeta(tx, metaHead, m.head.encode())
}

// openDB opens a file that has been verified or does not exist.
func (j *Journal) openDB(path string) (db *bbolt.DB, err error) {
	err = guard(filepath.Base(path), func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			// Never zero, which would wait for ever.
			Timeout: max(j.opts.LockTimeout, 10*time.Millisecond),
			// The list of free pages is rebuilt at Open from pages that have
			// been verified, so that a damaged list cannot make bbolt write
			// over pages in use; and commits are shorter.
			NoFreelistSync: true,
			FreelistType:   bbolt.FreelistMapType,
			PageSize:       j.opts.pageSize,
			NoStatistics:   true,
			NoSync:         j.opts.bugs.has(bugNoSync),
		})
		return err
	})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, &Error{File: filepath.Base(path), Offset: -1, Reason: "another process holds the lock", Err: ErrLocked}
	}
	if err != nil {
		return nil, system(filepath.Base(path), "opening", err)
	}
	db.AllocSize = allocSize
	return db, nil
}

const (
	defaultPage = 4096
	allocSize   = 4 << 20

	// Ciphers kept: 16,384 by the writer, and as many by a Replay.
	cacheBits = 14
)

// Last returns the sequence of the last acknowledged record, 0 if there has
// never been one.
func (j *Journal) Last() uint64 { return j.last.Load() }

// First returns the lowest sequence that has not been cut. It is Last()+1
// when nothing is left.
func (j *Journal) First() uint64 {
	j.view.Lock()
	defer j.view.Unlock()
	return j.first
}

// hook runs the failpoint.
func (j *Journal) hook(point string) error {
	if j.opts.Hook == nil {
		return nil
	}
	return j.opts.Hook(point)
}

// Close waits for the transaction at work and closes the journal. Callers of
// Append whose records were not in that transaction get [ErrClosed]. A second
// Close does nothing.
func (j *Journal) Close() error {
	j.queueMu.Lock()
	if j.closed {
		j.queueMu.Unlock()
		return nil
	}
	j.closed = true
	j.queueMu.Unlock()
	j.snapshots.Lock()
	defer j.snapshots.Unlock()
	j.write.Lock()
	defer j.write.Unlock()
	j.handle.Lock()
	defer j.handle.Unlock()
	if j.err == nil {
		j.err = ErrClosed
	}
	err := guard(dbFile, j.db.Close)
	j.db = nil
	j.reserve.close()
	if closing := j.lock.Close(); err == nil {
		err = closing
	}
	return system(dbFile, "closing", err)
}
