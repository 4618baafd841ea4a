package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/zhun-go/zhun/profile"
)

// open returns the store of a directory.
func open(string) (*profile.Store, error) { return profile.New(options()) }

// save writes what is held to files.
func save(_ context.Context, s *shop, dir string) error {
	for _, v := range s.views() {
		data, err := v.view.AppendBinary(nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, v.name+".zhun"), data, 0o600); err != nil {
			return err
		}
	}
	data, err := s.store.AppendBinary(nil)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "store.zhun"), data, 0o600)
}

// compact rewrites the files without what was erased.
func compact(ctx context.Context, s *shop, dir string) error { return save(ctx, s, dir) }
