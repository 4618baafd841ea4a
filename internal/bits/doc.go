// Package bits computes with sets of users at the speed of memory.
//
// A [Set] holds users in blocks of 65,536, each empty, full, a short sorted
// array or a dense page of 8 KiB. An expression over sets ([And], [Or],
// [Diff]) is evaluated a block at a time, so that what lies between the sets
// and the answer stays in the first cache of a core: dense pages are combined
// four at a time in one pass, arrays are looked up in pages, and an
// intersection begins with the sets that leave least. Between two arrays one
// of them becomes a page first: at a share of users of some percent that is
// several times as fast as merging.
//
// Users that no set holds, but who can be found a block at a time, join an
// expression as a [Source], and a test that looks closer at those whom an
// expression leaves as [Where].
//
// It is not an interchange format: sets come from roaring bitmaps and leave as
// such ([FromRoaring], [Set.Roaring]). It has no point updates either; a set
// is made once and then only read.
package bits
