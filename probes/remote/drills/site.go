//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
)

const (
	vhost = "drill"
	// placeholder is the URL that the files of a site are made with: a broker has
	// its ports when it runs, and its certificate before.
	placeholder = "amqps://127.0.0.1:5671/" + vhost
)

// site is a broker, and everything that an engine and its probes need for it.
type site struct {
	dir    string // as lookout remote init fills it
	broker *brokertest.Broker
	plan   *topology.Plan
	key    ed25519.PrivateKey // of the engine
}

// openSite makes the files for some probes and starts their broker.
func openSite(ctx context.Context, dir string, anchors []netip.AddrPort, probes ...string) (*site, error) {
	made, err := topology.Init(topology.Options{
		Dir: dir, Probes: probes, URL: placeholder, ServerNames: []string{"127.0.0.1"}, Anchors: anchors, Now: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	s := &site{dir: dir, plan: made.Plan}
	definitions, err := s.plan.Definitions()
	if err != nil {
		return nil, err
	}
	if s.key, err = signingKey(filepath.Join(dir, "engine", "signing.key")); err != nil {
		return nil, err
	}
	var files [3][]byte
	for i, name := range []string{"ca.pem", "server.pem", "server.key"} {
		if files[i], err = os.ReadFile(filepath.Join(dir, "broker", name)); err != nil {
			return nil, err
		}
	}
	s.broker, err = brokertest.Launch(ctx, brokertest.Options{
		Definitions: definitions,
		TLS:         &brokertest.TLS{CA: files[0], Cert: files[1], Key: files[2], Clients: true},
	})
	return s, err
}

func (s *site) close() { s.broker.Close() }

func signingKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM", path)
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := any.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds no Ed25519 key", path)
	}
	return key, nil
}

// at is where a link dials.
type at struct {
	addr string
	tls  bool
}

// plain is the broker itself, without TLS.
func (s *site) plain() at { return at{s.broker.Addr(), false} }

// access are the options of a link for the user whose files lie in a folder of the site.
func (s *site) access(folder, user string, where at) (link.Options, error) {
	dir := filepath.Join(s.dir, folder)
	password, err := os.ReadFile(filepath.Join(dir, "broker.pass"))
	if err != nil {
		return link.Options{}, err
	}
	o := link.Options{URL: brokertest.URL("amqp", where.addr, "", "", vhost), Username: user, Password: string(bytes.TrimSpace(password)), Name: "drill " + folder}
	if !where.tls {
		return o, nil
	}
	o.URL = brokertest.URL("amqps", where.addr, "", "", vhost)
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key"))
	if err != nil {
		return o, err
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return o, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return o, errors.New("ca.pem holds no certificate")
	}
	o.TLS = &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	return o, nil
}

// twain are two brokers, and between them the shovels of the one at the far
// end, which dial by way of a proxy.
type twain struct {
	site
	far *brokertest.Broker
	way *brokertest.Proxy
}

// openTwain is openSite for probes at a broker of their location's own.
func openTwain(ctx context.Context, dir string, probe string) (t *twain, err error) {
	t = &twain{site: site{dir: dir}}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if t.broker, err = brokertest.Launch(ctx, brokertest.Options{}); err != nil {
		return nil, err
	}
	if t.way, err = brokertest.NewProxy(t.broker.Addr()); err != nil {
		return nil, err
	}
	made, err := topology.Init(topology.Options{
		Dir: dir, Probes: []string{probe}, URL: brokertest.URL("amqp", t.way.Addr(), "", "", vhost), Shovel: "amqp://127.0.0.1:1/" + vhost, Now: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	t.plan = made.Plan
	if t.key, err = signingKey(filepath.Join(dir, "engine", "signing.key")); err != nil {
		return nil, err
	}
	near, err := t.plan.Definitions()
	if err != nil {
		return nil, err
	}
	if err := t.broker.Import(ctx, near); err != nil {
		return nil, err
	}
	far, err := os.ReadFile(filepath.Join(dir, topology.FarFolder(t.plan.Probes[0].Location), "definitions.json"))
	if err != nil {
		return nil, err
	}
	t.far, err = brokertest.Launch(ctx, brokertest.Options{Plugins: []string{"rabbitmq_shovel"}, Definitions: far})
	return t, err
}

func (t *twain) close() {
	if t.far != nil {
		t.far.Close()
	}
	if t.way != nil {
		t.way.Close()
	}
	if t.broker != nil {
		t.broker.Close()
	}
}

// temporary makes a folder, and what removes it.
func (d *drill) temporary() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "lookout-drills-*")
	if err != nil {
		return "", nil, err
	}
	if d.keep {
		d.say("files are in %s", dir)
		return dir, func() {}, nil
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}
