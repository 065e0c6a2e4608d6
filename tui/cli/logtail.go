package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/tui"
)

const (
	tailBytes = 64 << 10
	tailLines = 200
)

// logOf shows the end of a log file.
func (c *call) logOf(path string) func(context.Context) (tui.Log, error) {
	return func(context.Context) (tui.Log, error) { return c.tailLog(path) }
}

// logBeside shows the end of the log of an engine in another process: of the
// file that its configuration names, else of the one in its data folder. An
// engine that writes to the journal has neither.
func (c *call) logBeside(p *peer) func(context.Context) (tui.Log, error) {
	return func(context.Context) (tui.Log, error) {
		if cfg, _ := config.Load(p.hello.Config, c.options()); cfg != nil && cfg.Log.File != "" {
			return c.tailLog(cfg.Log.File)
		}
		f := folder(filepath.Dir(p.Link().Where))
		if !f.logged() {
			return tui.Log{}, fmt.Errorf("this engine has written nothing to %s: under systemd its log is in the journal, journalctl -u lookout", c.tilde(f.log()))
		}
		return c.tailLog(f.log())
	}
}

// logged reports whether the engine that runs has written to the log of its
// folder, which may be of an earlier one.
func (f folder) logged() bool {
	log, err := os.Stat(f.log())
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // reading it says what is wrong
	}
	started, err := os.Stat(f.pid())
	return err != nil || !log.ModTime().Before(started.ModTime())
}

func (c *call) tailLog(path string) (tui.Log, error) {
	text, err := tail(path)
	if err != nil {
		return tui.Log{}, fmt.Errorf("read the log %s: %w", path, cause(err))
	}
	return tui.Log{Where: c.tilde(path), Text: text}, nil
}

// tail is the last lines of a file, harmless for a terminal.
func tail(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is no file")
	}
	from := max(info.Size()-tailBytes, 0)
	b, err := io.ReadAll(io.NewSectionReader(f, from, tailBytes))
	if err != nil {
		return "", err
	}
	if from > 0 { // the first line may have lost its beginning
		_, b, _ = bytes.Cut(b, []byte("\n"))
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	lines = lines[max(len(lines)-tailLines, 0):]
	for i, l := range lines {
		lines[i] = uptime.Clean(l, 2048)
	}
	return strings.Join(lines, "\n"), nil
}
