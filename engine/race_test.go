//go:build race

package engine

// raced: what takes minutes under the race detector runs without it, in a step of its own.
const raced = true
