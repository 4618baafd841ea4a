package profile

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// What becomes of a field when a store is written and read.
const (
	saved   = "saved"   // AppendBinary writes it
	derived = "derived" // it follows from what is written, and from the options
	passing = "passing" // it is lost, as documented, or matters to nobody
)

// Every field of what a store holds is accounted for: a new one must be
// written, computed, or be known not to matter.
func TestEveryFieldIsSaved(t *testing.T) {
	for _, x := range []struct {
		of     any
		fields map[string]string
	}{
		{state{}, map[string]string{
			"clock": saved, "seq": saved, "next": saved, "graph": saved, "people": saved, "live": derived, "log": saved,
			"records": saved, "seen": saved, "watched": passing, "tombs": saved, "stats": saved, "consent": derived,
			"attributes": saved, "timers": derived, "oldest": derived, "retained": derived, "subjects": saved,
			"doomed": saved, "marks": saved,
		}},
		{identity{}, map[string]string{
			"kinds": saved, "kindIndex": derived, "nodes": saved, "freeNodes": passing, "sets": saved, "freeSets": passing,
			"keyTable": derived, "setTable": derived, "seed": passing, "sources": saved, "spans": derived, "lending": derived, "maxKeys": derived, "maxLinks": derived, "maxMerges": derived, "sharing": derived,
		}},
		{sources{}, map[string]string{"index": derived, "texts": saved, "uses": derived, "free": passing}},
		{kind{}, map[string]string{"name": saved, "rank": derived, "limit": derived, "span": derived}},
		{node{}, map[string]string{
			"kind": saved, "solo": derived, "shared": saved, "cut": saved, "crowded": saved, "plain": passing, "value": saved,
			"person": saved, "sets": derived,
		}},
		{keyset{}, map[string]string{
			"nodes": saved, "owner": saved, "first": saved, "last": saved, "firstID": saved, "mark": saved,
		}},
		{person{}, map[string]string{
			"number": derived, "keys": derived, "only": saved, "ids": derived, "rows": saved,
			"said": saved, "computed": derived,
		}},
		{statements{}, map[string]string{"pins": saved, "cells": saved, "consents": saved, "tags": saved}},
		{computed{}, map[string]string{"traits": derived, "windows": derived, "cellsOf": derived, "slidesOf": derived}},
		{pin{}, map[string]string{"number": saved, "node": saved}},
		{cell{}, map[string]string{"name": saved, "set": saved, "at": saved, "value": saved}},
		{consent{}, map[string]string{"purpose": saved, "set": saved, "at": saved, "granted": saved, "source": saved}},
		{tagging{}, map[string]string{
			"name": saved, "source": saved, "set": saved, "at": saved, "until": saved, "confidence": saved,
		}},
		{traitCell{}, map[string]string{
			"value": derived, "n": derived, "more": derived, "at": derived, "stamp": saved, "trait": saved, "rank": derived,
		}},
		{window{}, map[string]string{
			"value": derived, "times": derived, "more": derived, "due": derived, "stamp": saved, "trait": saved,
			"inside": derived, "lag": derived,
		}},
		{dedupe{}, map[string]string{"young": saved, "old": saved, "turn": saved}},
		{generation{}, map[string]string{"hashes": saved, "read": saved, "sieve": saved}},
		{hashList{}, map[string]string{"all": saved, "first": derived, "shift": derived, "gone": saved}},
		{sieve{}, map[string]string{"width": saved, "buckets": saved, "n": derived, "most": derived, "words": saved}},
		{tombstones{}, map[string]string{"mac": derived, "until": saved, "buf": passing, "digest": passing}},
		{eventLog{}, map[string]string{
			"names": saved, "chunks": saved, "garbage": passing, "used": derived, "scratch": passing, "frozen": passing, "counted": derived,
		}},
		{consentIndex{}, map[string]string{"optOut": derived, "granted": derived, "denied": derived, "pending": derived}},
	} {
		of := reflect.TypeOf(x.of)
		for f := range of.Fields() {
			require.Contains(t, x.fields, f.Name, "is %s.%s written by AppendBinary? Say so here.", of, f.Name)
			delete(x.fields, f.Name)
		}
		require.Empty(t, x.fields, "fields that %s no longer has", of)
	}
	require.Len(t, new(Stats).counters(), countFields[uint64](reflect.TypeFor[Stats]()))
}

// countFields counts the fields of a kind, also those of structs within.
func countFields[T any](of reflect.Type) (n int) {
	for f := range of.Fields() {
		switch {
		case f.Type == reflect.TypeFor[T]():
			n++
		case f.Type.Kind() == reflect.Struct:
			n += countFields[T](f.Type)
		}
	}
	return n
}
