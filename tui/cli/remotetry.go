package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lookout/engine/config"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
)

// brokerUser is somebody whose permissions are to be tried.
type brokerUser struct {
	who  string // engine, LOCATION/NAME, shovel of LOCATION
	user string
	url  string // of the broker
	mend string // what to do about a permission that is wrong

	// dial says how they log in. It fails with fs.ErrNotExist where their keys are elsewhere.
	dial func() (link.Options, error)

	rules     []topology.Rule
	exchanges []string // that must be there
	queues    []string // likewise
	sends     []route
}

// route is where a message is sent to see whether it arrives.
type route struct{ exchange, key, queue string }

// try logs in as a user and tries all of it.
func (u brokerUser) try(ctx context.Context) *tried {
	t := &tried{Who: u.who, User: u.user, Broker: u.url, Problems: []string{}}
	o, err := u.dial()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.Why = "its keys are not in this folder"
		return t
	case err != nil:
		t.Problems = append(t.Problems, err.Error())
		return t
	}
	t.Broker, o.Name = o.URL, "lookout remote check"
	trial, err := link.Try(ctx, o)
	if err != nil {
		t.Problems = append(t.Problems, err.Error())
		return t
	}
	defer trial.Close()
	t.Tried = true
	missing := u.look(trial, t)
	u.attempt(ctx, trial, t, missing)
	if len(missing) == 0 && len(t.Problems) == 0 {
		u.send(ctx, trial, t)
	}
	return t
}

// look finds out what is not there, which is said once.
func (u *brokerUser) look(trial *link.Trial, t *tried) (missing map[string]bool) {
	missing = map[string]bool{}
	note := func(what, name string, err error) {
		switch {
		case errors.Is(err, link.ErrMissing):
			missing[name] = true
			t.Problems = append(t.Problems, fmt.Sprintf("%s %s is missing: %s", what, name, u.mend))
		case err != nil:
			t.Problems = append(t.Problems, fmt.Sprintf("%s %s: %v", what, name, err))
		}
	}
	for _, e := range u.exchanges {
		note("exchange", e, trial.Exchange(e))
	}
	for _, q := range u.queues {
		_, _, err := trial.Queue(q)
		note("queue", q, err)
	}
	return missing
}

// attempt tries the rules.
func (u *brokerUser) attempt(ctx context.Context, trial *link.Trial, t *tried, missing map[string]bool) {
	anybody := false
	for _, r := range u.rules {
		if ctx.Err() != nil {
			return
		}
		if missing[r.Queue] || missing[r.Exchange] {
			continue
		}
		may, err := r.Try(trial)
		switch {
		case errors.Is(err, link.ErrMissing) && r.May:
			t.Problems = append(t.Problems, fmt.Sprintf("cannot %s: %v: %s", r, err, u.mend))
		case errors.Is(err, link.ErrMissing):
			t.Problems = append(t.Problems, fmt.Sprintf("may %s, and must not: %s", r, u.mend))
		case err != nil:
			t.Problems = append(t.Problems, fmt.Sprintf("cannot try to %s: %v", r, err))
			return
		case may && !r.May:
			t.Problems = append(t.Problems, fmt.Sprintf("may %s, and must not: %s", r, u.mend))
		case !may && r.May:
			t.Problems = append(t.Problems, fmt.Sprintf("may not %s: %s", r, u.mend))
		}
		t.Rules++
		if r.Do == topology.Publish && may && err == nil && !anybody {
			if _, as, err := trial.MayPublish(r.Exchange, r.Key); as && err == nil {
				anybody = true
				t.Problems = append(t.Problems, fmt.Sprintf("may publish in anybody's name: take the tag impersonator from it (rabbitmqctl set_user_tags %s)", u.user))
			}
		}
	}
}

