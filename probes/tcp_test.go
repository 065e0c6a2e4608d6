package probes

import "net"

// greet is a server with a banner.
func greet(c net.Conn) {
	c.Write([]byte("220 hello there\r\n"))
	c.Read(make([]byte, 1))
}
