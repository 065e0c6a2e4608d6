package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/alert/watch"
	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/probes"
	"lookout/probes/remote/link"
	"lookout/probes/remote/worker"
	"lookout/probes/spool"
	"lookout/probes/wire"
)

func (c *call) probeCommand() *cobra.Command {
	var printUnit, checkOnly bool
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "a headless probe at another place: a second opinion",
		Long: `Checks from this machine what the engine elsewhere wants checked, and says what
it sees when the engine doubts. It has no screen and listens on no port: it dials
out to the broker between the two, over TLS. SIGTERM and SIGINT end it: it sends
what it has and says goodbye.

  What it checks   comes from the engine, once, and is kept: without engine or
                   broker it goes on by itself for a week. Orders are obeyed only
                   if they are signed with the key that engine_key belongs to.
  What it finds    waits on its disk until the broker has it, 256 MB and 7 days
                   at most ([spool]); nothing is lost by a cut line or a restart.
  What it refuses  whatever it is told: addresses of this machine, of private
                   networks and of the cloud's metadata, unless [policy] allows
                   them; methods but GET and HEAD; a body, unless max_body
                   allows one; commands that are not in [[exec]] of its own
                   file; secrets of the environment.
                   ${secret:NAME} is looked up in its own secrets_dir.
  Whom it tells    nothing was heard of the engine for 3 minutes, while it is
                   itself online by its [self_check] anchors: that goes to
                   each [[channel]] of its own file, again after 6 hours, and
                   when the engine is back.
  Where it stands  lookout remote list, at the engine: joining, live, lagging or
                   gone, and why. A new probe votes after about 15 s.

"lookout remote init", at the engine, writes the whole folder: probe.toml, the
certificate, the key and the password. Copy it to this machine and start.`,
		Example: `  lookout probe --config /etc/lookout-probe/probe.toml --check
  lookout probe --config /etc/lookout-probe/probe.toml
  lookout probe --print-unit | sudo tee /etc/systemd/system/lookout-probe.service`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case printUnit:
				exe, err := os.Executable()
				if err != nil {
					return err
				}
				_, err = fmt.Fprint(c.stdout, probeUnitFor(exe))
				return err
			case checkOnly:
				return c.checkProbe()
			}
			return c.runProbe(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&printUnit, "print-unit", false, "print a systemd unit, with its reasons, and end")
	cmd.Flags().BoolVar(&checkOnly, "check", false, "read the file, say what is wrong with it or what it means, and end")
	return cmd
}

// probeFile finds the file of a probe: --config, else the first of the usual places.
func (c *call) probeFile() (string, error) {
	if c.config != "" {
		return absolute(c.config)
	}
	looked := []string{"./probe.toml", filepath.Join(c.etc, "lookout-probe", "probe.toml")}
	for _, f := range looked {
		if _, err := os.Lstat(f); err == nil {
			return absolute(f)
		}
	}
	return "", failf(exitConfig, "there is no probe.toml: looked for %s; name it with --config, or make one with lookout remote init at the engine", bullets(looked))
}

// loadProbe reads the file of a probe and finds its data folder.
func (c *call) loadProbe() (*config.Probe, folder, error) {
	path, err := c.probeFile()
	if err != nil {
		return nil, "", err
	}
	p, err := config.LoadProbe(path, c.options())
	switch {
	case p == nil:
		return nil, "", failf(exitConfig, "the file of the probe, %s, cannot be read: %w", path, cause(err))
	case err != nil:
		return nil, "", mistaken(path, err)
	}
	dir, err := c.probeDir(path, p.DataDir)
	return p, folder(dir), err
}

// probeDir is the data folder of a probe. A file in systemd's credentials is the system's, too.
func (c *call) probeDir(path, configured string) (string, error) {
	if credentials := c.getenv("CREDENTIALS_DIRECTORY"); configured == "" && (below(path, c.etc) || credentials != "" && below(path, credentials)) {
		return "/var/lib/lookout-probe", nil
	}
	return dataDir(place{path: path}, configured, c.getenv, c.etc)
}

// checkProbe says what a probe.toml means.
func (c *call) checkProbe() error {
	p, dir, err := c.loadProbe()
	if err != nil {
		return err
	}
	for _, w := range p.Warnings {
		fmt.Fprintln(c.stdout, uptime.Clean(w.String(), 1024))
	}
	said := "no mistake"
	if n := len(p.Warnings); n > 0 {
		said = count(n, "warning") + ", " + said
	}
	anchors := "the broker, " + p.Broker.Addr
	if len(p.Anchors) > 0 {
		list := make([]string, len(p.Anchors))
		for i, a := range p.Anchors {
			list[i] = a.String()
		}
		anchors = bullets(list)
	}
	commands := "none"
	if len(p.Commands) > 0 {
		commands = bullets(p.Commands)
	}
	_, err = fmt.Fprintf(c.stdout, `%s: probe %s, %s
broker        %s as %s
data          %s
private       %s
commands      %s
own line      is told by %s
silence       of the engine is told to %s
`, p.Path, p.ID(), said, p.Broker.URL, whoLogsIn(p.Broker), dir, allows(p.Policy), commands, anchors, tells(p))
	return err
}

func whoLogsIn(b *config.Broker) string {
	switch {
	case b.Username == "":
		return "who its certificate says, good until " + b.Until.Format("2 Jan 2006")
	case !b.Until.IsZero():
		return b.Username + ", with a certificate that is good until " + b.Until.Format("2 Jan 2006")
	}
	return b.Username
}

// allows says which private addresses may be checked.
func allows(p config.Policy) string {
	if len(p.Allow) == 0 {
		return "nothing of private networks or of this machine is checked"
	}
	list := make([]string, len(p.Allow))
	for i, a := range p.Allow {
		list[i] = a.String()
	}
	return "only " + bullets(list) + " of what is private may be checked"
}

