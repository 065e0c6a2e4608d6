package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lookout/tui"
)

func TestViewsRoundTrip(t *testing.T) {
	c := &call{env: map[string]string{"XDG_STATE_HOME": t.TempDir()}}
	want := []tui.View{{Name: "problems", Filter: "is:problem"}, {Name: "<é> \"x\"", Filter: "lat>800ms group:mail,shop !pop"}}
	var o tui.Options
	c.views(&o)
	if o.Views != nil || o.Notice != "" {
		t.Fatalf("before anything was saved: %+v", o)
	}
	for range 2 { // the second one replaces
		if err := o.SaveViews(want); err != nil {
			t.Fatal(err)
		}
	}
	var again tui.Options
	if c.views(&again); !slices.Equal(again.Views, want) || again.Notice != "" {
		t.Errorf("%+v", again)
	}
	info, err := os.Stat(c.viewsPath())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	long := slices.Repeat([]tui.View{{Name: "x", Filter: strings.Repeat("y", 4000)}}, 30)
	if o.SaveViews(long) == nil {
		t.Error("what could not be read again was written")
	}
	none := &call{env: map[string]string{}}
	if none.views(&again); none.viewsPath() != "" {
		t.Error("there is a place without a home")
	}
}

// TestViewsDamaged: what cannot be read costs nobody the console.
func TestViewsDamaged(t *testing.T) {
	for _, tt := range []struct{ name, text, says string }{
		{"cut", `{"version":1,"views":[{"name":"a"`, "is damaged"},
		{"empty", "", "is damaged"},
		{"no filter", `{"version":1,"views":[{"name":"a"}]}`, "is damaged"},
		{"newer", `{"version":2,"views":[]}`, "another version"},
		{"too large", `{"version":1,"views":[]}` + strings.Repeat(" ", maxViews), "too large"},
	} {
		c := &call{env: map[string]string{"XDG_STATE_HOME": t.TempDir()}}
		path := c.viewsPath()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var o tui.Options
		c.views(&o)
		if o.Views != nil || !strings.Contains(o.Notice, tt.says) || o.SaveViews == nil {
			t.Errorf("%s: %d views, %q", tt.name, len(o.Views), o.Notice)
		}
	}
	hostile := `{"version":1,"views":[{"name":"\u001b[31mred","filter":"a\u0007"}]}`
	path := filepath.Join(t.TempDir(), "views.json")
	if err := os.WriteFile(path, []byte(hostile), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readViews(path); err != nil || len(got) != 1 || strings.ContainsAny(got[0].Name+got[0].Filter, "\x1b\a") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := readViews(filepath.Dir(path)); err == nil {
		t.Error("a folder is read")
	}
}
