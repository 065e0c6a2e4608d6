package cli

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows say what each package may import of this module; /... stands for a
// package and everything below it. A package that has no line may import
// engine/uptime alone, and engine/uptime nothing.
var arrows = map[string][]string{
	".":             {"tui/cli"},
	"engine":        {"engine/uptime", "engine/schedule", "engine/selfcheck", "engine/verdict", "engine/depend"},
	"engine/depend": {},

	"engine/alert":                     {"engine/uptime", "engine/alert/desk", "engine/alert/letter"},
	"engine/alert/watch":               {"engine/uptime", "engine/alert/letter"},
	"engine/alert/channel":             {"engine/uptime", "engine/child"},
	"engine/alert/tally":               {"engine/alert/channel/smtptest"},
	"engine/alert/drills":              {"engine/...", "storage/...", "tui/cli/e2e"},
	"engine/alert/channel/channeltest": {"engine/uptime", "probes/probetest"},
	"engine/alert/channel/postfixtest": {"engine/alert/channel/smtptest"},

	"engine/config":            {"engine/uptime", "engine/schedule"},
	"engine/judge":             {"engine/uptime", "engine/schedule"},
	"engine/selfcheck":         {"engine/uptime", "engine/verdict"},
	"engine/sim":               {"engine/uptime", "engine/schedule", "engine/selfcheck", "engine/verdict", "engine"},
	"engine/uptime":            {},
	"engine/child":             {},
	"probes":                   {"engine/uptime", "engine/child"},
	"probes/drills":            {"engine/uptime", "tui/cli/e2e"}, // it watches the binary from outside
	"probes/lossy":             {"engine/uptime", "probes"},
	"probes/remote/link":       {},
	"probes/remote/topology":   {"engine/uptime", "probes/wire"},
	"probes/remote/brokertest": {},
	"probes/remote/dispatch":   {"engine/uptime", "engine/schedule", "probes/wire", "probes/remote/link", "probes/remote/topology"},
	"probes/remote/worker":     {"engine/uptime", "engine/schedule", "probes", "probes/wire", "probes/spool", "probes/remote/link", "probes/remote/topology"},
	"probes/remote/demo":       {"probes/remote/brokertest", "probes/remote/topology", "tui/cli/e2e"},
	"probes/remote/drills":     {"engine/...", "probes/...", "storage/...", "tui/..."},
	"probes/spool":             {"engine/uptime", "probes/wire"},
	"probes/wire":              {"engine/uptime", "storage/chunk"}, // the columns of results, coded once
	"storage":                  {"engine/uptime", "storage/chunk"},
	"tui":                      {"engine/uptime", "tui/widget", "tui/theme"},
	"tui/widget":               {"engine/uptime", "tui/theme"},
	"tui/cli":                  {"engine/...", "probes/...", "storage/...", "tui/..."},
	"tui/cli/e2e":              {"engine/uptime", "probes/remote/brokertest", "probes/remote/topology"},
	"tui/cli/bench":            {"engine/...", "probes/...", "storage/...", "tui/..."},
}

// owners say which packages alone may import a module of others.
var owners = map[string][]string{
	"go.etcd.io/bbolt":                    {"storage"},
	"github.com/BurntSushi/toml":          {"engine/config"},
	"github.com/rabbitmq/amqp091-go":      {"probes/remote/link"},
	"github.com/miekg/dns":                {"probes/..."},
	"github.com/prometheus-community/":    {"probes/..."},
	"github.com/adhocore/gronx":           {"engine/schedule"},
	"github.com/theory/jsonpath":          {"probes/..."},
	"github.com/coder/websocket":          {"probes/..."},
	"golang.org/x/crypto":                 {"probes/..."},
	"github.com/spf13/cobra":              {"tui/cli"},
	"charm.land/":                         {"tui/..."},
	"github.com/charmbracelet/":           {"tui/..."},
	"github.com/charmbracelet/x/ansi":     {"tui/...", "engine/report"}, // the width of text
	"github.com/creack/pty":               {"tui/cli/e2e"},
	"github.com/charmbracelet/x/vt":       {"tui/cli/e2e"},
	"github.com/rogpeppe/go-internal":     {},
	"pgregory.net/rapid":                  {},
	"github.com/klauspost/compress":       {"engine/api", "probes/...", "storage/..."},
	"github.com/wneessen/go-mail":         {"engine/alert/channel"},
	"github.com/nicholas-fedor/shoutrrr/": {"engine/alert/channel"},
}

func TestImports(t *testing.T) {
	root := filepath.Join("..", "..")
	checked := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if checked++; !allowed(path.Dir(filepath.ToSlash(rel)), imported) {
				t.Errorf("%s imports %s, against the import rules", rel, imported)
			}
		}
		return nil
	})
	if err != nil || checked < 20 {
		t.Fatalf("%d imports checked: %v", checked, err)
	}
}

func TestImportRules(t *testing.T) {
	tests := []struct {
		from, to string
		want     bool
	}{
		{".", "lookout/tui/cli", true},
		{".", "lookout/engine", false},
		{"tui", "lookout/engine/uptime", true},
		{"tui", "lookout/engine", false},
		{"tui", "lookout/storage", false},
		{"tui/cli", "lookout/storage/chunk", true},
		{"engine/api", "lookout/engine/uptime", true},
		{"engine/api", "lookout/engine", false},
		{"engine/config", "lookout/probes", false},
		{"engine/uptime", "lookout/engine/schedule", false},
		{"engine/uptime", "golang.org/x/sys/unix", false},
		{"engine", "lookout/tui/cli", false},
		{"storage", "go.etcd.io/bbolt", true},
		{"engine", "go.etcd.io/bbolt", false},
		{"engine", "charm.land/bubbletea/v2", false},
		{"tui/theme", "charm.land/lipgloss/v2", true},
		{"tui", "github.com/charmbracelet/x/vt", false},
		{"engine", "net/http", true},
	}
	for _, tt := range tests {
		if got := allowed(tt.from, tt.to); got != tt.want {
			t.Errorf("allowed(%s, %s) = %v", tt.from, tt.to, got)
		}
	}
}

// allowed reports whether a package of this module may import a path.
func allowed(from, imported string) bool {
	if ours, ok := strings.CutPrefix(imported, "lookout/"); ok {
		targets, listed := arrows[from]
		if !listed {
			targets = []string{"engine/uptime"}
		}
		return slices.ContainsFunc(targets, func(p string) bool { return covers(p, ours) })
	}
	if from == "engine/uptime" {
		host, _, _ := strings.Cut(imported, "/")
		return !strings.Contains(host, ".")
	}
	owner, longest := []string(nil), -1
	for prefix, o := range owners {
		if strings.HasPrefix(imported, prefix) && len(prefix) > longest {
			owner, longest = o, len(prefix)
		}
	}
	return longest < 0 || slices.ContainsFunc(owner, func(p string) bool { return covers(p, from) })
}

// covers reports whether a pattern means a package.
func covers(pattern, pkg string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return pkg == pattern
}
