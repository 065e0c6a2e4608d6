package cli

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"lookout/engine/config"
	"lookout/engine/uptime"
)

// maxLog is from what size on a log of ours is put aside at a start.
const maxLog = 8 << 20

// newLog writes a log for people. Whatever comes from outside is made harmless.
func newLog(w io.Writer, level slog.Level, stamps bool) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey && !stamps {
			return slog.Attr{} // the journal has its own
		}
		switch a.Value.Kind() {
		case slog.KindString:
			a.Value = slog.StringValue(uptime.Clean(a.Value.String(), 2048))
		case slog.KindAny:
			if err, ok := a.Value.Any().(error); ok {
				a.Value = slog.StringValue(uptime.Clean(err.Error(), 2048))
			}
		}
		return a
	}}))
}

// engineLog is the log of `lookout engine`: the file that was configured, else
// standard error, where the journal puts the time in front by itself.
func (c *call) engineLog(cfg config.Log) (*slog.Logger, func(), error) {
	if cfg.File != "" {
		return fileLog(cfg.File, cfg.Level)
	}
	return newLog(c.stderr, levelOf(cfg.Level), c.env["JOURNAL_STREAM"] == ""), func() {}, nil
}

// consoleLog is the log of an engine under a dashboard, which has the screen:
// the file that was configured, else one in the data folder.
func (c *call) consoleLog(in instance) (*slog.Logger, func(), error) {
	path := in.config.Log.File
	if path == "" {
		path = in.folder.log()
	}
	return fileLog(path, in.config.Log.Level)
}

// fileLog appends to a file. One that has become large is put aside first.
func fileLog(path, level string) (*slog.Logger, func(), error) {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, failf(exitIO, "put the log %s aside: %w", path, cause(err))
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, logError(path, err)
	}
	return newLog(f, levelOf(level), true), func() { f.Close() }, nil
}

func logError(path string, err error) error {
	code := exitIO
	if errors.Is(err, fs.ErrPermission) {
		code = exitDenied
	}
	return failf(code, "the log %s cannot be written: %w; choose another [log] file", path, cause(err))
}

// discardLog is the log of what keeps nothing.
func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// levelOf is a level by its word, which the configuration has checked.
func levelOf(word string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(word)); err != nil {
		return slog.LevelInfo
	}
	return l
}
