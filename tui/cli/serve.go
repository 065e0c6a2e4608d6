package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"lookout/engine/api"
	"lookout/storage"
)

// claim takes the data folder and makes the engine, or finds the engine that
// has it. A lock that is held while nobody answers may belong to an engine that
// starts or ends, or to a command that reads the file, so it is tried again.
func (c *call) claim(ctx context.Context, in instance, log *slog.Logger) (*host, *peer, error) {
	for deadline := time.Now().Add(claimWithin); ; { // Open itself waits a second for the lock
		h, err := c.newHost(in, log)
		if !errors.Is(err, storage.ErrLocked) {
			return h, nil, err
		}
		if p, err := c.dial(ctx, in.folder.socket(), false); err == nil {
			return nil, p, nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, nil, silentEngine(in.folder, exitInUse)
		}
	}
}

// claimWithin is how long somebody may hold the lock without answering.
const claimWithin = 2 * time.Second

// silentEngine says that somebody holds the folder and does not answer.
func silentEngine(f folder, code int) error {
	who := "the engine"
	if h := f.holder(); h.pid != 0 {
		who = fmt.Sprintf("engine pid %d", h.pid)
	}
	return failf(code, "%s does not answer; it holds the data folder %s, so no second one is started", who, f)
}

// serve checks until ctx ends or somebody asks for the end. Then it finishes
// the tick, stores it, and lets go of the folder; nothing that it started is
// left. ready is called when the socket answers.
func (h *host) serve(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with ctx
		select {
		case <-h.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	// The engine checks until who tells people has ended: what came of the last letter is an event.
	checks, finish := context.WithCancel(context.WithoutCancel(ctx))
	defer finish()
	checked := make(chan error, 1) // engine → us; one slot: it ends even if we did before
	go func() { checked <- guard(func() error { return h.engine.Run(checks) }) }()
	told := make(chan error, 1) // who tells people → us, as above
	go func() {
		var err error
		if h.telling != nil {
			err = h.telling.run(ctx, h.engine)
		}
		<-ctx.Done()
		finish()
		told <- err
	}()
	// The probes are served until the last tick is stored: what came of them before is confirmed then.
	reached, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	left := make(chan error, 1) // what reaches the probes → us, as above
	go func() {
		if h.remotes == nil {
			<-reached.Done()
			left <- nil
			return
		}
		left <- h.remotes.run(reached)
	}()
	// The socket answers until the last tick is stored: who asks for the end sees it.
	sockets, closeSocket := context.WithCancel(context.WithoutCancel(ctx))
	defer closeSocket()
	served := make(chan error, 1) // server → us, as above
	go func() {
		served <- guard(func() error {
			if h.socket == nil {
				<-sockets.Done()
				return nil
			}
			return api.Serve(sockets, h.socket, h.serverOptions())
		})
	}()
	ready()

	var err error
	select {
	case err = <-checked:
		cancel()
		if l, ok := h.socket.(*net.UnixListener); ok && errors.Is(err, storage.ErrReplaced) {
			l.SetUnlinkOnClose(false)
		}
		closeSocket()
		leave()
		err = errors.Join(err, <-served, <-left)
	case err = <-served: // it never ends by itself, so it failed
		cancel()
		err = errors.Join(err, <-checked)
		leave()
		err = errors.Join(err, <-left)
	case err = <-left: // neither does this
		cancel()
		err = errors.Join(err, <-checked)
		closeSocket()
		err = errors.Join(err, <-served)
	}
	if untold := <-told; !errors.Is(untold, storage.ErrReplaced) { // else all is said
		err = errors.Join(err, untold)
	}
	if errors.Is(err, storage.ErrReplaced) {
		return errors.Join(err, h.store.Close()) // what else is in the folder now may be another engine's
	}
	return errors.Join(err, h.release())
}

// release gives the folder to the next one.
func (h *host) release() error {
	if h.store == nil {
		return nil
	}
	var errs []error
	if h.socket != nil {
		if err := h.socket.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if err := os.Remove(h.in.folder.pid()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, h.store.Close())...) // the lock goes last
}

// guard makes a panic an error, so that one part of the program cannot take
// the end of the others away from them.
func guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = failf(exitBug, "this is a bug in lookout %s, please report it with what follows: %v\n%s", release, p, debug.Stack())
		}
	}()
	return fn()
}
