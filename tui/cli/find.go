package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// place is where a configuration was found, or where one was looked for.
type place struct {
	path   string   // absolute; "" when there is none
	own    bool     // the XDG file, whose data folder is called default
	looked []string // in order, as people know them
}

// findConfig returns the first configuration that exists, in the order of
// --config, $LOOKOUT_CONFIG, ./lookout.toml, XDG and /etc. One that is named
// by a flag or the environment is taken whether it exists or not, and one that
// exists is taken whether it can be read or not: what is wrong with it is for
// its reader to say.
func findConfig(flag string, getenv func(string) string, etc string) (place, error) {
	if flag == "" {
		flag = getenv("LOOKOUT_CONFIG")
	}
	xdg := xdgConfig(getenv)
	if flag != "" {
		abs, err := absolute(flag)
		return place{path: abs, own: abs == xdg}, err
	}
	p := place{looked: []string{"./lookout.toml"}}
	if xdg != "" {
		p.looked = append(p.looked, xdg)
	}
	p.looked = append(p.looked, filepath.Join(etc, "lookout", "lookout.toml"))
	for _, f := range p.looked {
		if _, err := os.Lstat(f); err != nil {
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
				continue
			}
			return p, fmt.Errorf("look for a configuration: %w", err)
		}
		abs, err := absolute(f)
		p.path, p.own = abs, abs == xdg
		return p, err
	}
	return p, nil
}

// xdgConfig is the path of a person's own configuration; "" without a home.
func xdgConfig(getenv func(string) string) string {
	base := xdgDir(getenv, "XDG_CONFIG_HOME", ".config")
	if base == "" {
		return ""
	}
	abs, err := absolute(filepath.Join(base, "lookout", "lookout.toml"))
	if err != nil {
		return ""
	}
	return abs
}

// xdgDir is a base folder of the XDG specification, which says that a relative
// value has to be ignored.
func xdgDir(getenv func(string) string, key, fallback string) string {
	if d := getenv(key); filepath.IsAbs(d) {
		return d
	}
	if h := getenv("HOME"); h != "" {
		return filepath.Join(h, fallback)
	}
	return ""
}

// absolute makes one path of the many that name a file: its folder without
// symbolic links, so that the same file has the same data folder wherever a
// shell came from. The file itself may be a link, as with dotfile managers.
func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", path, err)
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		return filepath.Join(dir, filepath.Base(abs)), nil
	}
	return abs, nil
}

// dataDir is the data folder of a configuration: what it says itself, else the
// system's for a configuration under /etc, else one below XDG's state folder.
func dataDir(p place, configured string, getenv func(string) string, etc string) (string, error) {
	if configured != "" {
		if !filepath.IsAbs(configured) && p.path != "" {
			configured = filepath.Join(filepath.Dir(p.path), configured)
		}
		return filepath.Clean(configured), nil
	}
	if below(p.path, etc) {
		return "/var/lib/lookout", nil
	}
	state := xdgDir(getenv, "XDG_STATE_HOME", filepath.Join(".local", "state"))
	if state == "" {
		return "", failf(exitConfig, "there is no place for the data: neither $HOME nor $XDG_STATE_HOME is set; set one, or data_dir in the configuration")
	}
	name := "default"
	if p.path != "" && !p.own {
		sum := sha256.Sum256([]byte(p.path))
		name = strings.Trim(filepath.Base(filepath.Dir(p.path)), "/-.") + "-" + hex.EncodeToString(sum[:2])
		name = strings.TrimPrefix(name, "-")
	}
	return filepath.Join(state, "lookout", name), nil
}

// below reports whether a path lies in a folder, which may be reached over a link.
func below(path, dir string) bool {
	if path == "" {
		return false
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return strings.HasPrefix(path, dir+string(filepath.Separator))
}
