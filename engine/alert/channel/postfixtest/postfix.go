// Package postfixtest is a real mail server for tests: a postfix that is started
// for one, and ends with it.
package postfixtest

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lookout/engine/alert/channel/smtptest"
)

// Server is a private one: its own configuration and queue, on a port of the
// loopback. The machine's own, if there is one, is not touched.
type Server struct {
	CA   []byte // what it is trusted by, PEM
	dir  string
	port int
}

// User and Password are who may log in.
const (
	User     = "lookout"
	Password = "sw0rdf1sh&co"
)

// Busy is a box that takes nothing for now.
const Busy = "slow"

// Start starts one with boxes of example.com, BOX@example.com each, and skips the
// test where there is no postfix or nobody to start it.
func Start(t *testing.T, boxes ...string) *Server {
	t.Helper()
	program := ""
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if fi, err := os.Stat(dir + "/postfix"); err == nil && !fi.IsDir() {
			program = dir + "/postfix"
		}
	}
	all := os.Getenv("LOOKOUT_E2E") == "all"
	switch {
	case program == "" && all:
		t.Fatal("postfix is not installed; tui/cli/e2e/setup.sh installs it")
	case program == "":
		t.Skip("postfix is not installed; tui/cli/e2e/setup.sh installs it")
	case os.Getuid() != 0:
		t.Skip("postfix is started by root alone")
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		t.Fatal(err)
	}
	// Its processes run as another user, who has to get through to the folders.
	dir, err := os.MkdirTemp("", "lookout-postfix-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &Server{port: freePort(t), dir: dir}
	config := dir + "/config"
	id, _ := strconv.Atoi(owner.Uid)
	for _, d := range []string{config, dir + "/queue", dir + "/data", dir + "/boxes"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{os.Chmod(dir, 0o755), os.Chown(dir+"/data", id, -1), os.Chown(dir+"/boxes", id, -1)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var maps []string
	for _, b := range boxes {
		maps = append(maps, b+"@example.com="+b+"/")
	}
	key := p.certificate(t)
	logins(t, dir+"/auth")
	write(t, config+"/key.pem", string(key), 0o600)
	write(t, config+"/main.cf", strings.NewReplacer("DIR", dir, "BOXES", strings.Join(maps, ", "), "BUSY", Busy, "UID", owner.Uid, "GID", owner.Gid).Replace(`compatibility_level = 3.6
enable_long_queue_ids = yes
queue_directory = DIR/queue
data_directory = DIR/data
maillog_file = DIR/log
maillog_file_prefixes = DIR
myhostname = mx.example.com
inet_interfaces = loopback-only
inet_protocols = ipv4
mydestination =
alias_maps =
alias_database =
virtual_mailbox_domains = example.com
virtual_mailbox_base = DIR/boxes
virtual_mailbox_maps = inline:{BOXES}
virtual_uid_maps = static:UID
virtual_gid_maps = static:GID
virtual_minimum_uid = 1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = reject_unlisted_recipient, check_recipient_access inline:{{BUSY@example.com = 450 4.2.0 mailbox is busy}}
smtpd_tls_security_level = may
smtpd_tls_chain_files = DIR/config/key.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = DIR/auth
smtpd_forbid_bare_newline = yes
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
`), 0o644)
	write(t, config+"/master.cf", fmt.Sprintf(`127.0.0.1:%d inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`, p.port), 0o644)
	var out bytes.Buffer
	cmd := exec.Command(program, "-c", config, "start-fg")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{}) // closed when it has ended
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		exec.Command(program, "-c", config, "stop").Run()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if log, _ := os.ReadFile(dir + "/log"); t.Failed() {
			t.Logf("%s\n%s", out.Bytes(), log)
		}
	})
	for range 200 { // it makes its queue first
		if c, err := net.Dial("tcp", p.Address()); err == nil {
			c.Close()
			return p
		}
		select {
		case <-ended:
			t.Fatalf("postfix ended: %s", out.Bytes())
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("postfix does not listen")
	return nil
}

// certificate makes one, and returns the PEM of its key and itself.
func (p *Server) certificate(t *testing.T) []byte {
	config, ca, err := smtptest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(config.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p.CA = ca
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), ca...)
}

// Address is where it listens.
func (p *Server) Address() string { return "127.0.0.1:" + strconv.Itoa(p.port) }

// queueID is when postfix took a mail, in digits that sort like text.
var queueID = regexp.MustCompile(`(?s)\nReceived: .*? id (\w+)`)

// Mails are those in boxes, once none is on its way any more, as they were taken.
func (p *Server) Mails(t testing.TB, boxes ...string) (mails []string) {
	t.Helper()
	for range 400 {
		queued := 0
		for _, queue := range []string{"maildrop", "incoming", "active", "deferred"} {
			filepath.WalkDir(p.dir+"/queue/"+queue, func(_ string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					queued++
				}
				return nil
			})
		}
		if queued > 0 {
			<-time.After(50 * time.Millisecond)
			continue
		}
		for _, box := range boxes {
			files, _ := filepath.Glob(p.dir + "/boxes/" + box + "/new/*")
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				mails = append(mails, string(b))
			}
		}
		slices.SortStableFunc(mails, func(a, b string) int {
			return cmp.Compare(queueID.FindStringSubmatch(a)[1], queueID.FindStringSubmatch(b)[1])
		})
		return mails
	}
	t.Fatal("postfix keeps mails in its queue")
	return nil
}

// logins is what postfix asks about logins: as much of Dovecot as it takes
// (Dovecot's authentication protocol, version 1).
func logins(t *testing.T, path string) {
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}) // closed when nobody is accepted any more
	t.Cleanup(func() { l.Close(); <-done })
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // until postfix leaves
				defer c.Close()
				fmt.Fprint(c, "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00112233445566778899aabbccddeeff\nDONE\n")
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					f := strings.Split(lines.Text(), "\t")
					if f[0] != "AUTH" || len(f) < 3 {
						continue
					}
					b, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(f[len(f)-1], "resp="))
					if string(b) == "\x00"+User+"\x00"+Password {
						fmt.Fprintf(c, "OK\t%s\tuser=%s\n", f[1], User)
					} else {
						fmt.Fprintf(c, "FAIL\t%s\tuser=%s\n", f[1], User)
					}
				}
			}()
		}
	}()
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
