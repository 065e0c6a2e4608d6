package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lookout/engine/config"
)

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

func TestEngineLog(t *testing.T) {
	var b bytes.Buffer
	c := &call{stderr: &b, env: map[string]string{}}
	logOf := func(cfg config.Log) (engineLog, error) {
		return c.engineLog(instance{config: &config.Config{Log: cfg}, folder: folder(t.TempDir())})
	}
	log, err := logOf(config.Log{Level: "warn"})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("quiet")
	log.Warn("loud")
	log.file.hold()
	log.file.Close()
	if got := b.String(); !strings.HasPrefix(got, "time=") || !strings.Contains(got, "msg=loud") || strings.Contains(got, "quiet") {
		t.Errorf("log says %q", got)
	}

	path := filepath.Join(t.TempDir(), "log")
	for range 2 {
		if log, err = logOf(config.Log{File: path, Level: "info"}); err != nil {
			t.Fatal(err)
		}
		log.Info("kept")
		log.file.Close()
	}
	if got, _ := os.ReadFile(path); strings.Count(string(got), "msg=kept") != 2 {
		t.Errorf("the file says %q", got)
	}
	_, err = logOf(config.Log{File: filepath.Join(path, "x")})
	if codeOf(err) != exitIO || !strings.Contains(err.Error(), "[log] file") {
		t.Errorf("got %d, %v", codeOf(err), err)
	}
}
