// Package config turns lookout.toml into values: it knows no check type, makes
// each through the registry that it is given, and reports every mistake at once
// with its file, its line, its key and what to do.
//
// The TOML parser gives up at the first mistake, has no lines for keys and can
// be made to cost gigabytes by a few kilobytes. So a file is first cut into its
// top-level blocks (block.go) by a scanner that builds nothing (scan.go) and
// bounds size and depth; each block is parsed alone, or with some of its like
// where that is the same (parse.go), and walked with the tables of keys
// (keys.go); the scanner finds the line of a key again when a sentence needs it.
// A few monitors are in memory as TOML at a time.
package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Options is what Load has to know and cannot read.
type Options struct {
	Types    []uptime.CheckType               // the registry of check types
	Env      func(string) (string, bool)      // for ${NAME}; nil: the process's environment
	Hostname string                           // the default for Instance; "": the system's
	Now      time.Time                        // what has passed; zero: nothing has
	Channels []uptime.ChannelType             // the registry of channel types
	Template func(subject, body string) error // what is wrong with the templates of a channel; nil: nothing is looked for
	Engine   bool                             // the engine asks: a managed file that it makes is for itself alone to read
}

// Config is a configuration, complete and without mistakes. It is immutable.
// What it holds of secrets, none of its exported fields but Jobs[i].Checker and
// Channels[i].Channel reaches, and Heartbeat.URL, which does not show itself.
type Config struct {
	Path        string   // the file that was named; "" for none
	Files       []string // all that were read, in order
	Instance    string
	Timezone    *time.Location
	DataDir     string // "" where not set
	SocketGroup string // "" where not set
	Operators   []string
	SecretsDir  string // "" for none
	Log         Log
	Retention   Retention
	Anchors     []netip.AddrPort // addresses that tell whether this machine is online
	Pages       []uptime.Page
	Maintenance []Maintenance
	Locations   []uptime.Place         // where second opinions may come from, in their order
	Broker      *Broker                // between this engine and its probes; nil: there is none, and nobody else is asked
	Network     string                 // of this machine: what [[location]] says of local; "": its own
	Place       string                 // what people call where this machine is; "": nothing
	Channels    []uptime.ChannelConfig // in their order
	Routes      []uptime.Route         // in their order
	Heartbeat   *uptime.Heartbeat      // nil: there is none
	Jobs        []uptime.Job           // by name
	Disabled    []string               // names that enabled = false left out
	Was         map[string]string      // a monitor's name to the one that it had before
	Warnings    []uptime.Mistake       // by file and line

	made func(i int) *made          // what Jobs[i] was made of; behind a function, so that no verb of fmt gets at secrets
	said func() map[string]settings // of each channel what is configured, likewise; nil: there is none
}

// Log is where and how much the engine writes of itself.
type Log struct {
	Level string // debug, info, warn or error
	File  string // "": standard error
}

// Retention is how long things are kept; zero: the store's default.
type Retention struct {
	Results, Rollups, Events time.Duration
	MaxSize                  int64 // bytes
}

// made is a monitor with where it stands and what was set for it.
type made struct {
	*uptime.Monitor
	file     string
	line     int
	kind     *kind
	settings uptime.Settings
}

// Where is the file and line at which a monitor's block begins; "" and 0 for one without a file.
func (c Config) Where(monitor string) (file string, line int) {
	if m := c.find(monitor); m != nil {
		return m.file, m.line
	}
	return "", 0
}

// find returns what a monitor was made of; nil where there is none.
func (c Config) find(monitor string) *made {
	i, ok := slices.BinarySearchFunc(c.Jobs, monitor, func(j uptime.Job, name string) int { return strings.Compare(j.Name, name) })
	if !ok {
		return nil
	}
	return c.made(i)
}

// String says what was read, and no setting.
func (c Config) String() string {
	return fmt.Sprintf("config %s: %d monitors, %d pages", c.Path, len(c.Jobs), len(c.Pages))
}

// GoString is String: %#v must not reach the checkers.
func (c Config) GoString() string { return c.String() }

// MarshalJSON writes what can be shown of a configuration: no checker, no secret.
func (c Config) MarshalJSON() ([]byte, error) {
	monitors := make([]string, len(c.Jobs))
	for i, j := range c.Jobs {
		monitors[i] = j.Name
	}
	return json.Marshal(struct {
		Path     string   `json:"path"`
		Files    []string `json:"files"`
		Instance string   `json:"instance"`
		Monitors []string `json:"monitors"`
	}{c.Path, c.Files, c.Instance, monitors})
}
