package cpu

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDetect compares with what Linux says of the processor.
func TestDetect(t *testing.T) {
	f := Detect()
	require.Equal(t, f, Detect())
	if runtime.GOARCH != "amd64" {
		require.Zero(t, f)
		return
	}
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip("no description of the processor to compare with: ", err)
	}
	var flags []string
	for line := range strings.Lines(string(data)) {
		if name, list, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "flags" {
			flags = strings.Fields(list)
			break
		}
	}
	if flags == nil {
		t.Skip("no flags in the description of the processor")
	}
	has := make(map[string]bool)
	for _, f := range flags {
		has[f] = true
	}
	require.Equal(t, Features{AVX2: has["avx2"], FMA: has["avx2"] && has["fma"]}, f)
}
