package channel

import (
	"errors"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
)

func TestFailedAt(t *testing.T) {
	dns := &net.DNSError{Name: "mail.example.com", Err: "no such host", Server: "192.0.2.53:53"}
	for _, tt := range []struct {
		name  string
		where string
		err   error
		want  string
	}{
		{"its name", "mail.example.com:25", &net.OpError{Op: "dial", Net: "tcp", Err: dns}, "mail.example.com:25: no such host"},
		{"the name of a proxy", "https://hooks.example.com", &url.Error{Op: "Post", URL: "https://secret", Err: dns}, "https://hooks.example.com: mail.example.com: no such host"},
		{"refused", "192.0.2.25:25", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "192.0.2.25:25: connection refused"},
		{"any other", "x", errors.New("y"), "x: y"},
	} {
		if got := failedAt(tt.where, tt.err); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
