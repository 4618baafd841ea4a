package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// traces returns every text that the store holds of a person and of nobody
// else: identifiers, message and order ids, names, addresses, wherever they
// stand.
func (s *shop) traces(user uint32) ([]string, error) {
	own, others := map[string]bool{}, map[string]bool{}
	for _, n := range s.store.Users() {
		data, err := s.store.Export(n)
		if err != nil {
			return nil, err
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			return nil, err
		}
		if n == user {
			collect(v, own)
		} else {
			collect(v, others)
		}
	}
	var out []string
	for text := range own {
		// A short text is anywhere by chance.
		if !others[text] && len(text) >= 8 {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return out, nil
}

func collect(v any, into map[string]bool) {
	switch x := v.(type) {
	case string:
		into[x] = true
	case []any:
		for _, e := range x {
			collect(e, into)
		}
	case map[string]any:
		for name, e := range x {
			if name != "$time" && name != "at" && name != "first" && name != "last" { // instants are shared by chance
				collect(e, into)
			}
		}
	}
}

// file is something that was searched.
type file struct {
	name  string
	size  int
	found []string
}

// scan searches every file below a directory, and the bytes of every view.
func (s *shop) scan(dir string, texts []string) ([]file, error) {
	var out []file
	search := func(name string, data []byte) {
		f := file{name: name, size: len(data)}
		for _, t := range texts {
			if bytes.Contains(data, []byte(t)) {
				f.found = append(f.found, t)
			}
		}
		out = append(out, f)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil {
			name, _ := filepath.Rel(dir, path)
			search("file "+name, data)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, v := range s.views() {
		data, err := v.view.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		search("view "+v.name, data)
	}
	var exports []byte
	for _, n := range s.store.Users() {
		data, err := s.store.Export(n)
		if err != nil {
			return nil, err
		}
		exports = append(exports, data...)
	}
	search("exports of all persons", exports)
	return out, nil
}
