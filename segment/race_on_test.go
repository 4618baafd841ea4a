//go:build race

package segment

// raceEnabled says that the race detector is on, under which pools forget.
const raceEnabled = true
