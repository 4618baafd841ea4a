package laws

import (
	"bytes"
	"os"
)

// CheckGolden holds a type to the bytes of a version, which a file holds: they
// are read for ever, and as long as the version is the present one they are
// written, too. Back is the receiver that reads them. With ZHUN_UPDATE in the
// environment the file is made anew.
func CheckGolden(t reporter, file string, now, back codec) {
	t.Helper()
	got := encode(t, now)
	if os.Getenv("ZHUN_UPDATE") != "" {
		must(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(want, got) {
		t.Errorf("%s: what is written now are %d bytes other than those %d", file, len(got), len(want))
	}
	if err := back.UnmarshalBinary(want); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if !bytes.Equal(want, encode(t, back)) {
		t.Errorf("%s: what is read from it is written otherwise", file)
	}
}
