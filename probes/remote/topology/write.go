package topology

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// all writes the keys, then what is made of them, and the plan last: a run
// that was broken off is taken up by the next.
func (w *writer) all(o Options) error {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return err
	}
	p := w.result.Plan
	if w.anyTLS() {
		if err := w.authority(); err != nil {
			return err
		}
	}
	signing, _, err := w.kept("engine/"+fileSigning, "the engine's key: who has it may give orders", NewSigningKey)
	if err != nil {
		return err
	}
	engineKey, err := EngineKey(signing)
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Join(w.dir, "engine", fileSigning), err)
	}
	if _, err := w.user("engine", &p.Engine, p.URL, p.ours("")); err != nil {
		return err
	}
	if err := w.probes(o, engineKey); err != nil {
		return err
	}
	if err := w.engine(); err != nil {
		return err
	}
	if err := w.brokers(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return w.file(filePlan, append(text, '\n'), "what this folder is for: a later run adds to it")
}

// probes makes the files of the probes that were asked for.
func (w *writer) probes(o Options, engineKey string) error {
	p := w.result.Plan
	for i := range p.Probes {
		probe := &p.Probes[i]
		if !slices.Contains(o.Probes, probe.ID()) {
			continue // its folder may be where it belongs, and not here any more
		}
		dir := Folder(*probe)
		fresh, err := w.user(dir, &probe.User, p.URLOf(probe.Location), p.ours(probe.Location))
		if err != nil {
			return err
		}
		if fresh {
			w.result.Added = append(w.result.Added, probe.ID())
		}
		_, _, err = w.kept(dir+"/probe.toml", "the configuration of probe "+probe.ID(), func() ([]byte, error) {
			return []byte(p.probeText(*probe, engineKey, o.Anchors)), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// user makes what somebody logs in with. It reports whether the password is a new one.
func (w *writer) user(dir string, u *User, url string, ownCA bool) (fresh bool, err error) {
	_, fresh, err = w.password(dir, u)
	if err != nil {
		return false, err
	}
	if !secure(url) {
		return fresh, nil
	}
	if ownCA {
		if err := w.file(dir+"/"+fileAuthority, w.caText, "the CA of the broker's certificate"); err != nil {
			return false, err
		}
	}
	return fresh, w.pair(dir+"/"+fileCert, dir+"/"+fileKey, "the certificate of "+u.Name, nil, func() ([]byte, []byte, error) {
		return w.ca.Client(u.Name, w.now)
	})
}

// password makes the password of a user, or takes up the one that is there.
func (w *writer) password(dir string, u *User) (plain string, fresh bool, err error) {
	name := dir + "/" + filePassword
	text, fresh, err := w.kept(name, "the password of "+u.Name, func() ([]byte, error) {
		return []byte(NewPassword() + "\n"), nil
	})
	if err != nil {
		return "", false, err
	}
	if plain = string(bytes.TrimSpace(text)); plain == "" {
		return "", false, fmt.Errorf("%s is empty: remove it, and the next run draws a new one", filepath.Join(w.dir, name))
	}
	u.Hash = HashPassword(plain)
	return plain, fresh, nil
}

// pair makes a certificate and its key, unless both are there and the certificate
// is of this CA, good for these names, and for the next three months.
func (w *writer) pair(certFile, keyFile, why string, names []string, fresh func() (cert, key []byte, err error)) error {
	text, errCert := os.ReadFile(filepath.Join(w.dir, certFile))
	_, errKey := os.Stat(filepath.Join(w.dir, keyFile))
	if errCert == nil && errKey == nil {
		cert, err := readCertificate(text)
		if err != nil {
			return fmt.Errorf("read %s: %w", filepath.Join(w.dir, certFile), err)
		}
		bad := func(name string) bool { return cert.VerifyHostname(name) != nil }
		if cert.CheckSignatureFrom(w.ca.cert) == nil && w.now.AddDate(0, 3, 0).Before(cert.NotAfter) && !slices.ContainsFunc(names, bad) {
			return nil
		}
	}
	if w.ca.key == nil {
		return fmt.Errorf("%s is to be signed with %s, which is not there: put it back for this run", certFile, filepath.Join(w.dir, "ca.key"))
	}
	cert, key, err := fresh()
	if err != nil {
		return fmt.Errorf("make %s: %w", certFile, err)
	}
	return errors.Join(w.file(keyFile, key, "its key"), w.file(certFile, cert, why))
}

// authority makes the CA, or takes up the one that is there. Its key may lie elsewhere
// as long as nothing is to be signed.
func (w *writer) authority() error {
	certFile, keyFile := filepath.Join(w.dir, fileAuthority), filepath.Join(w.dir, "ca.key")
	cert, err := os.ReadFile(certFile)
	if errors.Is(err, fs.ErrNotExist) {
		ca, cert, key, err := NewAuthority("lookout "+w.vhost, w.now)
		if err != nil {
			return fmt.Errorf("make a CA: %w", err)
		}
		w.ca, w.caText = ca, cert
		return errors.Join(w.file("ca.key", key, "signs new certificates: keep it here, or offline"),
			w.file(fileAuthority, cert, "the CA that the broker knows its clients by"))
	}
	if err != nil {
		return err
	}
	w.caText = cert
	key, err := os.ReadFile(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		parsed, err := readCertificate(cert)
		if err != nil {
			return fmt.Errorf("read %s: %w", certFile, err)
		}
		w.ca = &Authority{cert: parsed}
		return nil
	}
	if err == nil {
		w.ca, err = ReadAuthority(cert, key)
	}
	if err != nil {
		return fmt.Errorf("read the CA of %s and ca.key: %w", certFile, err)
	}
	return nil
}

// engine writes the engine's part of the configuration. What people wrote into it
// stays, and so does what they took out: only new locations are added.
func (w *writer) engine() error {
	const name = "engine/broker.toml"
	p := w.result.Plan
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	have := w.result.before
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text, have = []byte(p.engineText()), nil
	case err != nil:
		return err
	}
	for _, l := range p.Locations() {
		if slices.Contains(have, l) || bytes.Contains(text, fmt.Appendf(nil, "\nname = %q\n", l)) {
			continue
		}
		text = append(text, locationText(l)...)
		w.result.Places = append(w.result.Places, l)
	}
	return w.file(name, text, "the engine's part of the configuration")
}

// brokers writes what the brokers are to have.
func (w *writer) brokers() error {
	p := w.result.Plan
	for i := range p.Far {
		if err := w.far(&p.Far[i]); err != nil {
			return err
		}
	}
	text, err := p.Definitions()
	if err != nil {
		return err
	}
	if err := w.file("broker/definitions.json", text, "for the broker: rabbitmqctl import_definitions"); err != nil {
		return err
	}
	return w.broker("broker", p.URL, p.ServerNames)
}

// far writes what a location's own broker needs.
func (w *writer) far(far *Far) error {
	p, dir := w.result.Plan, FarFolder(far.Location)
	plain, _, err := w.password(dir, &far.Shovel)
	if err != nil {
		return err
	}
	if secure(p.URL) {
		err := w.pair(dir+"/shovel.pem", dir+"/shovel.key", "the certificate of "+far.Shovel.Name, nil, func() ([]byte, []byte, error) {
			return w.ca.Client(far.Shovel.Name, w.now)
		})
		if err != nil {
			return err
		}
	}
	text, err := p.FarDefinitions(*far, plain)
	if err != nil {
		return err
	}
	if err := w.file(dir+"/definitions.json", text, "for the broker of "+far.Location+", with a password in it"); err != nil {
		return err
	}
	if secure(p.URL) && !secure(far.URL) {
		// The shovel needs it, though nobody dials this broker over TLS.
		if err := w.file(dir+"/"+fileAuthority, w.caText, "the CA of the engine's broker"); err != nil {
			return err
		}
	}
	return w.broker(dir, far.URL, far.ServerNames)
}

// broker writes the settings of a broker, its certificate and the CA of its clients.
func (w *writer) broker(dir, url string, names []string) error {
	tls := secure(url)
	if tls {
		if err := w.file(dir+"/"+fileAuthority, w.caText, "the CA of those who log in"); err != nil {
			return err
		}
	}
	if tls && len(names) > 0 {
		err := w.pair(dir+"/server.pem", dir+"/server.key", "the certificate of the broker", names, func() ([]byte, []byte, error) {
			return w.ca.Server(names, w.now)
		})
		if err != nil {
			return err
		}
	}
	return w.file(dir+"/rabbitmq.conf", []byte(brokerText(tls, len(names) > 0)), "settings for the broker")
}

// anyTLS reports whether a broker is dialled over TLS.
func (w *writer) anyTLS() bool {
	p := w.result.Plan
	return secure(p.URL) || slices.ContainsFunc(p.Far, func(f Far) bool { return secure(f.URL) })
}
