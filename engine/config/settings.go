package config

import (
	"fmt"
	"os"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// settle puts the global settings into the Config.
func (l *loader) settle() {
	c, g := l.cfg, l.globals
	c.Instance = uptime.Value(g, "instance", l.opt.Hostname)
	if c.Instance == "" {
		c.Instance, _ = os.Hostname()
	}
	if b := l.set["instance"]; b != nil && uptime.Clean(c.Instance, maxName) != c.Instance || c.Instance == "" {
		if b != nil {
			l.fail(b, []string{"instance"}, "instance must be a printable name", "")
		}
		c.Instance = "lookout"
	}
	c.Timezone = time.Local
	if name, ok := g["timezone"].(string); ok {
		zone, err := time.LoadLocation(name)
		if err != nil || name == "" {
			l.fail(l.set["timezone"], []string{"timezone"}, fmt.Sprintf("timezone = %q is unknown", shown(name)), `Write it like "Europe/Amsterdam"`)
		} else {
			c.Timezone = zone
		}
	}
	c.DataDir = l.path("data_dir")
	c.SocketGroup = uptime.Value(g, "socket_group", "")
	c.Operators = uptime.Value[[]string](g, "operators", nil)
	c.SecretsDir = l.secretsDir()
	c.Log = Log{Level: uptime.Value(g, "log.level", "info"), File: l.path("log.file")}
	c.Anchors = l.anchors()
	c.Broker = l.broker(true)
	c.Retention = Retention{
		Results: uptime.Value(g, "retention.results", time.Duration(0)), Rollups: uptime.Value(g, "retention.rollups", time.Duration(0)),
		Events: uptime.Value(g, "retention.events", time.Duration(0)), MaxSize: uptime.Value(g, "retention.max_size", int64(0)),
	}
}

// secretsDir settles where ${secret:NAME} is looked up.
func (l *loader) secretsDir() string {
	l.secrets.own, _ = l.opt.Env("CREDENTIALS_DIRECTORY")
	if l.secrets.dir = l.path("secrets_dir"); l.secrets.dir == "" {
		l.secrets.dir = l.secrets.own
	}
	return l.secrets.dir
}

// path is a setting that names a file or folder, made absolute for a file's own folder.
func (l *loader) path(key string) string {
	p, ok := l.globals[key].(string)
	if !ok {
		return ""
	}
	b := l.set[key]
	switch {
	case p == "":
		l.fail(b, strings.Split(key, "."), key+" is empty", "")
		return ""
	case fromHome(p):
		l.fail(b, strings.Split(key, "."), key+homeFault, homeHint)
		return ""
	}
	return b.file.relative(p)
}

// fromHome reports whether a path is meant to begin at somebody's home.
func fromHome(path string) bool { return path == "~" || strings.HasPrefix(path, "~/") }

const (
	homeFault = " begins with ~, which only a shell understands"
	homeHint  = "Write the whole path"
)
