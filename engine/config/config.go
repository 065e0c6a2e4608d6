// Package config turns lookout.toml into values: it knows no check type, makes
// each through the registry that it is given, and reports every mistake at once
// with its file, its line, its key and what to do.
//
// The TOML parser gives up at the first mistake, has no lines for keys and can
// be made to cost gigabytes by a few kilobytes. So a file is first cut into its
// top-level blocks (block.go) by a scanner that builds nothing (scan.go) and
// bounds size and depth; each block is parsed alone and walked with the tables
// of keys (keys.go); the scanner finds the line of a key again when a sentence
// needs it. One monitor is in memory as TOML at a time.
package config

import (
	"encoding/json"
	"fmt"
	"time"

	"lookout/engine/uptime"
)

// Options is what Load has to know and cannot read.
type Options struct {
	Types    []uptime.CheckType          // the registry of check types
	Env      func(string) (string, bool) // for ${NAME}; nil: the process's environment
	Hostname string                      // the default for Instance; "": the system's
}

// Config is a configuration, complete and without mistakes. It is immutable.
// What it holds of secrets, none of its exported fields but Jobs[i].Checker reaches.
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
	Pages       []uptime.Page
	Jobs        []uptime.Job      // by name
	Disabled    []string          // names that enabled = false left out
	Was         map[string]string // a monitor's name to the one that it had before
	Warnings    []uptime.Mistake  // by file and line

	entries map[string]entry
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

// entry is where a monitor stands and what was set for it. Settings hold
// secrets, so they are behind a function: no formatting verb reaches into one.
type entry struct {
	file     string
	line     int
	settings func() settings
}

// Where is the file and line at which a monitor's block begins; "" and 0 for one without a file.
func (c Config) Where(monitor string) (file string, line int) {
	e := c.entries[monitor]
	return e.file, e.line
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
