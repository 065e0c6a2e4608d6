package cli

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"lookout/engine/alert/channel"
	"lookout/engine/alert/letter"
	"lookout/engine/config"
	"lookout/engine/judge"
	"lookout/engine/uptime"
	"lookout/probes"
)

// instance is a configuration with its data folder.
type instance struct {
	place  place
	config *config.Config
	folder folder
	wrong  error // why it cannot be used; nil for a good one, and for one that was not read
}

// types are the check types: those that call somebody up, and those that the engine judges.
func types(resolvers ...netip.AddrPort) []uptime.CheckType {
	return append(probes.Types(resolvers...), judge.Types()...)
}

// wrong is what is wrong with the templates of a channel.
func wrong(subject, body string) error {
	_, err := letter.Compile(subject, body)
	if m := (*letter.Mistake)(nil); errors.As(err, &m) {
		if near := config.Near(m.Word, m.Known); near != "" {
			return fmt.Errorf("%w. Did you mean %q?", err, near)
		}
	}
	return err
}

// options are what a configuration has to know and cannot read.
func (c *call) options() config.Options {
	return config.Options{
		Types:    types(c.resolvers...),
		Channels: channel.Types(),
		Template: wrong,
		Now:      c.now(),
		Env:      func(name string) (string, bool) { v, ok := c.env[name]; return v, ok },
	}
}

// place finds the configuration that this call is about. Without one the
// error says what was looked for.
func (c *call) place() (place, error) {
	p, err := findConfig(c.config, c.getenv, c.etc)
	if err == nil && p.path == "" {
		err = &exitError{exitConfig, &noConfig{p.looked}}
	}
	return p, err
}

// noConfig reports that there is no configuration anywhere.
type noConfig struct{ looked []string }

func (e *noConfig) Error() string {
	return "there is no configuration: looked for " + bullets(e.looked) + "; lookout config init writes a first one"
}

// load reads the configuration. All its mistakes come at once; the instance
// then has what could be read of it, which is enough to find its data folder.
func (c *call) load() (in instance, err error) {
	defer func() { in.wrong = err }()
	p, err := c.place()
	if err != nil {
		return instance{place: p}, err
	}
	done := c.during("reading " + p.path)
	cfg, err := config.Load(p.path, c.options())
	done()
	in = instance{place: p, config: cfg}
	if cfg == nil {
		return in, unreadable(p.path, err)
	}
	dir, derr := dataDir(p, cfg.DataDir, c.getenv, c.etc)
	in.folder = folder(dir)
	if err != nil {
		return in, mistaken(p.path, err)
	}
	return in, derr
}

// unreadable explains a configuration that cannot be read at all.
func unreadable(path string, err error) error {
	return failf(exitConfig, "the configuration %s cannot be read: %w", path, cause(err))
}

// mistaken lists what is wrong with a configuration, a line each.
func mistaken(path string, err error) error {
	var ms config.Mistakes
	if !errors.As(err, &ms) {
		return unreadable(path, err)
	}
	wrong, warned := ms.Count()
	said := count(wrong, "mistake")
	if warned > 0 {
		said += " and " + count(warned, "warning")
	}
	return failf(exitConfig, "%s in %s:\n%w", said, path, err)
}

// count writes a number with its word: 1 mistake, 180,000 monitors.
func count(n int, word string) string {
	s := thousands(n) + " " + word
	if n != 1 {
		s += "s"
	}
	return s
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// likelyFolder is where the data folder of a configuration most likely is,
// found without reading all of it: 180,000 monitors take seconds, and a console
// that joins an engine needs none of them. Whoever uses it has to see that the
// engine there is the one that was meant.
func (c *call) likelyFolder(p place) (folder, error) {
	dir, err := dataDir(p, peekDataDir(p.path), c.getenv, c.etc)
	return folder(dir), err
}

// peekDataDir finds a plain data_dir = "…" in front of a file's first table; "" for anything else.
func peekDataDir(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			return ""
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(key) != "data_dir" {
			continue
		}
		value = strings.TrimSpace(value)
		if len(value) < 2 || value[0] != '"' && value[0] != '\'' {
			return ""
		}
		inner, _, ok := strings.Cut(value[1:], value[:1])
		if !ok || strings.ContainsAny(inner, `\$`) {
			return ""
		}
		return inner
	}
	return ""
}
