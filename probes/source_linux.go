package probes

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// throughInterface has a dialer's sockets use one interface only.
func throughInterface(d *net.Dialer, name, _ string, _ netip.Addr) error {
	d.Control = func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = bindToInterface(int(fd), name) }); cerr != nil {
			return cerr
		}
		return err
	}
	return nil
}

// bindToInterface needs no privilege since Linux 5.7.
func bindToInterface(fd int, name string) error {
	switch err := unix.BindToDevice(fd, name); {
	case errors.Is(err, unix.ENODEV):
		return &sourceError{text: fmt.Sprintf("this machine has no interface %s, which is the source", name)}
	case errors.Is(err, unix.EPERM):
		return &sourceError{text: fmt.Sprintf("this system lets nobody but root check from the interface %s; name an address as the source", name)}
	default:
		return err
	}
}

func throughInterfaceFD(fd int, name string, _ netip.Addr) error { return bindToInterface(fd, name) }
