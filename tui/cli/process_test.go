package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
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

func TestLogIsHarmless(t *testing.T) {
	var b bytes.Buffer
	newLog(&b, slog.LevelInfo, false).Info("x", "text", "a\x1b[31m\u202eb", "err", errors.New("c\nd\x07"))
	got := b.String()
	if strings.ContainsAny(got, "\x1b\x07\u202e") || strings.Count(got, "\n") != 1 {
		t.Errorf("log says %q", got)
	}
	if strings.Contains(got, "time=") {
		t.Errorf("a stamp that was not asked for: %q", got)
	}
	b.Reset()
	newLog(&b, slog.LevelWarn, true).Info("quiet")
	if b.Len() != 0 {
		t.Errorf("below the level: %q", b.String())
	}
}
