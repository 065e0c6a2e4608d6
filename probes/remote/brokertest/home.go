package brokertest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// home makes a home of RabbitMQ in the broker's folder, of links to what is
// installed, without the plugins that are not needed: Erlang looks for each
// module that it loads in the folder of every plugin, enabled or not, which was
// half of what a start cost.
func (b *Broker) home(plugins []string) error {
	server, err := filepath.EvalSymlinks(filepath.Join(binaries, "rabbitmq-server"))
	if err != nil {
		return err
	}
	installed := filepath.Dir(filepath.Dir(server))
	entries, err := os.ReadDir(filepath.Join(installed, "plugins"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.path("home/plugins"), 0o700); err != nil {
		return err
	}
	links := []string{"sbin", "escript"}
	for _, e := range entries {
		if needed(e.Name(), plugins) {
			links = append(links, filepath.Join("plugins", e.Name()))
		}
	}
	for _, name := range links {
		if err := os.Symlink(filepath.Join(installed, name), b.path(filepath.Join("home", name))); err != nil {
			return err
		}
	}
	return nil
}

// needed reports whether a broker with some plugins enabled needs a file of the
// folder of plugins, which holds libraries, too.
func needed(file string, plugins []string) bool {
	name, _, _ := strings.Cut(file, "-") // of a version
	if !strings.HasPrefix(name, "rabbitmq_") || name == "rabbitmq_prelaunch" || slices.Contains(plugins, name) {
		return true
	}
	// Of others is not known which further ones they need.
	alone := []string{"rabbitmq_shovel", "rabbitmq_auth_mechanism_ssl"}
	return slices.ContainsFunc(plugins, func(p string) bool { return !slices.Contains(alone, p) })
}
