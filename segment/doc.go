// Package segment keeps audiences: who is in which one, at every instant.
package segment
