package probes

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"lookout/engine/uptime"
)

// sourceError is why nothing can leave from a monitor's source. An address of
// the other family is no mistake: that family cannot be checked from there.
type sourceError struct {
	text   string
	family bool
}

func (e *sourceError) Error() string { return e.text }

// leave has the sockets of a dialer leave from the source that the monitor
// names: an address of this machine, or an interface whatever the routing table
// says.
func (v *via) leave(d *net.Dialer, network string, to netip.Addr) error {
	if v == nil || v.source == "" {
		return nil
	}
	from, err := netip.ParseAddr(v.source)
	if err != nil { // the name of an interface
		return throughInterface(d, v.source, network, to)
	}
	if from.Unmap().Is4() != to.Unmap().Is4() {
		return &sourceError{fmt.Sprintf("the source %s is of the other family", from), true}
	}
	d.LocalAddr = localAddr(network, from)
	return nil
}

func localAddr(network string, from netip.Addr) net.Addr {
	if network == "udp" {
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
}

// bind has a socket of ours leave from the source, as leave does.
func (v *via) bind(fd int, to netip.Addr) error {
	if v == nil || v.source == "" {
		return nil
	}
	from, err := netip.ParseAddr(v.source)
	switch {
	case err != nil:
		return throughInterfaceFD(fd, v.source, to)
	case from.Unmap().Is4() != to.Unmap().Is4():
		return &sourceError{fmt.Sprintf("the source %s is of the other family", from), true}
	}
	return os.NewSyscallError("bind", unix.Bind(fd, sockaddr(from.Unmap())))
}

// doorFailure classes what the source of a monitor, or the policy that it is
// under, has to do with an error.
func doorFailure(what string, err error) *failure {
	var r *refused
	if errors.As(err, &r) {
		return r.failure(what)
	}
	var s *sourceError
	if errors.As(err, &s) {
		if s.family {
			return fail(uptime.FaultLocalNoRoute, "%s: no way to it, %s", what, s.text)
		}
		return fail(uptime.FaultLocalConfig, "%s: %s", what, s.text)
	}
	var call *os.SyscallError
	if errors.As(err, &call) && call.Syscall == "bind" && errors.Is(call.Err, syscall.EADDRNOTAVAIL) {
		return fail(uptime.FaultLocalConfig, "%s: the source is no address of this machine (EADDRNOTAVAIL)", what)
	}
	return nil
}
