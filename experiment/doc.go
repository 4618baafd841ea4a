// Package experiment assigns units to the arms of experiments and estimates
// what the arms did.
package experiment
