package probes

import (
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// errnoNoNet is what "source host isolated" makes.
const errnoNoNet = syscall.ENONET

// wantErrors asks for the ICMP errors that answer what a socket sends.
func wantErrors(fd int, v6 bool) {
	if v6 {
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
		return
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
}

// routerWord takes the oldest ICMP error of a socket from its error queue
// (ip(7), IP_RECVERR).
func routerWord(c net.Conn) (said, bool) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return said{}, false
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return said{}, false
	}
	oob := make([]byte, 512)
	n := 0
	rc.Control(func(fd uintptr) {
		_, n, _, _, err = unix.Recvmsg(int(fd), make([]byte, 1), oob, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	})
	if err != nil {
		return said{}, false
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil {
		return said{}, false
	}
	for _, m := range messages {
		if w, ok := readExtendedErr(m.Data); ok {
			return w, true
		}
	}
	return said{}, false
}

// readExtendedErr reads a struct sock_extended_err that is followed by the
// address of who sent the error:
//
//	errno 4 | origin 1 | type 1 | code 1 | pad 1 | info 4 | data 4 | sockaddr
func readExtendedErr(b []byte) (said, bool) {
	const size = 16
	if len(b) < size+8 || b[4] != unix.SO_EE_ORIGIN_ICMP && b[4] != unix.SO_EE_ORIGIN_ICMP6 {
		return said{}, false
	}
	w := said{kind: b[5], code: b[6]}
	from := b[size:]
	if b[4] == unix.SO_EE_ORIGIN_ICMP {
		w.from = netip.AddrFrom4([4]byte(from[4:8]))
	} else if len(from) >= 24 {
		w.from = netip.AddrFrom16([16]byte(from[8:24]))
	}
	return w, true
}
