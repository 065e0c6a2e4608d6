package topology

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// filePlan is the plan, in the folder that Init fills.
const filePlan = "remote.json"

// Options say what Init is to add. What an earlier run said need not be said again.
type Options struct {
	Dir    string
	Probes []string // LOCATION/NAME
	Remove []string // LOCATION/NAME of those that are to be no more
	URL    string   // of the broker; of the first run at least

	// ServerNames asks for a certificate of the broker, for these names and
	// addresses. None: it has one, or keeps the one that it got.
	ServerNames []string

	// Shovel is the URL of a broker of their own that the probes of this run dial;
	// ServerNames are its names then. "": they dial the engine's broker.
	Shovel string

	Quorum  bool // results are to lie on several nodes of a cluster
	Anchors []netip.AddrPort
	Now     time.Time
}

// Change is a file that Init made or changed.
type Change struct {
	Path string // in the folder
	Why  string // a few words for people
}

// Result is what Init did.
type Result struct {
	Plan    *Plan
	Changes []Change
	Added   []string // probes that are new, or whose keys are
	Places  []string // locations that the engine's configuration did not have
	Left    []Left   // by those that are no more, on brokers: importing removes nothing

	before []string // locations of the run before
}

// Left is something that a probe leaves behind on a broker.
type Left struct {
	Far  string // the location whose own broker it is on; "": the engine's broker
	What string // user, queue, shovel or vhost
	Name string
}

// Init fills a folder with everything that the engine, its probes and their
// broker need: definitions, certificates, keys and configuration, each part in a
// folder to copy. A folder that it filled before is added to: keys, passwords and
// configurations that are there stay as they are. A probe whose folder is gone
// gets new ones. Files are for their owner alone.
func Init(o Options) (*Result, error) {
	if len(o.Probes)+len(o.Remove) == 0 {
		return nil, errors.New("name the probes to make files for: LOCATION/NAME")
	}
	plan, err := ReadPlan(o.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		plan = &Plan{Version: 1}
	case err != nil:
		return nil, err
	}
	r := &Result{Plan: plan, before: plan.Locations()}
	if err := r.decide(o); err != nil {
		return nil, err
	}
	w := writer{dir: o.Dir, now: o.Now, result: r, vhost: plan.Vhost}
	if err := w.all(o); err != nil {
		return nil, err
	}
	return r, nil
}

