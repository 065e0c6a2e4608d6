package cli

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// maxLog is how large a log of ours becomes before it is put aside.
const maxLog = 8 << 20

// logFile is a log that is appended to. Whoever holds the data folder's lock
// puts one that has become large aside, in the place of the last one that was;
// anybody else only adds lines, for the file is a running engine's.
type logFile struct {
	path string
	fds  []int // of the process, which lead to the file too

	mu   sync.Mutex // of everything that writes to the log
	f    *os.File
	size int64 // at least; of a file that somebody else writes to as well
	most int64 // 0: it is not ours to put aside
}

// openLog opens a log, or says why not.
func openLog(path string, fds ...int) (*logFile, error) {
	l := &logFile{path: path, fds: fds}
	if err := l.open(); err != nil {
		code := exitIO
		if errors.Is(err, fs.ErrPermission) {
			code = exitDenied
		}
		return nil, failf(code, "the log %s cannot be written: %w; choose another [log] file", path, cause(err))
	}
	return l, nil
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	l.f, l.size = f, 0
	if info, err := f.Stat(); err == nil {
		l.size = info.Size()
	}
	return nil
}

// hold says that the data folder is ours, and the log with it.
func (l *logFile) hold() { l.keepBelow(maxLog) }

// yield says that it is so no more.
func (l *logFile) yield() { l.keepBelow(0) }

func (l *logFile) keepBelow(most int64) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = most
}

// Write appends. A file that cannot be put aside goes on growing: better a
// large log than none.
func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.size > 0 && l.size+int64(len(b)) > l.most {
		l.putAside(int64(len(b)))
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	return n, err
}

// putAside begins another file for the next bytes. One that has been moved by
// somebody else, or cut, is left as it is; and only a regular file is a log of ours.
func (l *logFile) putAside(next int64) {
	is, err := l.f.Stat()
	if err != nil || !is.Mode().IsRegular() {
		l.most = 0
		return
	}
	named, err := os.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(is, named): // moved
	case err != nil:
		l.size = 0 // not before as much again has been written
		return
	case is.Size()+next <= l.most: // cut
		l.size = is.Size()
		return
	default:
		if os.Rename(l.path, l.path+".old") != nil {
			l.size = 0
			return
		}
	}
	before := l.f
	if l.open() != nil {
		l.size = 0 // it goes on in the old file
		return
	}
	for _, fd := range l.fds {
		unix.Dup2(int(l.f.Fd()), fd) //nolint:errcheck // both are open; what is written there goes to the old file otherwise
	}
	before.Close()
}

// Close closes the file.
func (l *logFile) Close() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.f.Close()
}
