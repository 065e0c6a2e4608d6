//go:build !linux

package probes

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// throughInterface has a dialer's sockets leave from an address of an interface.
func throughInterface(d *net.Dialer, name, network string, to netip.Addr) error {
	from, err := addressOf(name, to)
	if err != nil {
		return err
	}
	d.LocalAddr = localAddr(network, from)
	return nil
}

func throughInterfaceFD(fd int, name string, to netip.Addr) error {
	from, err := addressOf(name, to)
	if err != nil {
		return err
	}
	return os.NewSyscallError("bind", unix.Bind(fd, sockaddr(from)))
}

// addressOf is the first address of an interface that is of the family of to.
func addressOf(name string, to netip.Addr) (netip.Addr, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return netip.Addr{}, &sourceError{text: fmt.Sprintf("this machine has no interface %s, which is the source", name)}
	}
	addrs, err := i.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && p.Addr().Is4() == to.Unmap().Is4() && !p.Addr().IsLinkLocalUnicast() {
			return p.Addr(), nil
		}
	}
	return netip.Addr{}, &sourceError{fmt.Sprintf("the source, interface %s, has no address of that family", name), true}
}