// send finds out whether what is published arrives in a queue.
func (u *brokerUser) send(ctx context.Context, trial *link.Trial, t *tried) {
	for _, s := range u.sends {
		within, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := trial.Send(within, link.Message{Exchange: s.exchange, Key: s.key, Type: topology.TypeCheck, Expires: time.Second})
		cancel()
		switch {
		case errors.Is(err, link.ErrUnroutable):
			t.Problems = append(t.Problems, fmt.Sprintf("what is published to exchange %s with key %s reaches no queue: the binding of queue %s is missing: %s", s.exchange, s.key, s.queue, u.mend))
		case errors.Is(err, link.ErrRefused):
			t.Problems = append(t.Problems, fmt.Sprintf("queue %s takes nothing more, it is full: is the engine running?", s.queue))
		case errors.Is(err, context.DeadlineExceeded):
			t.Problems = append(t.Problems, fmt.Sprintf("the broker does not confirm what is published to exchange %s: an alarm of memory or disk may be on (rabbitmqctl status)", s.exchange))
		case err != nil:
			t.Problems = append(t.Problems, fmt.Sprintf("publish to exchange %s with key %s: %v", s.exchange, s.key, err))
		}
	}
}

// usersOf are the users of a plan, or those that are named.
func (c *call) usersOf(dir string, plan *topology.Plan, named []string) (out []brokerUser) {
	home := mend(dir, "broker")
	if len(named) == 0 {
		out = append(out, c.engineUser(plan, home, func() (link.Options, error) {
			return c.engineOptions(filepath.Join(dir, "engine", "broker.toml"))
		}))
	}
	for _, p := range plan.Probes {
		if len(named) > 0 && !slices.Contains(named, p.ID()) {
			continue
		}
		u := brokerUser{who: p.ID(), user: p.User.Name, url: plan.URLOf(p.Location), mend: home, rules: plan.ProbeRules(p), exchanges: []string{topology.Up}}
		u.dial = func() (link.Options, error) {
			return c.probeOptions(filepath.Join(dir, topology.Folder(p), "probe.toml"))
		}
		if _, far := plan.FarOf(p.Location); far {
			u.mend = mend(dir, topology.FarFolder(p.Location))
		}
		u.queues = []string{topology.ProbeQueue(p.Location, p.Name), topology.LocationQueue(p.Location)}
		for _, r := range [][2]string{{topology.KindHello, topology.Hellos}, {topology.KindReply, topology.Replies}, {topology.KindResult, topology.Results}} {
			u.sends = append(u.sends, route{topology.Up, topology.Key(r[0], p.Location, p.Name), r[1]})
		}
		out = append(out, u)
	}
	for _, far := range plan.Far {
		if len(named) == 0 {
			out = append(out, brokerUser{
				who: "shovel of " + far.Location, user: far.Shovel.Name, url: plan.URL, mend: home, rules: plan.ShovelRules(far),
				dial: func() (link.Options, error) { return shovelOptions(dir, plan, far) },
			})
		}
	}
	return out
}

// mend is what to do where a broker is not as it should be. rabbitmqctl becomes
// another user, who cannot open the file.
func mend(dir, folder string) string {
	return "rabbitmqctl import_definitions <" + filepath.Join(dir, folder, "definitions.json")
}

// engineUser is the engine of a plan.
func (c *call) engineUser(plan *topology.Plan, mend string, dial func() (link.Options, error)) brokerUser {
	u := brokerUser{
		who: "engine", user: plan.Engine.Name, url: plan.URL, mend: mend, dial: dial, rules: plan.EngineRules(),
		exchanges: []string{topology.Up, topology.Down, topology.Ask, topology.Dead, topology.NoRun},
		queues:    topology.EngineQueues(),
	}
	for _, p := range plan.Probes {
		q := topology.ProbeQueue(p.Location, p.Name)
		u.queues = append(u.queues, q)
		u.sends = append(u.sends, route{topology.Down, topology.Address(p.Location, p.Name), q})
	}
	for _, l := range plan.Locations() {
		u.queues = append(u.queues, topology.LocationQueue(l))
		u.sends = append(u.sends, route{topology.Ask, l, topology.LocationQueue(l)})
	}
	return u
}

