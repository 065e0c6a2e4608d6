package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/probes"
	"lookout/tui"
)

// welcome is the guided first run: where there is no configuration, it makes
// one, and goes on with it.
func (c *call) welcome(ctx context.Context, looked []string) error {
	if err := c.needTerminal(); err != nil {
		return failf(exitUsage, "there is no configuration, and %w", err)
	}
	path := xdgConfig(c.getenv)
	if path == "" {
		var err error
		if path, err = absolute("lookout.toml"); err != nil {
			return err
		}
	}
	shown := make([]string, len(looked)) // the folders: the screen says that no lookout.toml is in them
	for i, l := range looked {
		shown[i] = c.tilde(filepath.Dir(l))
	}
	leave, err := c.screen(ctx, tui.Options{FirstRun: &tui.FirstRun{
		Path:     c.tilde(path),
		Searched: shown,
		Wrong:    func(line string) error { _, err := c.firstConfig(line); return err },
		Other:    otherMeaning,
		Check:    c.firstCheck,
		Preview:  func(lines []string, every time.Duration) (string, error) { return firstText(lines, every), nil },
		Save: func(lines []string, every time.Duration) (string, error) {
			return path, c.saveFirst(path, lines, every)
		},
	}})
	if err != nil || leave != tui.LeaveSaved {
		return err
	}
	in, err := c.load()
	if err != nil {
		return err
	}
	return c.embed(ctx, in)
}

// firstConfig reads a line that a person typed.
func (c *call) firstConfig(line string) (*config.Config, error) {
	cfg, err := config.FromURLs([]string{line}, c.options())
	var wrong config.Mistakes
	if errors.As(err, &wrong) && len(wrong) > 0 {
		return nil, errors.New(wrong[0].String())
	}
	if err != nil {
		return nil, err
	}
	if len(cfg.Jobs) == 0 {
		return nil, errors.New("there is nothing to watch in this line")
	}
	return cfg, nil
}

// otherMeaning is what a bare name may be besides a website.
func otherMeaning(line string) *tui.FirstOther {
	if strings.ContainsAny(line, ":/ ") {
		return nil
	}
	host, zone, ok := strings.Cut(strings.ToLower(line), ".")
	if !ok || zone == "" {
		return nil
	}
	switch strings.TrimRight(host, "0123456789-") {
	case "ns", "dns", "resolver":
		if !strings.Contains(zone, ".") { // ns1.org
			return nil
		}
		return &tui.FirstOther{Looks: "a name server", DNS: "dns://" + line + "/" + zone + "?type=SOA", ICMP: "icmp://" + line}
	case "gw", "router", "gateway", "switch", "fw", "firewall", "core-switch":
		return &tui.FirstOther{Looks: "a router", ICMP: "icmp://" + line}
	}
	return nil
}

// firstCheck tries what a person typed.
func (c *call) firstCheck(ctx context.Context, line string) (tui.FirstCheck, error) {
	cfg, err := c.firstConfig(line)
	if err != nil {
		return tui.FirstCheck{}, err
	}
	job := cfg.Jobs[0]
	r := (&probes.Runner{}).Run(ctx, job)
	return tui.FirstCheck{Name: job.Name, URL: job.Target, OK: r.Outcome == uptime.OutcomeUp || r.Outcome == uptime.OutcomeDegraded,
		Text: foundText(job.Type, &r, c.now())}, nil
}

// foundText says what a check found, in a few words.
func foundText(kind string, r *uptime.Result, now time.Time) string {
	if r.Message != "" {
		return r.Message
	}
	var parts []string
	switch {
	case r.Status != 0:
		parts = append(parts, fmt.Sprintf("%d in %s", r.Status, uptime.Took(r.Total)))
	case kind == "tcp":
		parts = append(parts, "tcp open in "+uptime.Took(r.Total))
	default:
		parts = append(parts, "answers in "+uptime.Took(r.Total))
	}
	if r.Cert != nil {
		parts = append(parts, fmt.Sprintf("certificate %d days", int(r.Cert.NotAfter.Sub(now)/(24*time.Hour))))
	}
	return strings.Join(parts, ", ")
}

// firstText is the configuration for some lines.
func firstText(lines []string, every time.Duration) string {
	entries := make([]config.Entry, len(lines))
	for i, l := range lines {
		entries[i].URL = l
	}
	return config.First(entries, every)
}

// saveFirst writes a first configuration, and never over another one.
func (c *call) saveFirst(path string, lines []string, every time.Duration) error {
	dir, file := fs.FileMode(0o700), fs.FileMode(0o600)
	if below(path, c.etc) { // a service has a user of its own, and its secrets elsewhere
		dir, file = 0o755, 0o644
	}
	if err := os.MkdirAll(filepath.Dir(path), dir); err != nil {
		return fmt.Errorf("make the folder of %s: %w", path, cause(err))
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file)
	if errors.Is(err, fs.ErrExist) {
		return failf(exitIO, "%s is there already, and was left as it is", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.WriteString(firstText(lines, every))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		_, err = c.readConfig(path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
