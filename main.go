// Lookout watches websites and services from a terminal.
package main

import (
	"os"

	"lookout/tui/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}