// engineOfConfig is the engine of the configuration. Which probes there are it
// does not know, so what is tried is about none of them.
func (c *call) engineOfConfig() ([]brokerUser, error) {
	in, err := c.load()
	if err != nil {
		return nil, err
	}
	b := in.config.Broker
	if b == nil {
		return nil, failf(exitConfig, "%s has no [broker]: say --out DIR, or lookout remote init makes what is needed", in.place.path)
	}
	plan := &topology.Plan{URL: b.URL, Vhost: b.Vhost, Engine: topology.User{Name: b.Username}}
	if plan.Engine.Name == "" {
		plan.Engine.Name = topology.EngineUser(b.Vhost)
	}
	for _, l := range in.config.Locations {
		plan.Probes = append(plan.Probes, topology.Probe{Location: l.Location, Name: "lookout-check"})
	}
	u := c.engineUser(plan, "rabbitmqctl import_definitions <definitions.json, which remote init wrote", func() (link.Options, error) { return optionsOf(b), nil })
	// The probes of the plan are made up.
	u.queues, u.sends = topology.EngineQueues(), nil
	for _, l := range plan.Locations() {
		u.queues = append(u.queues, topology.LocationQueue(l))
		u.sends = append(u.sends, route{topology.Ask, l, topology.LocationQueue(l)})
	}
	return []brokerUser{u}, nil
}

func optionsOf(b *config.Broker) link.Options {
	return link.Options{URL: b.URL, Username: b.Username, Password: b.Password(), TLS: b.TLS()}
}

// engineOptions reads the engine's part of a configuration as the engine does.
func (c *call) engineOptions(path string) (link.Options, error) {
	if _, err := os.Stat(path); err != nil {
		return link.Options{}, err
	}
	cfg, err := config.Load(path, c.options())
	if err != nil || cfg.Broker == nil {
		return link.Options{}, oneMistake(path, err)
	}
	return optionsOf(cfg.Broker), nil
}

// probeOptions reads the configuration of a probe as the probe does.
func (c *call) probeOptions(path string) (link.Options, error) {
	if _, err := os.Stat(path); err != nil {
		return link.Options{}, err
	}
	p, err := config.LoadProbe(path, c.options())
	if err != nil || p.Broker == nil {
		return link.Options{}, oneMistake(path, err)
	}
	return optionsOf(p.Broker), nil
}

// oneMistake is the first of what is wrong with a file, about the broker if there is such.
func oneMistake(path string, err error) error {
	var all config.Mistakes
	if !errors.As(err, &all) {
		if err == nil {
			err = errors.New("it has no [broker]")
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, m := range all {
		if !m.Warning && strings.HasPrefix(m.Key, "broker") {
			return errors.New(m.String())
		}
	}
	return errors.New(all[0].String())
}

// shovelOptions is how the shovel of a location's broker logs in at the engine's.
func shovelOptions(dir string, plan *topology.Plan, far topology.Far) (link.Options, error) {
	dir = filepath.Join(dir, topology.FarFolder(far.Location))
	password, err := os.ReadFile(filepath.Join(dir, "broker.pass"))
	o := link.Options{URL: plan.URL, Username: far.Shovel.Name, Password: strings.TrimSpace(string(password))}
	if err != nil || strings.HasPrefix(plan.URL, "amqp://") {
		return o, err
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "shovel.pem"), filepath.Join(dir, "shovel.key"))
	if err != nil {
		return o, err
	}
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	if len(plan.ServerNames) > 0 {
		ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
		if err != nil {
			return o, err
		}
		o.TLS.RootCAs = x509.NewCertPool()
		o.TLS.RootCAs.AppendCertsFromPEM(ca)
	}
	return o, nil
}
