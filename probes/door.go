package probes

import (
	"context"
	"net"
	"net/netip"
)

// door is where checks make their sockets, and the only place: whatever a check
// opens, its address goes through guard first. The zero door is shut.
type door struct {
	via   *via   // what the monitor says of the way; nil: as this machine has it
	guard *guard // which addresses may be gone to; nil: none
}

// ourDoor is for what no monitor decides: the system's resolvers, anchors.
var ourDoor = door{guard: anywhere}

// door is that of the checks of a monitor which says this of the way.
func (s *system) door(v *via) door { return door{v, s.guard} }

// dial makes a connection, or a socket that is connected, for a check.
func (d door) dial(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	if r := d.guard.refuses(to.Addr()); r != nil {
		return nil, r
	}
	return d.via.socket(ctx, network, to)
}

// datagram is dial for what is written to at once and waits for nobody.
func (d door) datagram(to netip.AddrPort) (net.Conn, error) {
	if r := d.guard.refuses(to.Addr()); r != nil {
		return nil, r
	}
	if d.via == nil || d.via.source == "" {
		return net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	}
	return d.via.socket(context.Background(), "udp", to)
}

// ping makes a socket for echo requests.
func (d door) ping(to netip.Addr) (c net.Conn, raw bool, err error) {
	if r := d.guard.refuses(to); r != nil {
		return nil, false, r
	}
	return openPing(to, d.via)
}

// socket is not Dialer.DialTCP, which binds each socket before it connects
// (seen in Go 1.26): connections to different targets then cannot share a
// local port.
func (v *via) socket(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	if err := v.leave(&d, network, to.Addr()); err != nil {
		return nil, err
	}
	return d.DialContext(ctx, network, to.String())
}
