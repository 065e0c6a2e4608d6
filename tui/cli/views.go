package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/tui"
)

// maxViews is how large the file of the saved views may be: nine of a thousand runes fit.
const maxViews = 64 << 10

// viewsFile is the saved views of a person, of all instances: they are how
// somebody likes to look, so they lie with the state of the user and not in a
// data folder, which may be another user's or on another machine.
type viewsFile struct {
	Version int        `json:"version"`
	Views   []viewJSON `json:"views"`
}

type viewJSON struct {
	Name   string `json:"name"`
	Filter string `json:"filter"`
}

// viewsPath is where the views are kept; "" where there is no place for them.
func (c *call) viewsPath() string {
	state := xdgDir(c.getenv, "XDG_STATE_HOME", filepath.Join(".local", "state"))
	if state == "" {
		return ""
	}
	return filepath.Join(state, "lookout", "views.json")
}

// views gives a console what was saved, and a place to save. What cannot be
// read is left out, with a sentence.
func (c *call) views(o *tui.Options) {
	path := c.viewsPath()
	if path == "" {
		return
	}
	var err error
	if o.Views, err = readViews(path); err != nil {
		o.Notice = fmt.Sprintf("saved views left out: %s %s; saving one replaces it", c.tilde(path), cause(err))
	}
	o.SaveViews = func(views []tui.View) error { return writeViews(path, views) }
}

func readViews(path string) ([]tui.View, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("is no file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", cause(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxViews+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", cause(err))
	}
	if len(b) > maxViews {
		return nil, errors.New("is too large")
	}
	var kept viewsFile
	if json.Unmarshal(b, &kept) != nil {
		return nil, errors.New("is damaged")
	}
	if kept.Version != 1 {
		return nil, errors.New("is of another version of lookout")
	}
	var out []tui.View
	for _, v := range kept.Views {
		v := tui.View{Name: uptime.Clean(v.Name, 80), Filter: uptime.Clean(v.Filter, 4000)}
		if v.Name == "" || v.Filter == "" {
			return nil, errors.New("is damaged")
		}
		out = append(out, v)
	}
	return out, nil
}

func writeViews(path string, views []tui.View) error {
	kept := viewsFile{Version: 1, Views: make([]viewJSON, len(views))}
	for i, v := range views {
		kept.Views[i] = viewJSON(v)
	}
	b, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return err
	}
	if len(b) >= maxViews {
		return errors.New("they are too long")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return cause(err)
	}
	return cause(config.WriteFile(path, 0o600, append(b, '\n')))
}
