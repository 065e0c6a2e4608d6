//go:build !linux

// Command drills needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "drills: this needs Linux: it reads what the kernel counts of connections and processes")
	os.Exit(1)
}
