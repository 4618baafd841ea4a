//go:build !race

package recommend

// raceEnabled: the race detector is on, which makes arithmetic ten times
// slower and lets pools forget on purpose.
const raceEnabled = false
