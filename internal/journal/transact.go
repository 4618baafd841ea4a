package journal

import (
	"os"

	"go.etcd.io/bbolt"
)

// transact makes one transaction: f changes the file and m together. A
// failure is final for the journal, since bbolt's file may then hold either
// state. It is expected to write about need bytes. The caller holds j.write.
func (j *Journal) transact(name string, need int64, f func(tx *bbolt.Tx, m *meta) error) error {
	if j.err != nil {
		return j.err
	}
	m := j.meta
	err := guard(dbFile, func() error {
		if err := j.hook(name + ".begin"); err != nil {
			return err
		}
		if err := j.checkSize(); err != nil {
			return err
		}
		tx, err := j.db.Begin(true)
		if err != nil {
			return err
		}
		defer rollback(tx)
		j.reserve.ahead(tx, need)
		if err := f(tx, &m); err != nil {
			return err
		}
		if m.head != j.meta.head {
			if err := putMeta(tx, metaHead, m.head.encode()); err != nil {
				return err
			}
		}
		if err := j.hook(name + ".put"); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		return j.hook(name + ".committed")
	})
	if err != nil && !j.opts.bugs.has(bugSwallow) {
		j.err = system(dbFile, "committing", err)
		return j.err
	}
	j.meta = m
	j.publish()
	return nil
}

// rollback ends a transaction that has not ended; it must not fail when what
// it could clean up is damaged.
func rollback(tx *bbolt.Tx) {
	defer func() { _ = recover() }()
	_ = tx.Rollback()
}

// checkSize refuses a file that became shorter while it is open: bbolt would
// touch memory behind its end.
func (j *Journal) checkSize() error {
	info, err := os.Stat(j.path)
	if err != nil {
		return &Error{File: dbFile, Offset: -1, Reason: "the file is gone", Err: ErrCorrupt, Cause: err}
	}
	if size := j.size.Load(); info.Size() < size {
		return corrupt(dbFile, info.Size(), "the file ends, it had %d bytes", size)
	}
	j.size.Store(info.Size())
	return nil
}
