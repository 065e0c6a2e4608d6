package engine

import (
	"context"
	"log/slog"
	"time"
)

// journal takes what the loop has to say to the log and lets a goroutine of
// its own write it: a log that goes to a terminal that was stopped, or to a
// pager, must not stop the checks.
type journal struct {
	log  *slog.Logger
	said chan saying   // loop → writer; what does not fit into it is dropped and counted
	done chan struct{} // closed when the writer has ended
	lost int           // the loop's
}

type saying struct {
	level slog.Level
	text  string
	args  []any
}

const (
	journalLines = 1024
	lastWords    = time.Second // for the writer at the end; a stuck log is left behind
)

func newJournal(log *slog.Logger) journal {
	return journal{log: log, said: make(chan saying, journalLines), done: make(chan struct{})}
}

// say never waits.
func (j *journal) say(level slog.Level, text string, args ...any) {
	if j.lost > 0 {
		args = append(args, "lines_lost", j.lost)
	}
	select {
	case j.said <- saying{level, text, args}:
		j.lost = 0
	default:
		j.lost++
	}
}

func (j *journal) write() {
	defer close(j.done)
	for s := range j.said {
		j.log.Log(context.Background(), s.level, s.text, s.args...)
	}
}

// end has what was said written.
func (j *journal) end() {
	close(j.said)
	select {
	case <-j.done:
	case <-time.After(lastWords):
	}
}
