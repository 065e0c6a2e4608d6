package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// server is a real server that a test can stop and start again, at the same address.
type server struct {
	name    string
	addr    string
	command func() *exec.Cmd
	ready   func(addr string) error
	process *Process
}

func (s *server) start(t *testing.T) {
	t.Helper()
	p, err := Spawn(s.command())
	check(t, err)
	s.process = p
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last error
	err = Poll(ctx, s.name, func() bool {
		if p.Ended() {
			cancel()
		}
		last = s.ready(s.addr)
		return last == nil
	})
	if err != nil {
		t.Fatalf("%v: %v; its output: %s%s", err, last, p.Stdout(), p.Stderr())
	}
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.process.Stop(); err != nil {
		t.Errorf("stop %s: %v", s.name, err)
	}
	s.process.Kill()
}

// need finds a program of the servers, or skips the test with the reason, or
// fails it where all of them are promised to be there.
func need(t *testing.T, program string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		p := filepath.Join(dir, program)
		if info, err := os.Stat(p); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return p
		}
	}
	reason := program + " is not installed; tui/cli/e2e/setup.sh installs it"
	if os.Getenv("LOOKOUT_E2E") == "all" {
		t.Fatal(reason)
	}
	t.Skip(reason)
	return ""
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := FreePort()
	check(t, err)
	return port
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// launch starts a server now and ends it with the test.
func launch(t *testing.T, s *server) *server {
	t.Helper()
	s.start(t)
	t.Cleanup(func() { s.stop(t) })
	return s
}

func listens(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}

// startNginx serves a page as www.example.test over TLS, with a certificate of
// a CA whose file it returns.
func startNginx(t *testing.T) (s *server, caFile string) {
	t.Helper()
	bin, dir := need(t, "nginx"), t.TempDir()
	caFile, cert, key := certificate(t, dir, "www.example.test")
	write(t, filepath.Join(dir, "www", "index.html"), "Add to cart\n")
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	conf := write(t, filepath.Join(dir, "nginx.conf"), fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log stderr;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  server {
    listen %[2]s ssl;
    server_name www.example.test;
    ssl_certificate %[3]s;
    ssl_certificate_key %[4]s;
    root %[1]s/www;
  }
}
`, dir, addr, cert, key))
	return launch(t, &server{name: "nginx", addr: addr, ready: listens, command: func() *exec.Cmd {
		return exec.Command(bin, "-p", dir, "-c", conf, "-e", "stderr")
	}}), caFile
}

// startNSD serves the zone example.test.
func startNSD(t *testing.T) *server {
	t.Helper()
	bin, dir := need(t, "nsd"), t.TempDir()
	zone := write(t, filepath.Join(dir, "example.test.zone"), `$ORIGIN example.test.
$TTL 60
@    SOA ns hostmaster 1 3600 600 86400 60
@    NS  ns
@    MX  10 mail
ns   A   127.0.0.1
www  A   127.0.0.1
mail A   127.0.0.1
`)
	port := freePort(t)
	conf := write(t, filepath.Join(dir, "nsd.conf"), fmt.Sprintf(`server:
  ip-address: 127.0.0.1@%[1]d
  do-ip6: no
  username: ""
  chroot: ""
  server-count: 1
  zonesdir: "%[2]s"
  database: ""
  pidfile: "%[2]s/nsd.pid"
  xfrdfile: "%[2]s/xfrd.state"
  xfrdir: "%[2]s"
  zonelistfile: "%[2]s/zone.list"
remote-control:
  control-enable: no
zone:
  name: example.test
  zonefile: "%[3]s"
`, port, dir, zone))
	return launch(t, &server{name: "nsd", addr: fmt.Sprintf("127.0.0.1:%d", port), command: func() *exec.Cmd {
		return exec.Command(bin, "-d", "-c", conf)
	}, ready: func(addr string) error {
		m := new(dns.Msg).SetQuestion("www.example.test.", dns.TypeA)
		r, _, err := (&dns.Client{Timeout: time.Second}).Exchange(m, addr)
		if err == nil && len(r.Answer) != 1 {
			err = fmt.Errorf("answered %v", r)
		}
		return err
	}})
}

// startSSHD runs an ssh server that nobody can log in to.
func startSSHD(t *testing.T) *server {
	t.Helper()
	bin, dir := need(t, "sshd"), t.TempDir()
	keygen := exec.Command(need(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "host"))
	if out, err := keygen.CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	if os.Getuid() == 0 { // sshd wants an empty folder to shut itself into; its own service makes it at boot
		check(t, os.MkdirAll("/run/sshd", 0o755))
	}
	port := freePort(t)
	conf := write(t, filepath.Join(dir, "sshd_config"), fmt.Sprintf(`ListenAddress 127.0.0.1:%d
HostKey %s/host
PidFile none
UsePAM no
StrictModes no
AuthorizedKeysFile none
PasswordAuthentication no
PerSourcePenalties no
`, port, dir))
	if err := exec.Command(bin, "-t", "-f", conf).Run(); err != nil { // older than 9.8
		text, err := os.ReadFile(conf)
		check(t, err)
		write(t, conf, strings.Replace(string(text), "PerSourcePenalties no\n", "", 1))
	}
	return launch(t, &server{name: "sshd", addr: fmt.Sprintf("127.0.0.1:%d", port), ready: listens, command: func() *exec.Cmd {
		return exec.Command(bin, "-D", "-e", "-f", conf)
	}})
}

// certificate makes a CA and a certificate for a name and 127.0.0.1, good for
// 90 days, and returns the files of both.
func certificate(t *testing.T, dir, name string) (caFile, certFile, keyFile string) {
	t.Helper()
	now := time.Now()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	check(t, err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true,
		BasicConstraintsValid: true, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(crand.Reader, ca, ca, caKey.Public(), caKey)
	check(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	check(t, err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 90),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(crand.Reader, leaf, ca, key.Public(), caKey)
	check(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	block := func(file, kind string, b []byte) string {
		return write(t, filepath.Join(dir, file), string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b})))
	}
	return block("ca.pem", "CERTIFICATE", caDER), block("cert.pem", "CERTIFICATE", der), block("key.pem", "PRIVATE KEY", keyDER)
}

func TestServers(t *testing.T) {
	web, caFile := startNginx(t)
	startNSD(t)
	ssh := startSSHD(t)

	pool := x509.NewCertPool()
	pemBytes, err := os.ReadFile(caFile)
	check(t, err)
	pool.AppendCertsFromPEM(pemBytes)
	c, err := tls.Dial("tcp", web.addr, &tls.Config{RootCAs: pool, ServerName: "www.example.test"})
	check(t, err)
	check(t, c.Close())

	banner := make([]byte, 4)
	s, err := net.Dial("tcp", ssh.addr)
	check(t, err)
	defer s.Close()
	if _, err := s.Read(banner); err != nil || string(banner) != "SSH-" {
		t.Errorf("sshd said %q, %v", banner, err)
	}

	web.stop(t)
	if err := listens(web.addr); err == nil {
		t.Error("nginx was stopped and still listens")
	}
	web.start(t)
}