// ReadPlan reads the plan of a folder. The error wraps fs.ErrNotExist where there is none.
func ReadPlan(dir string) (*Plan, error) {
	file := filepath.Join(dir, filePlan)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read what init made: %w", err)
	}
	p := &Plan{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if p.Version != 1 {
		return nil, fmt.Errorf("%s is of version %d, and this lookout knows version 1: use the newer one", file, p.Version)
	}
	_, vhost, err := ParseURL(p.URL)
	if err == nil && vhost != p.Vhost {
		err = fmt.Errorf("its url names the vhost %s and not %s", vhost, p.Vhost)
	}
	for _, probe := range p.Probes {
		_, _, wrong := ParseProbe(probe.ID())
		err = errors.Join(err, wrong)
	}
	for _, far := range p.Far {
		_, _, wrong := ParseURL(far.URL)
		err = errors.Join(err, wrong, CheckName(far.Location))
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return p, nil
}

// decide puts into the plan what was asked for, but for passwords.
func (r *Result) decide(o Options) error {
	p := r.Plan
	switch {
	case o.URL == "" && p.URL == "":
		return errors.New("say where the broker is: --url amqps://HOST/VHOST")
	case o.URL != "":
		plain, vhost, err := ParseURL(o.URL)
		if err != nil {
			return err
		}
		if p.URL != "" && p.URL != plain {
			return fmt.Errorf("the broker of %s is %s; another one needs a folder of its own", o.Dir, p.URL)
		}
		p.URL, p.Vhost = plain, vhost
	}
	p.Quorum = p.Quorum || o.Quorum
	p.Engine.Name = EngineUser(p.Vhost)
	if o.Shovel == "" && len(o.ServerNames) > 0 {
		p.ServerNames = o.ServerNames
	}
	for _, id := range o.Probes {
		location, name, err := ParseProbe(id)
		if err != nil {
			return err
		}
		if err := r.place(location, o); err != nil {
			return err
		}
		user := ProbeUser(p.Vhost, location, name)
		if err := checkUser(user); err != nil {
			return err
		}
		if !slices.ContainsFunc(p.Probes, func(q Probe) bool { return q.ID() == id }) {
			p.put(Probe{Location: location, Name: name, User: User{Name: user}})
		}
	}
	for _, id := range o.Remove {
		if err := r.remove(id); err != nil {
			return err
		}
	}
	folders := map[string]string{}
	for _, probe := range p.Probes {
		f := Folder(probe)
		if other, taken := folders[f]; taken {
			return fmt.Errorf("probes %s and %s would share the folder %s: give one another name", probe.ID(), other, f)
		}
		folders[f] = probe.ID()
	}
	return nil
}

// remove takes a probe out of the plan. Its folder stays: it may be the only
// copy of something that people wrote.
func (r *Result) remove(id string) error {
	p := r.Plan
	i := slices.IndexFunc(p.Probes, func(q Probe) bool { return q.ID() == id })
	if i < 0 {
		return fmt.Errorf("there is no probe %q to remove", id)
	}
	gone := p.Probes[i]
	p.Probes = slices.Delete(p.Probes, i, i+1)
	_, isFar := p.FarOf(gone.Location)
	last := !slices.Contains(p.Locations(), gone.Location)
	leave := func(far, what, name string) { r.Left = append(r.Left, Left{far, what, name}) }
	queue := ProbeQueue(gone.Location, gone.Name)
	if !isFar {
		leave("", "user", gone.User.Name)
	}
	leave("", "queue", queue)
	if last {
		leave("", "queue", LocationQueue(gone.Location))
	}
	switch {
	case isFar && last:
		p.Far = slices.DeleteFunc(p.Far, func(f Far) bool { return f.Location == gone.Location })
		leave("", "user", ShovelUser(p.Vhost, gone.Location))
		leave(gone.Location, "vhost", p.Vhost)
		leave(gone.Location, "user", gone.User.Name)
		leave(gone.Location, "user", ShovelUser(p.Vhost, gone.Location))
	case isFar:
		leave(gone.Location, "user", gone.User.Name)
		leave(gone.Location, "shovel", "down "+queue)
		leave(gone.Location, "queue", queue)
	}
	return nil
}

// place makes sure that the probes of a location dial one broker.
func (r *Result) place(location string, o Options) error {
	p := r.Plan
	far, isFar := p.FarOf(location)
	if o.Shovel == "" {
		return nil // the one it has
	}
	plain, vhost, err := ParseURL(o.Shovel)
	if err != nil {
		return err
	}
	known := slices.Contains(p.Locations(), location)
	switch {
	case vhost != p.Vhost:
		return fmt.Errorf("the vhost of %s is to be %s, as at the engine's broker", plain, p.Vhost)
	case isFar && far.URL != plain:
		return fmt.Errorf("the probes of %s dial %s; all of a location dial one broker", location, far.URL)
	case !isFar && known:
		return fmt.Errorf("the probes of %s dial %s; all of a location dial one broker", location, p.URL)
	case isFar:
		if len(o.ServerNames) > 0 {
			i := slices.IndexFunc(p.Far, func(f Far) bool { return f.Location == location })
			p.Far[i].ServerNames = o.ServerNames
		}
		return nil
	}
	p.Far = append(p.Far, Far{Location: location, URL: plain, ServerNames: o.ServerNames, Shovel: User{Name: ShovelUser(p.Vhost, location)}})
	slices.SortFunc(p.Far, func(a, b Far) int { return strings.Compare(a.Location, b.Location) })
	return nil
}

// Folder is where the files of a probe lie.
func Folder(p Probe) string { return p.Location + "-" + p.Name }

// FarFolder is where the files of a location's own broker lie.
func FarFolder(location string) string { return "broker." + location }

// writer fills the folder. What is there stays, but for what is made of the plan alone.
type writer struct {
	dir    string
	now    time.Time
	vhost  string
	ca     *Authority
	caText []byte
	result *Result
}

// file writes a file for its owner alone, whole or not at all, unless it is there as it should be.
func (w *writer) file(name string, text []byte, why string) error {
	path := filepath.Join(w.dir, name)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	w.result.Changes = append(w.result.Changes, Change{name, why})
	return nil
}

// kept returns what is in a file, or what fresh makes, which is written to it.
func (w *writer) kept(name, why string, fresh func() ([]byte, error)) (text []byte, isNew bool, err error) {
	path := filepath.Join(w.dir, name)
	text, err = os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, false, err
	}
	if text, err = fresh(); err != nil {
		return nil, false, fmt.Errorf("make %s: %w", path, err)
	}
	return text, true, w.file(name, text, why)
}
