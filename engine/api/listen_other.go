//go:build !linux

package api

import "net"

// bind makes the socket. Until its mode is set the folder's 0700 guards it.
func bind(path string) (net.Listener, error) { return net.Listen("unix", path) }
