package cli

import (
	"bytes"
	"os"
	"testing"
)

func TestCapacity(t *testing.T) {
	for _, tt := range []struct {
		files uint64
		want  int
	}{{0, 16}, {256, 64}, {1024, 384}, {65536, 16384}, {1 << 63, 16384}} {
		if got := capacity(tt.files); got != tt.want {
			t.Errorf("capacity(%d) = %d, want %d", tt.files, got, tt.want)
		}
	}
}

func TestRaiseFiles(t *testing.T) {
	if n := raiseFiles(); n < 64 {
		t.Errorf("%d open files", n)
	}
}

func TestTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if terminal(null) != nil || terminal(&bytes.Buffer{}) != nil || terminal((*os.File)(nil)) != nil {
		t.Error("took something for a terminal")
	}
}
