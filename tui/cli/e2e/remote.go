package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/topology"
)

// Remote is what an engine and its probes at other locations need to find each
// other over a broker: the folder that "lookout remote init" makes.
type Remote struct {
	Binary string
	Dir    string
	Probes []string // LOCATION/NAME
	Env    []string // of the probes, beside what each has
}

// NewRemote fills a folder for a vhost of a broker, which is dialled at addr, and
// gives the broker its objects.
func NewRemote(ctx context.Context, binary, dir string, b *brokertest.Broker, addr, vhost string, probes ...string) (*Remote, error) {
	r := &Remote{Binary: binary, Dir: dir, Probes: probes}
	_, err := topology.Init(topology.Options{Dir: dir, Probes: probes, URL: "amqp://" + addr + "/" + vhost, Now: time.Now()})
	if err != nil {
		return nil, err
	}
	definitions, err := os.ReadFile(filepath.Join(dir, "broker", "definitions.json"))
	if err != nil {
		return nil, err
	}
	return r, b.Import(ctx, definitions)
}

// Include is the engine's part of the configuration, to be included.
func (r *Remote) Include() string {
	return fmt.Sprintf("include = [%q]\n", filepath.Join(r.Dir, "engine", "broker.toml"))
}

// Folder is that of a probe. Its file is probe.toml in it, its data folder is data.
func (r *Remote) Folder(probe string) string {
	return filepath.Join(r.Dir, strings.ReplaceAll(probe, "/", "-"))
}

// Configure completes the file of a probe: with where it keeps what it has, with
// secrets by their names, and with what more is to stand in its file.
func (r *Remote) Configure(probe string, secrets map[string]string, more string) error {
	dir := r.Folder(probe)
	path := filepath.Join(dir, "probe.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	kept := filepath.Join(dir, "secrets")
	if err := WriteSecrets(kept, secrets); err != nil {
		return err
	}
	head := fmt.Sprintf("data_dir = %q\nsecrets_dir = %q\n", filepath.Join(dir, "data"), kept)
	return os.WriteFile(path, slices.Concat([]byte(head), text, []byte("\n"+more)), 0o600)
}

// WriteSecrets fills a folder for ${secret:NAME}.
func WriteSecrets(dir string, secrets map[string]string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, secret := range secrets {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Command starts a probe that is configured.
func (r *Remote) Command(probe string) *exec.Cmd {
	cmd := exec.Command(r.Binary, "probe", "--config", filepath.Join(r.Folder(probe), "probe.toml"))
	cmd.Dir = r.Folder(probe)
	cmd.Env = append([]string{"HOME=" + r.Dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}, r.Env...)
	return cmd
}
