package probes

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"lookout/engine/uptime"
)

// openPing opens a socket for echo requests to one address: the kind that
// needs no privilege where the system has it, else a raw one. It leaves from
// the source that a monitor names.
func openPing(addr netip.Addr, v *via) (c net.Conn, raw bool, err error) {
	family, proto := unix.AF_INET, unix.IPPROTO_ICMP
	if addr.Is6() {
		family, proto = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err := socket(family, unix.SOCK_DGRAM, proto)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT) {
		raw = true
		fd, err = socket(family, unix.SOCK_RAW, proto)
	}
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return nil, raw, errNoPing
	}
	if err != nil {
		return nil, raw, err
	}
	file := os.NewFile(uintptr(fd), "ping")
	defer file.Close() // FileConn has its own copy
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, raw, err
	}
	wantErrors(fd, addr.Is6())
	if err := v.bind(fd, addr); err != nil {
		return nil, raw, err
	}
	if err := unix.Connect(fd, sockaddr(addr)); err != nil {
		return nil, raw, err
	}
	c, err = net.FileConn(file)
	return c, raw, err
}

// socket makes a socket that no child process inherits.
func socket(family, kind, proto int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, kind, proto)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return fd, err
}

func sockaddr(addr netip.Addr) unix.Sockaddr {
	if addr.Is4() {
		return &unix.SockaddrInet4{Addr: addr.As4()}
	}
	to := &unix.SockaddrInet6{Addr: addr.As16()}
	if i, err := net.InterfaceByName(addr.Zone()); addr.Zone() != "" && err == nil {
		to.ZoneId = uint32(i.Index)
	}
	return to
}

// errNoPing reports that this process may open neither kind of socket.
var errNoPing = errors.New("not allowed to ping")

// pingFailure classes an error of our own socket.
func (v *via) pingFailure(addr netip.Addr, err error) *failure {
	if f := doorFailure("ping "+addr.String(), err); f != nil {
		return f
	}
	if errors.Is(err, errNoPing) {
		return fail(uptime.FaultLocalPermission, `ping %s: not allowed; run sysctl net.ipv4.ping_group_range="0 2147483647", or setcap cap_net_raw+ep on the binary`, addr)
	}
	errno, _ := errnoOf(err)
	switch errno {
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL:
		if why := v.unroutable(netip.AddrPortFrom(addr, 9)); why != nil {
			return fail(uptime.FaultLocalNoRoute, "ping %s: this machine has no route to it (%s)", addr, errnoName(why))
		}
		return fail(uptime.FaultICMPUnreachable, "ping %s: unreachable (%s)", addr, errnoName(err))
	case syscall.ECONNREFUSED:
		return fail(uptime.FaultICMPUnreachable, "ping %s: unreachable (%s)", addr, errnoName(err))
	case syscall.EMSGSIZE:
		return fail(uptime.FaultLocalConfig, "ping %s: packet_size is larger than the way takes (EMSGSIZE)", addr)
	}
	if f := localFailure("ping "+addr.String(), err); f != nil {
		return f
	}
	return fail(uptime.FaultLocalConfig, "ping %s: %s", addr, plain(err))
}

// icmpNames are the codes of an unreachable destination (RFC 792, RFC 4443).
var (
	icmpNames4 = map[uint8]string{0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
		9: "network prohibited", 10: "host prohibited", 13: "prohibited by a filter"}
	icmpNames6 = map[uint8]string{0: "no route", 1: "prohibited by a filter", 3: "address unreachable", 4: "port unreachable", 5: "source address refused", 6: "route rejected"}
)

// unreachable classes an error that came back for a request: with the router's
// own words where the system keeps them.
func (v *via) unreachable(addr netip.Addr, c net.Conn, err error) *failure {
	if word, ok := routerWord(c); ok {
		return word.failure("ping "+addr.String(), addr)
	}
	return v.pingFailure(addr, err)
}

// said is what a router answered instead of an echo.
type said struct {
	kind, code uint8
	from       netip.Addr
}

// failure classes it, for what was sent to addr.
func (w said) failure(what string, addr netip.Addr) *failure {
	expired, names := uint8(11), icmpNames4
	if addr.Is6() {
		expired, names = 3, icmpNames6
	}
	if w.kind == expired {
		return fail(uptime.FaultICMPTTL, "%s: %s says that the packet was under way for too long (TTL exceeded)", what, w.from)
	}
	name, ok := names[w.code]
	if !ok {
		name = "unreachable"
	}
	return fail(uptime.FaultICMPUnreachable, "%s: %s, says %s (code %d)", what, name, w.from, w.code)
}
