//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// linkFD is the other end of the link, in a child.
const linkFD = 3

// Run starts both ends of a link and does the work at the near one.
func Run(ctx context.Context, w Work) (Report, error) {
	var r Report
	if os.Geteuid() != 0 {
		return r, errors.New("network namespaces and tun devices need root")
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return r, fmt.Errorf("socketpair: %w", err)
	}
	ends := [2]*os.File{os.NewFile(uintptr(pair[0]), "far"), os.NewFile(uintptr(pair[1]), "near")}
	defer ends[0].Close()
	defer ends[1].Close()
	work, err := json.Marshal(w)
	if err != nil {
		return r, err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	far := side(ctx, "far", work, ends[0])
	ready, err := far.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := far.Start(); err != nil {
		return r, fmt.Errorf("start the far end: %w", err)
	}
	defer func() {
		cancel()
		_ = far.Wait() // it was killed
	}()
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		return r, fmt.Errorf("the far end did not start: %w", err)
	}
	near := side(ctx, "near", work, ends[1])
	var out bytes.Buffer
	near.Stdout = &out
	if err := near.Run(); err != nil {
		return r, fmt.Errorf("the near end: %w", err)
	}
	return r, json.Unmarshal(out.Bytes(), &r)
}

// side is one end of the link: this program again, in a network namespace of its own.
func side(ctx context.Context, name string, work []byte, link *os.File) *exec.Cmd {
	c := exec.CommandContext(ctx, "/proc/self/exe")
	c.Env = append(os.Environ(), sideEnv+"="+name, workEnv+"="+string(work))
	c.ExtraFiles = []*os.File{link}
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	return c
}

// runSide is main in a child.
func runSide(name string) error {
	var w Work
	if err := json.Unmarshal([]byte(os.Getenv(workEnv)), &w); err != nil {
		return err
	}
	address := nearAddress
	if name == "far" {
		address = farAddress
	}
	l, err := openLink(os.NewFile(linkFD, "link"), address, w.Loss, w.Delay)
	if err != nil {
		return err
	}
	defer l.close()
	if name == "far" {
		return serve()
	}
	r, err := w.do()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
