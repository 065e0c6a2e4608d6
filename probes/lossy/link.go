//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The addresses of the two ends. All of 10.0.0.0/8 is on the link, and most of
// it is nobody's: the far end drops what is not for it.
var (
	nearAddress = netip.MustParseAddr("10.99.0.1")
	farAddress  = netip.MustParseAddr("10.99.0.2")
)

const (
	mtu      = 1500
	inFlight = 1 << 14 // packets on their way; far more than the delay holds
)

// link is one end: a tun device in this process's namespace, whose packets go
// to the other end and come from there.
type link struct {
	tun, peer *os.File
	ended     sync.WaitGroup
}

type packet struct {
	at time.Time
	b  []byte
}

// openLink makes the device and starts to carry packets. What leaves this end
// is lost with a probability, and late by a delay.
func openLink(peer *os.File, own netip.Addr, loss float64, late time.Duration) (*link, error) {
	tun, err := openTun("tun0")
	if err != nil {
		return nil, err
	}
	if err := setUp("lo", netip.MustParseAddr("127.0.0.1")); err != nil {
		return nil, err
	}
	if err := setUp("tun0", own); err != nil {
		return nil, err
	}
	l := &link{tun: tun, peer: peer}
	way := make(chan packet, inFlight) // device → sender; holds what is late
	l.ended.Go(func() {
		defer close(way)
		chance := rand.New(rand.NewPCG(1, uint64(own.As4()[3])))
		for {
			b := make([]byte, mtu+64)
			n, err := tun.Read(b)
			if err != nil {
				return
			}
			if chance.Float64() >= loss {
				way <- packet{time.Now().Add(late), b[:n]}
			}
		}
	})
	l.ended.Go(func() {
		for p := range way {
			time.Sleep(time.Until(p.at)) // it is a link: being late is its work
			if _, err := peer.Write(p.b); err != nil {
				return
			}
		}
	})
	l.ended.Go(func() {
		b := make([]byte, mtu+64)
		for {
			n, err := peer.Read(b)
			if err != nil || n == 0 {
				return
			}
			if _, err := tun.Write(b[:n]); err != nil && !errors.Is(err, unix.EINVAL) {
				return
			}
		}
	})
	return l, nil
}

func (l *link) close() {
	l.tun.Close()
	l.peer.Close()
}

func openTun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		return nil, fmt.Errorf("make a tun device: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// setUp gives a device its address, of a /8, and a queue long enough that it
// loses nothing by itself.
func setUp(name string, own netip.Addr) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	for _, step := range []struct {
		req uint
		set func(*unix.Ifreq) error
	}{
		{unix.SIOCSIFADDR, func(r *unix.Ifreq) error { a := own.As4(); return r.SetInet4Addr(a[:]) }},
		{unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr([]byte{255, 0, 0, 0}) }},
		{unix.SIOCSIFTXQLEN, func(r *unix.Ifreq) error { r.SetUint32(inFlight); return nil }},
		{unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }},
	} {
		ifr, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		if err := step.set(ifr); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(s, step.req, ifr); err != nil {
			return fmt.Errorf("set up %s: %w", name, err)
		}
	}
	return nil
}
