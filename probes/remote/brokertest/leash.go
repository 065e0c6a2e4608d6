package brokertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// script starts an epmd of its own, waits for it (the broker would start one
// that outlives it), starts the broker, says the broker's process, and sends it the signals that it
// reads. When the pipe closes, both die, and the folder goes unless it is to be
// kept. Descriptor 3 closes when the broker has ended.
const script = `
epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 >>"$HOME/epmd" 2>&1 3>&- &
epmd=$!
until epmd -port "$ERL_EPMD_PORT" -names >/dev/null 2>&1 3>&-; do
  kill -0 $epmd || break
  sleep 0.05 3>&-
done
"$1/rabbitmq-server" >>"$HOME/output" 2>&1 &
broker=$!
exec 3>&-
echo $broker
keep=
while read -r word; do
  case $word in
  KEEP) keep=yes ;;
  *) kill -"$word" $broker ;;
  esac
done
exec 2>/dev/null
kill -KILL $broker $epmd
wait
[ -n "$keep" ] || rm -rf "$HOME"
`

// leash is a shell that holds one run of a broker.
type leash struct {
	cmd   *exec.Cmd
	pipe  io.WriteCloser
	pid   int           // of the broker
	ended chan struct{} // closed when the broker has ended
}

func newLeash(env []string, dir string) (*leash, error) {
	alive, aliveChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", "-c", script, "leash", binaries)
	cmd.Env, cmd.Dir = env, dir
	cmd.ExtraFiles = []*os.File{aliveChild}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at a terminal is not for it
	log, err := os.OpenFile(filepath.Join(dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, errors.Join(err, alive.Close(), aliveChild.Close())
	}
	cmd.Stderr = log
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, alive.Close(), aliveChild.Close(), log.Close())
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	// The child has copies of both.
	if err = errors.Join(err, aliveChild.Close(), log.Close()); err != nil {
		return nil, errors.Join(err, alive.Close(), pipe.Close())
	}
	l := &leash{cmd: cmd, pipe: pipe, ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		_, _ = io.Copy(io.Discard, alive) // nothing is written: it ends with the broker
		alive.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		l.pid, err = strconv.Atoi(line[:len(line)-1])
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("the shell that starts the broker: %w", err)
	}
	return l, nil
}

// signal sends the broker a signal, as long as it has not ended.
func (l *leash) signal(name string) error {
	select {
	case <-l.ended:
		return errors.New("the broker does not run")
	default:
	}
	return l.say(name)
}

// keep has the folder outlast the leash.
func (l *leash) keep() { _ = l.say("KEEP") } // a shell that is gone removes nothing

func (l *leash) say(word string) error {
	_, err := io.WriteString(l.pipe, word+"\n")
	return err
}

// close kills the broker, and returns when everything has ended.
func (l *leash) close() {
	_ = l.pipe.Close() // closed before: then the rest was done too
	// The shell only kills and removes: it ends at once, unless it was killed
	// itself, or stopped.
	stuck := time.AfterFunc(10*time.Second, func() { _ = syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL) })
	_ = l.cmd.Wait() // how it ended tells nothing
	stuck.Stop()
	<-l.ended
}
