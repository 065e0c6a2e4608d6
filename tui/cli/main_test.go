package cli

import (
	"os"
	"testing"
)

// asProgram makes the test binary the program: what has to be a process of its
// own, with a terminal and signals, is started again with it.
const asProgram = "LOOKOUT_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
	}
	os.Exit(m.Run())
}
