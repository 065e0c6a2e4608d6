package cli

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/charmbracelet/x/term"
	"golang.org/x/sys/unix"
)

// release is the version of this program.
const release = "0.1.0"

// raiseFiles lifts the limit of open files as far as it goes, since every
// check in flight holds one, and returns it. The Go runtime does so for
// itself, too, but not where the limit was changed after the start.
func raiseFiles() uint64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 1024
	}
	if l.Cur < l.Max {
		raised := unix.Rlimit{Cur: l.Max, Max: l.Max}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil {
			l = raised
		}
	}
	return uint64(l.Cur)
}

// capacity is how many checks may be in flight with so many open files: each
// has a connection and for a moment a query to a name server; the rest is for
// the store, the socket and its clients.
func capacity(files uint64) int {
	const reserve, most = 256, 16384
	if files <= 2*reserve {
		return int(max(files/4, 16))
	}
	return int(min((files-reserve)/2, most))
}

// terminal is a file that is one; nil for everything else.
func terminal(stream any) *os.File {
	f, ok := stream.(*os.File)
	if !ok || f == nil || !term.IsTerminal(f.Fd()) {
		return nil
	}
	return f
}

// detach cuts the process from its terminal for good: what is still written to
// the standard streams goes nowhere instead of failing or stopping us.
func detach() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("detach from the terminal: %w", err)
	}
	defer null.Close()
	for fd := range 3 {
		if err := unix.Dup2(int(null.Fd()), fd); err != nil {
			return fmt.Errorf("detach from the terminal: %w", err)
		}
	}
	return nil
}

// alive reports whether a process is there, whoever owns it.
func alive(pid int) bool { return pid > 0 && unix.Kill(pid, 0) != unix.ESRCH }

// version says what this program is made of.
type version struct {
	Version  int    `json:"version"`
	Kind     string `json:"kind"`
	Lookout  string `json:"lookout"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	System   string `json:"system"`
}

func thisVersion() version {
	v := version{Version: 1, Kind: "version", Lookout: release}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Go = info.GoVersion
	set := make(map[string]string)
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	v.System = set["GOOS"] + "/" + set["GOARCH"]
	if r := set["vcs.revision"]; len(r) >= 12 {
		v.Revision = r[:12]
		if set["vcs.modified"] == "true" {
			v.Revision += "+"
		}
	}
	return v
}

func (v version) String() string {
	s := "lookout " + v.Lookout
	if v.Revision != "" {
		s += " (" + v.Revision + ")"
	}
	return s + "  " + v.Go + "  " + v.System
}
