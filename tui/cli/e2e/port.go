package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// FreePort finds a port of 127.0.0.1 that is free over TCP and UDP, below those
// that the kernel gives to connections: a server that was stopped must find it
// free when it starts again.
func FreePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(12000)
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		u, err := net.ListenPacket("udp", addr)
		l.Close()
		if err == nil {
			u.Close()
			return port, nil
		}
	}
	return 0, errors.New("no port is free")
}
