package cli

import (
	"io"
	"log/slog"
	"os"

	"lookout/engine/uptime"
)

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

// engineLog is the log of an engine, and the file behind it; nil where that is
// for others to look after.
type engineLog struct {
	*slog.Logger
	file *logFile
}

// engineLog is the log of `lookout engine`: the file that was configured, else
// standard error, where the journal puts the time in front by itself. In the
// background standard error is the file in the data folder.
func (c *call) engineLog(in instance) (engineLog, error) {
	path, level := in.config.Log.File, levelOf(in.config.Log.Level)
	if path != "" {
		return fileLog(path, level)
	}
	if leadsTo(c.stderr, in.folder.log()) {
		return fileLog(in.folder.log(), level, 1, 2)
	}
	return engineLog{newLog(c.stderr, level, c.env["JOURNAL_STREAM"] == ""), nil}, nil
}

// consoleLog is the log of an engine under a dashboard, which has the screen:
// the file that was configured, else one in the data folder.
func (c *call) consoleLog(in instance) (engineLog, error) {
	return fileLog(in.logPath(), levelOf(in.config.Log.Level))
}

// logPath is where an engine under a dashboard writes its log.
func (in instance) logPath() string {
	if in.config.Log.File != "" {
		return in.config.Log.File
	}
	return in.folder.log()
}

// fileLog appends to a file, which descriptors of the process may lead to as well.
func fileLog(path string, level slog.Level, fds ...int) (engineLog, error) {
	f, err := openLog(path, fds...)
	if err != nil {
		return engineLog{}, err
	}
	return engineLog{newLog(f, level, true), f}, nil
}

// leadsTo reports whether a stream is the file at a path.
func leadsTo(stream any, path string) bool {
	f, ok := stream.(*os.File)
	if !ok || f == nil {
		return false
	}
	is, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(is, named)
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
