package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	xterm "github.com/charmbracelet/x/term"

	"lookout/tui/theme"
)

// Leave is what a person chose on leaving the console.
type Leave uint8

// The ways to leave. LeaveLost is nobody's choice: the terminal hung up, or
// the screen broke; whatever runs beside it should go on.
const (
	LeaveLost       Leave = iota
	LeaveQuit             // an attached console is closed
	LeaveStop             // the engine in this process is to stop
	LeaveBackground       // it is to go on without a screen
	LeaveSaved            // the guided first run wrote a configuration
)

var leaveNames = [...]string{"lost", "quit", "stop", "background", "saved"}

// String is the name of a way to leave.
func (l Leave) String() string {
	if int(l) < len(leaveNames) {
		return leaveNames[l]
	}
	return fmt.Sprintf("invalid(%d)", uint8(l))
}

// Options say what a console shows, and where. The zero value of a field is
// its default.
type Options struct {
	Source    Source // nil: there is only the first run
	Instance  string // shown until a snapshot names it
	Version   string // of the engine; "": not known
	Embedded  bool   // the engine runs in this process: q asks
	Ephemeral bool   // nothing is kept, so q does not ask
	ReadOnly  bool   // look, don't act
	FirstRun  *FirstRun

	Input  io.Reader // default: standard input
	Output io.Writer // default: standard output
	Env    []string  // default: the environment
	Now    func() time.Time
	ASCII  *bool // default: from TERM and the locale

	Notice    string                                 // a sentence to begin with
	Log       func(ctx context.Context) (Log, error) // the end of the engine's log; nil: there is none to show
	Views     []View                                 // saved filters, of which the first nine are used
	SaveViews func([]View) error                     // keeps them; nil: they last as long as the console
}

const (
	framesPerSecond = 120         // the renderer is a ticker: a key waits for one frame at most
	hangUpTimeout   = time.Second // for a screen to end after its terminal is gone
	fallbackWidth   = 80          // until the terminal says how large it is
	fallbackHeight  = 24
)

// Run shows the console until a person leaves it, its terminal is lost or ctx
// ends, and says which. It restores the terminal. The error is not nil when
// the screen could not start or broke; then, on SIGHUP and when ctx ends,
// Leave is LeaveLost.
func Run(ctx context.Context, o Options) (Leave, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	profile := colorprofile.Detect(o.Output, o.Env)
	ascii := plainTerminal(o.Env)
	if o.ASCII != nil {
		ascii = *o.ASCII
	}
	if ascii && oldTerminal(o.Env) && profile > colorprofile.ASCII {
		profile = colorprofile.ASCII // terminfo claims no colours there, and the detection takes 16 for certain
	}
	s := newShell(ctx, o, theme.New(depth(profile), false, ascii))
	s.w, s.h = size(o.Output)
	s.dumb = oldTerminal(o.Env)
	hangUp := make(chan os.Signal, 1) // one is enough: it ends the screen
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	if f, ok := o.Input.(xterm.File); ok {
		o.Input = watched{f, hangUp}
	}

	program := tea.NewProgram(s, tea.WithContext(ctx), tea.WithInput(o.Input), tea.WithOutput(o.Output),
		tea.WithEnvironment(o.Env), tea.WithFPS(framesPerSecond), tea.WithColorProfile(profile),
		tea.WithoutSignalHandler(), tea.WithWindowSize(s.w, s.h))
	done := make(chan error, 1) // one: Run may have given up on a terminal that takes no bytes
	go func() {
		_, err := program.Run()
		done <- err
	}()
	select {
	case err := <-done:
		return s.left(ctx, err)
	case <-hangUp:
	case <-ctx.Done():
	}
	cancel()
	select {
	case err := <-done:
		return s.left(ctx, err)
	case <-time.After(hangUpTimeout): // the renderer waits for a terminal that will not come back
		return LeaveLost, nil
	}
}

// left reads how a program ended.
func (s *shell) left(ctx context.Context, err error) (Leave, error) {
	switch {
	case err == nil:
		return s.leaving, nil
	case errors.Is(err, tea.ErrProgramPanic):
		return LeaveLost, fmt.Errorf("the screen broke: %w", err)
	case ctx.Err() != nil || errors.Is(err, syscall.EIO):
		return LeaveLost, nil
	case errors.Is(err, tea.ErrInterrupted):
		return LeaveLost, nil
	}
	return LeaveLost, fmt.Errorf("show the screen: %w", err)
}

// watched is a terminal whose end of input counts as a hang-up: who is not the
// leader of its session gets no signal, and Bubble Tea goes on without input.
type watched struct {
	xterm.File
	hangUp chan<- os.Signal // of Run; one slot, and one is enough
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.File.Read(p)
	if err != nil {
		select {
		case w.hangUp <- syscall.SIGHUP:
		default:
		}
	}
	return n, err
}

func (o Options) withDefaults() Options {
	if o.Input == nil {
		o.Input = os.Stdin
	}
	if o.Output == nil {
		o.Output = os.Stdout
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// newShell makes a console that shows the overview, or the first run.
func newShell(ctx context.Context, o Options, th *theme.Theme) *shell {
	s := &shell{ctx: ctx, clock: o.Now, home: newOverview(), leaving: LeaveLost, save: o.SaveViews, instance: o.Instance}
	s.view = view{now: o.Now(), th: th, loc: time.Local, embedded: o.Embedded, ephemeral: o.Ephemeral, readOnly: o.ReadOnly, source: o.Source, version: o.Version}
	if o.Source == nil {
		s.source = nothing{}
	}
	s.log = o.Log
	s.views = []View{{"problems", "is:problem"}}
	if len(o.Views) > 0 {
		s.views = slices.Clone(o.Views[:min(len(o.Views), viewsMax)])
	}
	if o.Notice != "" {
		s.note(o.Notice, theme.Warn)
	}
	s.own = s.bindings()
	s.stack = []page{s.home}
	s.dirty = true
	if o.FirstRun != nil {
		s.first = newFirstRun(*o.FirstRun)
		s.stack = append(s.stack, s.first)
	}
	return s
}

func size(w io.Writer) (int, int) {
	if f, ok := w.(xterm.File); ok {
		if w, h, err := xterm.GetSize(f.Fd()); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return fallbackWidth, fallbackHeight
}
