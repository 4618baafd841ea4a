//go:build race

package main

// raceDetector is set in builds with the race detector.
const raceDetector = true
