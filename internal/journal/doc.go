// Package journal keeps a durable, ordered log of records, with checked
// snapshots of the host's state beside it.
//
// It is what a store that lives in memory needs to outlive a crash: every
// change is first a record here, durable when Append returns, and after a
// crash the newest snapshot and the records after it give the state again.
// The journal knows nothing about what the records mean. It is not a
// database: there are no lookups, and the only order is that of appending.
//
// # Tour
//
//	j, err := journal.Open(dir, &journal.Options{Format: "shop 1"})
//
//	// One transaction: all of it or nothing, durable on return.
//	last, err := j.Append(journal.Batch{Records: []journal.Record{
//		{Subject: 7, Kind: ordered, Data: order}, // sealed under the key of subject 7
//		{Kind: offset, Data: position},           // stored as it is
//	}})
//
//	// The state after record last, in files of its own.
//	err = j.Snapshot(last, []journal.Part{{Name: "store", Write: state}})
//
//	// After a crash: the newest snapshot that can be read, then the rest.
//	for _, set := range j.Snapshots() {
//		if state, err := j.Read(set, "store"); err == nil {
//			err = j.Replay(set.Seq, apply)
//			break
//		}
//	}
//
//	// Forget somebody, at once, and then physically.
//	_, err = j.Append(journal.Batch{Forget: []uint64{7}})
//	err = j.Compact(ctx)
//
// # Durability
//
// The log is a bbolt database (go.etcd.io/bbolt), one file, with one bucket
// of records by sequence. Append returns when the transaction that holds the
// batch has been flushed. Callers that arrive while a transaction is at work
// queue up, and the next one takes them all: with many callers the disk's
// flushes are shared. There is no background goroutine and no delay; one of
// the callers does the work for the others.
//
// The file is filled with zeros up to 2 MB ahead of the log, since a flush
// over blocks that exist is many times shorter than one that makes the file
// system allocate.
//
// A commit that fails is final. Nothing is retried, since a disk that
// reported an error once may have dropped what it was given, and every later
// call that writes returns the same error. Reading goes on. Opening the
// journal again shows each batch of the failed transaction as a whole or not
// at all.
//
// Sequences begin at 1 and are contiguous. A sequence that was acknowledged
// is never given again; Truncate and Compact leave the numbers of what stays.
//
// # Damage
//
// bbolt checks only its two meta pages. Open therefore reads the whole file
// before bbolt does, page by page, and accepts it only if every page that can
// be reached is what the tree says, every record has its length, sequence and
// CRC-32C, every key its own, the records are contiguous, and there are as
// many of everything as the head says, which is written with every
// transaction. So every flipped bit and every truncation either changes
// nothing that is recovered or is an [*Error] that wraps [ErrCorrupt] and
// names file and offset. Both meta pages must be sound: bbolt would go back
// to the older one, and with it behind the last acknowledged transaction. The
// file's list of free pages is not stored but rebuilt, so damage to it cannot
// make bbolt write over pages in use.
//
// A file that is cut or overwritten while it is open gives ErrCorrupt too:
// its length is compared before each transaction, and panics and memory
// faults are caught.
//
// # Snapshots
//
// A snapshot of any size must not keep writers waiting, so its parts never go
// through a transaction. Each is written to snap-<seq>-<serial>-<name>.part
// in checked chunks, flushed, renamed; then the directory is flushed; then
// one small transaction publishes the set with the sizes and checksums of its
// files, and files that no set names are removed. Two sets are kept, and
// Truncate refuses to cut what the older does not cover, so that recovery may
// fall back.
//
// # Forgetting
//
// Data of a record with a subject is sealed with AES-256-GCM (NIST SP
// 800-38D) under a random key of that subject, made with its first record,
// and a random nonce; sequence, kind and Clear are authenticated with it. The
// keys lie in the same file. Forget destroys keys in the transaction of its
// batch: from then on Replay gives the records of these subjects as Shredded,
// and no copy of the records, in this file or in a backup without the key,
// can be read through the journal. A mark stays in the key's place, so that a
// key that is merely missing is damage and not mistaken for a wish.
//
// bbolt writes pages anew and reuses old ones later, so the bytes of a
// destroyed key may linger in free pages until Compact, which writes the file
// anew without them and removes the snapshots that may still hold the person.
//
// # Failpoints
//
// Options.Hook is called at each of these, in this order within a call.
// "append.begin", "append.put" and "append.committed": before the
// transaction, before its commit, and after it, before callers are answered.
// The same three with "publish" for the transaction that publishes a set, and
// with "cut" for each transaction of Truncate. "snapshot.create" before a
// part's file is made, "snapshot.write" before each chunk, "snapshot.written"
// before the flush, "snapshot.synced" before the renaming, "snapshot.renamed"
// before the directory is flushed, "snapshot.published" before old files are
// removed. "compact.create" before the new file is made, "compact.write"
// before each chunk, "compact.written" before the flush, "compact.synced"
// before the renaming, "compact.renamed" before the directory is flushed,
// "compact.published" before old files are removed.
//
// # Limits
//
// A record has at most 64 MB, a batch 256 MB, a part's name 64 bytes. Open
// takes about a second for each gigabyte of the log, and Compact makes
// appends wait about as long. Files are in the byte order of the machine.
// Where the system has no flock (Windows, Solaris), bbolt's own lock keeps
// other processes away.
package journal
