package config

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// brokerFiles is what a [broker] can name: files of a CA, a client and a signing key.
func brokerFiles(t *testing.T, until time.Time) (text string, signing ed25519.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "engine"}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(k any) string {
		b, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
	}
	_, signing, err = ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return fmt.Sprintf("-- ca.pem --\n%s-- engine.pem --\n%s-- engine.key --\n%s-- signing.key --\n%s-- pass --\ncanary-pass\n", cert, cert, pkcs8(key), pkcs8(signing)), signing
}

func TestBroker(t *testing.T) {
	now := testOptions().Now
	files, signing := brokerFiles(t, now.AddDate(0, 1, 0))
	const rest = "signing_key_file = \"signing.key\"\n[[location]]\nname = \"fra\"\n"
	for _, tc := range []struct {
		name, text                     string
		url, vhost, user, addr, secret string
		tls, cert                      bool
	}{
		{"password", "url = \"amqps://b.example.com/lookout\"\nusername = \"engine\"\npassword_file = \"pass\"\n",
			"amqps://b.example.com:5671/lookout", "lookout", "engine", "b.example.com:5671", "canary-pass", true, false},
		{"certificate", "url = \"amqps://[2001:db8::1]:5699/a%2fb\"\nca_file = \"ca.pem\"\nclient_cert = \"engine.pem\"\nclient_key = \"engine.key\"\n",
			"amqps://[2001:db8::1]:5699/a%2fb", "a/b", "", "[2001:db8::1]:5699", "", true, true},
		{"both", "url = \"amqps://b.example.com/%2f\"\nusername = \"engine\"\npassword_file = \"pass\"\nclient_cert = \"engine.pem\"\nclient_key = \"engine.key\"\n",
			"amqps://b.example.com:5671/%2f", "/", "engine", "b.example.com:5671", "canary-pass", true, true},
		{"loopback", "url = \"amqp://localhost/lookout\"\nusername = \"engine\"\npassword_file = \"pass\"\n",
			"amqp://localhost:5672/lookout", "lookout", "engine", "localhost:5672", "canary-pass", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := mustLoad(t, "[broker]\n"+tc.text+rest+files, testOptions())
			b := c.Broker
			if b == nil || len(c.Warnings) > 0 {
				t.Fatalf("no broker: %v", c.Warnings)
			}
			if b.URL != tc.url || b.Vhost != tc.vhost || b.Username != tc.user || b.Addr != tc.addr || b.Password() != tc.secret || !b.SigningKey().Equal(signing) {
				t.Errorf("%+v, password %q", b, b.Password())
			}
			conf := b.TLS()
			if (conf != nil) != tc.tls || tc.tls && (len(conf.Certificates) == 1) != tc.cert {
				t.Errorf("TLS %+v", conf)
			}
			if !SameBroker(c, mustLoad(t, "[broker]\n"+tc.text+rest+files, testOptions())) {
				t.Error("the same broker differs")
			}
			shown, err := json.Marshal(c)
			if out := fmt.Sprintf("%+v %#v %s %v", b, b, shown, Diff(c, mustLoad(t, "", testOptions()))); strings.Contains(out, "canary") || err != nil {
				t.Errorf("a secret shows: %s", out)
			}
		})
	}
}

func TestBrokerFiles(t *testing.T) {
	now := testOptions().Now
	files, _ := brokerFiles(t, now.AddDate(0, 1, 0))
	other, _ := brokerFiles(t, now.AddDate(0, 1, 0))
	soon, _ := brokerFiles(t, now.AddDate(0, 0, 3))
	over, _ := brokerFiles(t, now.AddDate(0, 0, -3))
	base := "[[location]]\nname = \"fra\"\n[broker]\nurl = \"amqps://b.example.com/x\"\nca_file = \"ca.pem\"\nclient_cert = \"engine.pem\"\nclient_key = \"engine.key\"\nsigning_key_file = \"signing.key\"\n"
	key := func(files string) string {
		_, rest, _ := strings.Cut(files, "-- engine.key --\n")
		k, _, _ := strings.Cut(rest, "-- signing.key --")
		return k
	}
	for _, tc := range []struct{ name, text, want string }{
		{"fine", base + files, ""},
		{"ends soon", base + soon, "lookout.toml:6: warning: broker: client_cert ends on 2026-11-25"},
		{"ended", base + over, "lookout.toml:6: warning: broker: client_cert ended on 2026-11-19: the broker will refuse it"},
		{"another key", base + strings.Replace(files, key(files), key(other), 1), "lookout.toml:7: broker: client_key is not the key of client_cert"},
		{"no key", base + strings.Replace(files, key(files), "x\n", 1), "lookout.toml:7: broker: client_key holds no key that can be read: it is a PEM file that begins with -----BEGIN PRIVATE KEY-----, without a passphrase"},
		{"no certificate", strings.Replace(base, "engine.pem", "pass", 1) + files, "lookout.toml:6: broker: client_cert holds no certificate that can be read: it is a PEM file that begins with -----BEGIN CERTIFICATE-----"},
		{"no CA", strings.Replace(base, "ca.pem", "pass", 1) + files, "lookout.toml:5: broker: ca_file holds no certificate. It is a PEM file: it begins with -----BEGIN CERTIFICATE-----"},
		{"not the kind of key", strings.Replace(base, "signing.key", "engine.key", 1) + files, "lookout.toml:8: broker: signing_key_file holds no Ed25519 key. lookout remote init makes one"},
		{"half", strings.Replace(base, "client_key = \"engine.key\"\n", "", 1) + files, "lookout.toml:3: [broker] has a client_cert and no client_key. Write the path of its key"},
		{"in the clear", strings.Replace(base, "amqps:", "amqp:", 1) + files, "lookout.toml:4: broker: amqp:// sends passwords and results over the network to b.example.com for everybody to read. " +
			"Write amqps://, and ca_file if the broker's CA is your own; without TLS only a broker on this machine is spoken to"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _, _ := strings.Cut(said(t, tc.text), "\n")
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestBrokerCredentials: a file that systemd hands over goes before the one on disk,
// which we may not be able to read.
func TestBrokerCredentials(t *testing.T) {
	files, signing := brokerFiles(t, testOptions().Now.AddDate(0, 1, 0))
	dir := t.TempDir()
	writeFiles(t, dir, files)
	for _, name := range []string{"pass", "signing.key"} { // as systemd has them: root's group, by an access list
		if err := os.Chmod(filepath.Join(dir, name), 0o440); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(dir, name), -1, os.Getegid()+1); err != nil && os.Geteuid() == 0 {
			t.Fatal(err)
		}
	}
	c := mustLoad(t, "[broker]\nurl = \"amqps://b.example.com/x\"\nusername = \"engine\"\npassword_file = \"/nowhere/pass\"\nsigning_key_file = \"/nowhere/signing.key\"\n[[location]]\nname = \"fra\"\n",
		testOptions("CREDENTIALS_DIRECTORY", dir))
	if c.Broker.Password() != "canary-pass" || !c.Broker.SigningKey().Equal(signing) {
		t.Error("the credentials were not taken")
	}
}