// runProbe is `lookout probe`.
func (c *call) runProbe(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // who closes the terminal means the end, and it is to be a clean one
	defer stop()
	p, dir, err := c.loadProbe()
	if err != nil {
		return err
	}
	log := newLog(c.stderr, slog.LevelInfo, c.getenv("JOURNAL_STREAM") == "")
	for _, w := range p.Warnings {
		log.Warn("configuration", "at", w.String())
	}
	if err := dir.prepare(""); err != nil {
		return err
	}
	kept, err := spool.Open(filepath.Join(string(dir), "lookout-spool"), spool.Options{MaxBytes: p.Spool.MaxSize, MaxAge: p.Spool.MaxAge, Log: log})
	if errors.Is(err, spool.ErrLocked) {
		return failf(exitInUse, "the data folder %s is in use by another probe; no second one is started", dir)
	}
	if err != nil {
		return dir.explain(err)
	}
	b, err := c.newProbe(p, dir, kept, log)
	if err != nil {
		return errors.Join(err, kept.Close())
	}
	tended := make(chan struct{}) // closed when nobody but us uses the spool any more
	working, end := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		kept.Run(working)
		close(tended)
	}()
	err = b.run(ctx)
	end()
	<-tended
	return errors.Join(err, kept.Close())
}

// probe is a remote probe in this process.
type probe struct {
	c      *call
	config *config.Probe
	link   *link.Link
	worker *worker.Worker
	eye    *watch.Watch // nil: nobody is told when the engine is not heard of
	log    *slog.Logger
}

func (c *call) newProbe(p *config.Probe, dir folder, kept *spool.Spool, log *slog.Logger) (*probe, error) {
	b := &probe{c: c, config: p, log: log}
	b.link = link.New(link.Options{
		URL: p.Broker.URL, Username: p.Broker.Username, Password: p.Broker.Password(), TLS: p.Broker.TLS(),
		Name: "lookout probe " + p.ID(), Log: log,
		Up: func() { b.worker.Up() },
	})
	state := filepath.Join(string(dir), "lookout-orders")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, dir.explain(err)
	}
	builder := p.Builder(probes.TypesFor(policyOf(p)))
	w, err := worker.New(worker.Options{
		Place:      wire.Place{Vhost: p.Broker.Vhost, Location: p.Location, Probe: p.Name},
		Key:        p.EngineKey,
		Dir:        state,
		Software:   release,
		Broker:     b.link,
		Line:       b.line,
		Spool:      kept,
		Build:      builder.Build,
		Runner:     &probes.Runner{Location: p.Location, Log: log},
		Outside:    probes.NewOutside(),
		Anchors:    p.Anchors,
		BrokerAddr: p.Broker.Addr,
		Limits:     worker.Limits{MaxMonitors: p.Policy.MaxMonitors, MaxRate: p.Policy.MaxRate, MaxTimeout: p.Policy.MaxTimeout},
		Types:      builder.Types(),
		Capacity:   capacity(raiseFiles()),
		Log:        log,
	})
	if b.worker = w; err == nil {
		b.eye, err = b.watching()
	}
	return b, err
}

// line is what is wrong with the connection to the broker though it is there: a
// queue is missing, or a permission.
func (b *probe) line() string {
	if s := b.link.State(); s.Connected {
		return s.Error
	}
	return ""
}

// policyOf is what the checks of a probe may do, whoever orders them.
func policyOf(p *config.Probe) *probes.Policy {
	return &probes.Policy{Allow: p.Policy.Allow, Methods: p.Policy.Methods, MaxBody: p.Policy.MaxBody, Commands: p.Commands}
}

// run works until ctx ends; then it says goodbye over a link that lasts so long.
func (b *probe) run(ctx context.Context) error {
	n := newNotifier(b.c.getenv, os.Getpid())
	linked, unlink := context.WithCancel(context.WithoutCancel(ctx))
	defer unlink()
	over := make(chan error, 1) // link → us; one slot: it ends even if we did before
	go func() { over <- guard(func() error { return b.link.Run(linked) }) }()
	beside, end := context.WithCancel(linked)
	var watched sync.WaitGroup // of who tells systemd of us, and people of the engine
	watched.Go(func() { n.watch(beside, b.pulse) })
	watched.Go(func() { b.watch(beside) })
	b.log.Info("ready: it works from here, and dials the broker", "probe", b.config.ID(), "broker", b.config.Broker.URL, "config", b.config.Path, "pid", os.Getpid(), "version", release)
	n.ready("dialling the broker")
	stopped := whenDone(ctx, func() {
		n.stopping("sending what it has")
		b.log.Info("ends: sends what it has, and says goodbye")
	})
	err := guard(func() error { return b.worker.Run(ctx) })
	stopped()
	end()
	watched.Wait()
	unlink()
	if lost := <-over; !errors.Is(lost, context.Canceled) {
		err = errors.Join(err, lost)
	}
	n.stopping("ended")
	b.log.Info("ended")
	return err
}

// pulse is a line about the probe, and whether its loop turns.
func (b *probe) pulse() (status string, ok bool) {
	const late = 15 * time.Second // it turns every five
	return b.standing(), b.worker.Still() < late
}

// standing is a line about the probe, for systemd.
func (b *probe) standing() string {
	switch s := b.link.State(); {
	case s.Error != "":
		return strings.TrimSpace(s.Error)
	case s.Blocked != "":
		return "the broker takes nothing: " + s.Blocked
	case s.Connected:
		return "connected to " + b.config.Broker.URL
	}
	return "dialling the broker"
}
