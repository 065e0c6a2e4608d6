package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"lookout/engine/uptime"
	"lookout/tui"
)

// session is an engine in this process with a screen on top, which may go before it.
type session struct {
	host       *host
	options    tui.Options
	background bool // the person chose so
}

// screenEnd is how a screen ended.
type screenEnd struct {
	leave tui.Leave
	err   error
}

// run serves until the engine ends, which it does when the person chose to
// stop or to go on in the background, when somebody asked over the socket, and
// on a signal. A screen that ends in any other way, by a lost terminal or by a
// mistake of its own, takes nothing along, unless nothing is kept anyway.
func (s *session) run(ctx context.Context) error {
	h, c := s.host, s.host.c
	served := make(chan error, 1) // engine → us; one slot: it ends even while we wait for the screen
	go func() { served <- h.serve(ctx, func() {}) }()

	screen, closeScreen := context.WithCancel(context.WithoutCancel(ctx))
	defer closeScreen()
	lost := make(chan os.Signal, 1) // signals and the watch → us; one slot: the first one decides
	signal.Notify(lost, syscall.SIGHUP)
	defer signal.Stop(lost)
	go watchTerminal(screen, terminal(c.stdin), func() {
		select {
		case lost <- syscall.SIGHUP:
		default:
		}
	})
	ended := make(chan screenEnd, 1) // screen → us; one slot, as above
	go func() {
		leave, err := c.screen(screen, s.options)
		ended <- screenEnd{leave, err}
	}()

	showing := true
	var failed error
	for {
		select {
		case err := <-served:
			closeScreen()
			if showing {
				waitFor(3*time.Second, ended) // a terminal that stopped reading must not keep us
			}
			return errors.Join(failed, err)
		case <-lost:
			if showing {
				closeScreen()
				waitFor(3*time.Second, ended)
				showing = false
				s.goOn()
			}
		case e := <-ended:
			showing = false
			switch {
			case e.err != nil:
				failed = s.broke(e.err)
			case e.leave == tui.LeaveLost:
				s.goOn()
			default:
				s.background = e.leave == tui.LeaveBackground
				h.ask()
			}
		}
	}
}

// goOn leaves the terminal, which is gone, and goes on without one.
func (s *session) goOn() {
	h := s.host
	if s.options.Ephemeral {
		h.ask()
		return
	}
	h.log.Info("the terminal is gone, the checks go on: lookout shows them again", "pid", os.Getpid())
	if err := detach(); err != nil {
		h.log.Error("the terminal is gone", "error", err)
	}
}

// broke says that the screen failed, and that the checks did not.
func (s *session) broke(err error) error {
	h := s.host
	h.log.Error("the screen broke", "error", err)
	if s.options.Ephemeral {
		h.ask()
		return err
	}
	fmt.Fprintf(h.c.stderr, "lookout: a bug in lookout %s ended the screen, and not the checks: %s\n"+
		"lookout: they go on in this process, pid %d; lookout in another terminal shows them, ctrl-c stops them\n",
		release, uptime.Clean(err.Error(), 512), os.Getpid())
	return silent(exitBug)
}

// waitFor waits for a value, for a while.
func waitFor[T any](d time.Duration, ch <-chan T) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ch:
	case <-t.C:
	}
}
