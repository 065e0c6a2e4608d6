package channel

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/alert/channel/smtptest"
	"lookout/engine/uptime"
)

// postfix is a private one: its own configuration and queue, on a port of the
// loopback, started and stopped by the test. The machine's own, if there is one,
// is not touched.
type postfix struct {
	port  int
	boxes string // folders of mail: ops, jo, slow
	ca    []byte // PEM
}

func startPostfix(t *testing.T) *postfix {
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
	p := &postfix{port: freePort(t), boxes: dir + "/boxes"}
	config := dir + "/config"
	id, _ := strconv.Atoi(owner.Uid)
	for _, d := range []string{config, dir + "/queue", dir + "/data", p.boxes} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{os.Chmod(dir, 0o755), os.Chown(dir+"/data", id, -1), os.Chown(p.boxes, id, -1)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	key := p.certificate(t)
	logins(t, dir+"/auth")
	write(t, config+"/key.pem", string(key), 0o600)
	write(t, config+"/main.cf", strings.NewReplacer("DIR", dir, "UID", owner.Uid, "GID", owner.Gid).Replace(`compatibility_level = 3.6
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
virtual_mailbox_maps = inline:{ops@example.com=ops/, jo@example.com=jo/, slow@example.com=slow/}
virtual_uid_maps = static:UID
virtual_gid_maps = static:GID
virtual_minimum_uid = 1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = reject_unlisted_recipient, check_recipient_access inline:{{slow@example.com = 450 4.2.0 mailbox is busy}}
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
		if c, err := net.Dial("tcp", p.address()); err == nil {
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

func (p *postfix) address() string { return "127.0.0.1:" + strconv.Itoa(p.port) }

// certificate makes one, and returns the PEM of its key and itself.
func (p *postfix) certificate(t *testing.T) []byte {
	config, ca, err := smtptest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(config.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p.ca = ca
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), ca...)
}

// mails waits for n mails in a box.
func (p *postfix) mails(t *testing.T, box string, n int) []string {
	t.Helper()
	for range 200 {
		files, _ := filepath.Glob(p.boxes + "/" + box + "/new/*")
		if len(files) >= n {
			var mails []string
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				mails = append(mails, string(b))
			}
			return mails
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatalf("no %d mails for %s", n, box)
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
					if string(b) == "\x00"+mailUser+"\x00"+mailSecret {
						fmt.Fprintf(c, "OK\t%s\tuser=%s\n", f[1], mailUser)
					} else {
						fmt.Fprintf(c, "FAIL\t%s\tuser=%s\n", f[1], mailUser)
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

// A real mail server takes what we send, keeps what we mean apart from what a
// hostile text wants, and is understood when it refuses.
func TestEmailPostfix(t *testing.T) {
	p := startPostfix(t)
	login := func(password string) values {
		return values{"smtp": "smtp+starttls://" + p.address(), "username": mailUser, "password": uptime.Secret(password), "ca_file": p.ca}
	}
	tests := []struct {
		name   string
		values values
		to     []string
		reply  string // a part of it
		left   []string
		want   *uptime.Refusal
	}{
		{"in the open", values{"smtp": "smtp://" + p.address()}, []string{"ops@example.com"}, "250 2.0.0 Ok: queued as", nil, nil},
		{"with a login", login(mailSecret), []string{"ops@example.com", "jo@example.com"}, "250 2.0.0 Ok: queued as", nil, nil},
		{"with a wrong login", login("wrong"), []string{"ops@example.com"}, "", nil, &uptime.Refusal{Reply: "535 5.7.8 Error: authentication failed", Permanent: true}},
		{"one of two", login(mailSecret), []string{"ops@example.com", "nobody@example.com"}, "250 2.0.0 Ok: queued as", []string{"nobody@example.com"}, nil},
		{"one of two for now", login(mailSecret), []string{"ops@example.com", "slow@example.com"}, "250 2.0.0 Ok: queued as", []string{"slow@example.com"}, nil},
		{"nobody", login(mailSecret), []string{"nobody@example.com"}, "", nil, &uptime.Refusal{Reply: "550 5.1.1 <nobody@example.com>: Recipient address rejected", Permanent: true}},
		{"nobody for now", login(mailSecret), []string{"slow@example.com"}, "", nil, &uptime.Refusal{Reply: "450 4.2.0 <slow@example.com>: Recipient address rejected: mailbox is busy"}},
		{"elsewhere", values{"smtp": "smtp://" + p.address()}, []string{"ops@example.org"}, "", nil, &uptime.Refusal{Reply: "Relay access denied", Permanent: true}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.values["to"] = tt.to
			r, refusal, said := sendMail(t, nil, tt.values, channeltest.Letter(i))
			if tt.want != nil {
				if refusal == nil || !strings.Contains(refusal.Reply, tt.want.Reply) {
					t.Fatalf("%+v %+v\n%s", r, refusal, said)
				}
				if refusal.Reply = tt.want.Reply; *refusal != *tt.want {
					t.Errorf("%+v, want %+v", refusal, tt.want)
				}
				return
			}
			if refusal != nil || !strings.Contains(r.Reply, tt.reply) || !slices.Equal(r.Left, tt.left) {
				t.Errorf("%+v %+v\n%s", r, refusal, said)
			}
			if strings.Contains(said, mailSecret) {
				t.Errorf("the password is said:\n%s", said)
			}
		})
	}
	l := channeltest.Letter(99)
	l.Subject = "DOWN Käse\r\nBcc: jo@example.com\r\n\r\nX-Pwned: yes"
	l.Text = "X-Pwned: yes\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<jo@example.com>\r\nDATA\r\nsmuggled\r\n.\r\n" + strings.Repeat("x", 5000)
	if _, refusal, said := sendMail(t, nil, values{"smtp": "smtp://" + p.address(), "to": []string{"ops@example.com"}}, l); refusal != nil {
		t.Fatalf("%+v\n%s", refusal, said)
	}
	mails := p.mails(t, "ops", 5)
	if len(mails) != 5 || len(p.mails(t, "jo", 1)) != 1 {
		t.Errorf("%d mails for ops, want 5, and %d for jo, want 1", len(mails), len(p.mails(t, "jo", 1)))
	}
	for _, m := range mails {
		head, _, _ := strings.Cut(m, "\n\n")
		if strings.Contains(head, "\nX-Pwned") || strings.Contains(head, "\nBcc") || !strings.Contains(head, "\nMessage-ID: <") {
			t.Errorf("%s", head)
		}
	}
}
