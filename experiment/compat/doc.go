// Package compat assigns as GrowthBook and PlanOut do, bit for bit, so that an
// experiment that runs there can be moved here, or read here, without moving
// anybody between arms. New experiments are better off with the parent
// package: the first version of GrowthBook's hash makes the arms of two
// experiments depend on each other.
//
// It is not a client of either: it reads no feature files and runs no scripts.
//
// Strings are hashed as UTF-8 bytes. GrowthBook's own SDKs differ among each
// other on text outside ASCII, because some hash UTF-16 units.
//
// All functions are pure and safe for concurrent use.
package compat
