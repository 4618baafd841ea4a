//go:build !race

package attribution

const raced = false
