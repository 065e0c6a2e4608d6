package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// write makes a file and its folders.
func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindConfig(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files []string
		flag  string
		env   string
		want  string // relative to the bench; "" for none
		own   bool
	}{
		{name: "none"},
		{name: "only /etc", files: []string{"etc/lookout/lookout.toml"}, want: "etc/lookout/lookout.toml"},
		{name: "XDG before /etc", files: []string{"etc/lookout/lookout.toml", ".config/lookout/lookout.toml"}, want: ".config/lookout/lookout.toml", own: true},
		{name: "here before XDG", files: []string{"lookout.toml", ".config/lookout/lookout.toml"}, want: "lookout.toml"},
		{name: "environment before here", files: []string{"lookout.toml", "a.toml"}, env: "a.toml", want: "a.toml"},
		{name: "flag before environment", files: []string{"a.toml", "b.toml"}, env: "a.toml", flag: "b.toml", want: "b.toml"},
		{name: "a missing flag is not passed over", files: []string{"lookout.toml"}, flag: "gone.toml", want: "gone.toml"},
		{name: "a broken link is not passed over", files: []string{"@lookout.toml", "etc/lookout/lookout.toml"}, want: "lookout.toml"},
		{name: "the XDG file by its flag", files: []string{".config/lookout/lookout.toml"}, flag: ".config/lookout/lookout.toml", want: ".config/lookout/lookout.toml", own: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.env["LOOKOUT_CONFIG"] = tt.env
			for _, f := range tt.files {
				if link, ok := strings.CutPrefix(f, "@"); ok {
					if err := os.Symlink("nowhere", link); err != nil {
						t.Fatal(err)
					}
					continue
				}
				write(t, f, "")
			}
			got, err := findConfig(tt.flag, func(k string) string { return b.env[k] }, b.dir+"/etc")
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if tt.want != "" {
				want = filepath.Join(b.dir, tt.want)
			}
			if got.path != want || got.own != tt.own {
				t.Errorf("got %+v, want %q, own %v", got, want, tt.own)
			}
		})
	}
}

func TestFindConfigSaysWhereItLooked(t *testing.T) {
	b := newBench(t)
	b.env["XDG_CONFIG_HOME"] = "relative/is/ignored"
	got, err := findConfig("", func(k string) string { return b.env[k] }, "/etc")
	if err != nil {
		t.Fatal(err)
	}
	want := "./lookout.toml " + b.dir + "/.config/lookout/lookout.toml /etc/lookout/lookout.toml"
	if strings.Join(got.looked, " ") != want {
		t.Errorf("looked %q, want %q", got.looked, want)
	}
}

func TestDataDir(t *testing.T) {
	b := newBench(t)
	get := func(k string) string { return b.env[k] }
	for _, tt := range []struct {
		name       string
		place      place
		configured string
		want       string // a pattern; @ is the home
	}{
		{"no configuration", place{}, "", `@/\.local/state/lookout/default`},
		{"the XDG file", place{path: b.dir + "/.config/lookout/lookout.toml", own: true}, "", `@/\.local/state/lookout/default`},
		{"another file", place{path: "/srv/web/lookout.toml"}, "", `@/\.local/state/lookout/web-[0-9a-f]{4}`},
		{"under /etc", place{path: "/etc/lookout/lookout.toml"}, "", `/var/lib/lookout`},
		{"beside /etc", place{path: "/etcetera/lookout.toml"}, "", `@/\.local/state/lookout/etcetera-[0-9a-f]{4}`},
		{"in the root", place{path: "/lookout.toml"}, "", `@/\.local/state/lookout/[0-9a-f]{4}`},
		{"as configured", place{path: "/etc/lookout/lookout.toml"}, "/data//x", `/data/x`},
		{"relative to the file", place{path: "/srv/web/lookout.toml"}, "state", `/srv/web/state`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dataDir(tt.place, tt.configured, get, "/etc")
			if err != nil {
				t.Fatal(err)
			}
			want := "^" + strings.Replace(tt.want, "@", regexp.QuoteMeta(b.dir), 1) + "$"
			if !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	if _, err := dataDir(place{}, "", func(string) string { return "" }, "/etc"); codeOf(err) != exitConfig {
		t.Errorf("without a home: %v", err)
	}
}

func TestDataDirIsOnePerFile(t *testing.T) {
	b := newBench(t)
	get := func(k string) string { return b.env[k] }
	write(t, "web/lookout.toml", "")
	write(t, "web/other.toml", "")
	if err := os.Symlink("web", "link"); err != nil {
		t.Fatal(err)
	}
	dirs := make(map[string]string)
	for _, f := range []string{"web/lookout.toml", "link/lookout.toml", "web/other.toml"} {
		p, err := findConfig(f, get, "/etc")
		if err != nil {
			t.Fatal(err)
		}
		if dirs[f], err = dataDir(p, "", get, "/etc"); err != nil {
			t.Fatal(err)
		}
	}
	if dirs["web/lookout.toml"] != dirs["link/lookout.toml"] {
		t.Errorf("two folders for one file over a link: %q", dirs)
	}
	if dirs["web/lookout.toml"] == dirs["web/other.toml"] {
		t.Errorf("one folder for two files: %q", dirs)
	}
}
